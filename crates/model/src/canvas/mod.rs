//! The plan: who speaks for which channel, the tentpoles and their budgets, and the one story each campaign tells.
//!
//! Each entry is kept in all its versions, and a version holds from its date on until the next begins. Who looks something up
//! says when: a touch is judged by the plan of its own time, however late it comes.

mod entry;
mod ownership;
#[cfg(test)]
mod tests;
mod versions;

pub use entry::{
    BUDGET_KINDS, Budget, Campaign, CanvasEntry, EntryKey, FUNNEL_ROLES, Kind, Message, Narrative, Team, Tentpole,
};
pub use versions::Version;

use crate::touchpoint::Touchpoint;
use ownership::Ownership;
use versions::Versions;

/// The team that channels and campaigns without an owner in the canvas are counted under.
pub const UNASSIGNED_TEAM: &str = "unassigned";

/// The canvas as one looks things up in it. The order in which its versions came makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canvas {
    teams: Versions<Team>,
    tentpoles: Versions<Tentpole>,
    narratives: Versions<Narrative>,
    campaigns: Versions<Campaign>,
    messages: Versions<Message>,
    budgets: Versions<Budget>,
    channels: Ownership,
}

impl Canvas {
    /// Adds a version of an entry, or replaces the one with its date.
    pub fn apply(&mut self, entry: CanvasEntry) {
        let CanvasEntry { effective_from, retired, version, applied_at, .. } = entry;
        macro_rules! put {
            ($said:ident, $id:ident, $versions:ident) => {
                if let Some(said) = entry.$said {
                    let id = said.$id.clone();
                    self.$versions.put(&id, Version { entry: said, effective_from, retired, version, applied_at });
                }
            };
        }
        let is_team = entry.team.is_some();
        put!(team, team_id, teams);
        put!(tentpole, tentpole_id, tentpoles);
        put!(narrative, narrative_id, narratives);
        put!(campaign, campaign_id, campaigns);
        put!(message, message_id, messages);
        put!(budget, budget_id, budgets);
        if is_team {
            self.channels = Ownership::of(&self.teams);
        }
    }

    /// Removes the version with this record key, as a tombstone on the topic says.
    pub fn remove(&mut self, key: &str) {
        let Some(EntryKey { kind, id, effective_from }) = EntryKey::parse(key) else { return };
        match kind {
            Kind::Team => {
                self.teams.remove(id, effective_from);
                self.channels = Ownership::of(&self.teams);
            }
            Kind::Tentpole => self.tentpoles.remove(id, effective_from),
            Kind::Narrative => self.narratives.remove(id, effective_from),
            Kind::Campaign => self.campaigns.remove(id, effective_from),
            Kind::Message => self.messages.remove(id, effective_from),
            Kind::Budget => self.budgets.remove(id, effective_from),
        }
    }

    /// The campaign with this id, as it was at `at`.
    #[must_use]
    pub fn campaign(&self, campaign_id: &str, at: i64) -> Option<&Campaign> {
        self.campaigns.at(campaign_id, at)
    }

    /// The message with this id, as it was at `at`.
    #[must_use]
    pub fn message(&self, message_id: &str, at: i64) -> Option<&Message> {
        self.messages.at(message_id, at)
    }

    /// The team with this id, as it was at `at`.
    #[must_use]
    pub fn team(&self, team_id: &str, at: i64) -> Option<&Team> {
        self.teams.at(team_id, at)
    }

    /// The tentpole with this id, as it was at `at`.
    #[must_use]
    pub fn tentpole(&self, tentpole_id: &str, at: i64) -> Option<&Tentpole> {
        self.tentpoles.at(tentpole_id, at)
    }

    /// The narrative with this id, as it was at `at`.
    #[must_use]
    pub fn narrative(&self, narrative_id: &str, at: i64) -> Option<&Narrative> {
        self.narratives.at(narrative_id, at)
    }

    /// All tentpoles at `at`, in no order.
    pub fn tentpoles(&self, at: i64) -> impl Iterator<Item = &Tentpole> {
        self.tentpoles.all_at(at).map(|version| &version.entry)
    }

    /// All narratives at `at`, in no order.
    pub fn narratives(&self, at: i64) -> impl Iterator<Item = &Narrative> {
        self.narratives.all_at(at).map(|version| &version.entry)
    }

    /// All campaigns at `at`, in no order.
    pub fn campaigns(&self, at: i64) -> impl Iterator<Item = &Campaign> {
        self.campaigns.all_at(at).map(|version| &version.entry)
    }

    /// All budgets at `at`, in no order.
    pub fn budgets(&self, at: i64) -> impl Iterator<Item = &Budget> {
        self.budgets.all_at(at).map(|version| &version.entry)
    }

    /// The teams of all times, in no order; one comes once for each of its versions.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.every().filter(|version| !version.retired).map(|version| &version.entry)
    }

    /// The team that answers for a touchpoint at its time: its campaign's owner, else its channel's, else
    /// [`UNASSIGNED_TEAM`].
    #[must_use]
    pub fn team_of(&self, touchpoint: &Touchpoint) -> &str {
        self.team_of_parts(touchpoint.campaign_id.as_deref(), &touchpoint.channel, touchpoint.occurred_at)
    }

    /// As [`Canvas::team_of`], from the parts.
    #[must_use]
    pub fn team_of_parts(&self, campaign_id: Option<&str>, channel: &str, at: i64) -> &str {
        campaign_id
            .and_then(|id| self.campaigns.at(id, at))
            .map(|campaign| campaign.team_id.as_str())
            .or_else(|| self.channels.owner(channel, at))
            .unwrap_or(UNASSIGNED_TEAM)
    }

    /// The narrative a touchpoint told, by the plan of its time: its message's, else its campaign's.
    #[must_use]
    pub fn narrative_of(&self, touchpoint: &Touchpoint) -> Option<&str> {
        let at = touchpoint.occurred_at;
        let message = touchpoint.message_id.as_deref().and_then(|id| self.messages.at(id, at));
        message.map(|message| message.narrative_id.as_str()).or_else(|| {
            let campaign = touchpoint.campaign_id.as_deref().and_then(|id| self.campaigns.at(id, at));
            campaign.and_then(|campaign| campaign.narrative_id.as_deref())
        })
    }

    /// The versions of one entry in order of their dates, as records.
    #[must_use]
    pub fn versions(&self, kind: Kind, id: &str) -> Vec<CanvasEntry> {
        match kind {
            Kind::Team => self.teams.of(id).iter().map(record).collect(),
            Kind::Tentpole => self.tentpoles.of(id).iter().map(record).collect(),
            Kind::Narrative => self.narratives.of(id).iter().map(record).collect(),
            Kind::Campaign => self.campaigns.of(id).iter().map(record).collect(),
            Kind::Message => self.messages.of(id).iter().map(record).collect(),
            Kind::Budget => self.budgets.of(id).iter().map(record).collect(),
        }
    }

    /// All versions of all entries as records, by kind, id and date.
    #[must_use]
    pub fn every_version(&self) -> Vec<CanvasEntry> {
        let mut all: Vec<CanvasEntry> = Vec::new();
        all.extend(self.teams.every().map(record));
        all.extend(self.tentpoles.every().map(record));
        all.extend(self.narratives.every().map(record));
        all.extend(self.campaigns.every().map(record));
        all.extend(self.messages.every().map(record));
        all.extend(self.budgets.every().map(record));
        sort(&mut all);
        all
    }

    /// All entries that hold at `at` as records, by kind and id.
    #[must_use]
    pub fn in_force(&self, at: i64) -> Vec<CanvasEntry> {
        let mut all: Vec<CanvasEntry> = Vec::new();
        all.extend(self.teams.all_at(at).map(record));
        all.extend(self.tentpoles.all_at(at).map(record));
        all.extend(self.narratives.all_at(at).map(record));
        all.extend(self.campaigns.all_at(at).map(record));
        all.extend(self.messages.all_at(at).map(record));
        all.extend(self.budgets.all_at(at).map(record));
        sort(&mut all);
        all
    }
}

fn record<T: Clone + Into<CanvasEntry>>(version: &Version<T>) -> CanvasEntry {
    let Version { entry, effective_from, retired, version, applied_at } = version;
    CanvasEntry {
        effective_from: *effective_from,
        retired: *retired,
        version: *version,
        applied_at: *applied_at,
        ..entry.clone().into()
    }
}

fn sort(entries: &mut [CanvasEntry]) {
    entries.sort_by(|a, b| (a.subject(), a.effective_from).cmp(&(b.subject(), b.effective_from)));
}
