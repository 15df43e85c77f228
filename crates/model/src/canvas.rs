//! The plan: who speaks for which channel, and the one story each campaign tells.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::touchpoint::Touchpoint;

/// The team that channels and campaigns without an owner in the canvas are counted under.
pub const UNASSIGNED_TEAM: &str = "unassigned";

/// A team and the channels it answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Name, used in topics (`tributary.metrics.<team>`): lower case letters, digits and `-`.
    pub team_id: String,
    /// Channels whose touches are this team's unless a campaign says otherwise.
    pub channels: Vec<String>,
}

/// A campaign with its place in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Id, as touchpoints carry it.
    pub campaign_id: String,
    /// Name for people.
    pub name: String,
    /// The team that owns it.
    pub team_id: String,
    /// The tentpole it hangs on.
    #[serde(default)]
    pub tentpole_id: Option<String>,
    /// Agency that traffics it.
    #[serde(default)]
    pub agency: Option<String>,
    /// Retailer or media owner.
    #[serde(default)]
    pub partner: Option<String>,
    /// Place on the brand–demand spectrum: 0 is pure brand, 100 pure demand.
    pub demand_percent: i32,
    /// Role in the funnel: `awareness`, `consideration`, `conversion`, `loyalty`.
    pub funnel_role: String,
    /// The story it tells.
    #[serde(default)]
    pub narrative_id: Option<String>,
}

/// An approved wording of a narrative, with the claims it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Id, as touchpoints carry it.
    pub message_id: String,
    /// The narrative it words.
    pub narrative_id: String,
    /// Whether brand has approved it.
    pub approved: bool,
    /// The sku or category the offer is about.
    #[serde(default)]
    pub offer_subject: Option<String>,
    /// The offer or price claimed, as it is worded: `20% off`, `9.99`.
    #[serde(default)]
    pub offer_claim: Option<String>,
    /// The stage it speaks to: `acquisition`, `retention`, …
    #[serde(default)]
    pub stage: Option<String>,
}

/// One entry of the canvas; the record of the compacted `tributary.canvas`, keyed by `kind:id`. One field is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasEntry {
    /// A team.
    pub team: Option<Team>,
    /// A campaign.
    pub campaign: Option<Campaign>,
    /// A message.
    pub message: Option<Message>,
}

impl CanvasEntry {
    /// The record key, `kind:id`.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        let text = match (&self.team, &self.campaign, &self.message) {
            (Some(team), _, _) => format!("team:{}", team.team_id),
            (_, Some(campaign), _) => format!("campaign:{}", campaign.campaign_id),
            (_, _, Some(message)) => format!("message:{}", message.message_id),
            _ => "empty".to_owned(),
        };
        text.into_bytes()
    }
}

/// The canvas as one looks things up in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canvas {
    campaigns: FxHashMap<String, Campaign>,
    messages: FxHashMap<String, Message>,
    teams: FxHashMap<String, Team>,
    team_by_channel: FxHashMap<String, String>,
}

impl Canvas {
    /// Adds or replaces an entry.
    pub fn apply(&mut self, entry: CanvasEntry) {
        if let Some(team) = entry.team {
            self.team_by_channel.retain(|_, owner| *owner != team.team_id);
            for channel in &team.channels {
                self.team_by_channel.insert(channel.clone(), team.team_id.clone());
            }
            self.teams.insert(team.team_id.clone(), team);
        }
        if let Some(campaign) = entry.campaign {
            self.campaigns.insert(campaign.campaign_id.clone(), campaign);
        }
        if let Some(message) = entry.message {
            self.messages.insert(message.message_id.clone(), message);
        }
    }

    /// Removes the entry with this record key (`kind:id`), as a tombstone on the topic says.
    pub fn remove(&mut self, key: &str) {
        match key.split_once(':') {
            Some(("team", id)) => {
                self.teams.remove(id);
                self.team_by_channel.retain(|_, owner| owner != id);
            }
            Some(("campaign", id)) => drop(self.campaigns.remove(id)),
            Some(("message", id)) => drop(self.messages.remove(id)),
            _ => {}
        }
    }

    /// The campaign with this id.
    #[must_use]
    pub fn campaign(&self, campaign_id: &str) -> Option<&Campaign> {
        self.campaigns.get(campaign_id)
    }

    /// The message with this id.
    #[must_use]
    pub fn message(&self, message_id: &str) -> Option<&Message> {
        self.messages.get(message_id)
    }

    /// All teams, in no order.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values()
    }

    /// The team that answers for a touchpoint: its campaign's owner, else its channel's, else [`UNASSIGNED_TEAM`].
    #[must_use]
    pub fn team_of(&self, touchpoint: &Touchpoint) -> &str {
        self.team_of_parts(touchpoint.campaign_id.as_deref(), &touchpoint.channel)
    }

    /// As [`Canvas::team_of`], from the parts.
    #[must_use]
    pub fn team_of_parts(&self, campaign_id: Option<&str>, channel: &str) -> &str {
        campaign_id
            .and_then(|id| self.campaigns.get(id))
            .map(|campaign| campaign.team_id.as_str())
            .or_else(|| self.team_by_channel.get(channel).map(String::as_str))
            .unwrap_or(UNASSIGNED_TEAM)
    }

    /// The narrative a touchpoint told: its message's, else its campaign's.
    #[must_use]
    pub fn narrative_of(&self, touchpoint: &Touchpoint) -> Option<&str> {
        let by_message =
            touchpoint.message_id.as_deref().and_then(|id| self.messages.get(id)).map(|m| m.narrative_id.as_str());
        by_message.or_else(|| {
            touchpoint
                .campaign_id
                .as_deref()
                .and_then(|id| self.campaigns.get(id))
                .and_then(|c| c.narrative_id.as_deref())
        })
    }
}
