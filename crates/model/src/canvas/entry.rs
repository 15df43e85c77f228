//! What stands on the canvas, and the record that carries one version of it.

use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::time::{from_rfc3339, to_rfc3339};

/// The roles a campaign can have in the funnel.
pub const FUNNEL_ROLES: [&str; 4] = ["awareness", "consideration", "conversion", "loyalty"];
/// The kinds of budgets.
pub const BUDGET_KINDS: [&str; 4] = ["trade", "retail_media", "brand", "performance"];

/// A team and the channels it answers for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Name, used in topics (`tributary.metrics.<team>`): lower case letters, digits and `-`.
    pub team_id: String,
    /// Channels whose touches are this team's unless a campaign says otherwise.
    pub channels: Vec<String>,
}

/// What campaigns, budgets and teams hang together on: a launch, a season, a theme.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tentpole {
    /// Id, as campaigns and budgets name it.
    pub tentpole_id: String,
    /// Name for people.
    pub name: String,
    /// When it begins.
    #[serde(default)]
    pub starts_at: Option<i64>,
    /// The first instant after it.
    #[serde(default)]
    pub ends_at: Option<i64>,
}

/// The one story that campaigns tell and messages word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrative {
    /// Id, as campaigns and messages name it.
    pub narrative_id: String,
    /// Name for people.
    pub name: String,
    /// The story itself.
    #[serde(default)]
    pub text: Option<String>,
}

/// A campaign with its place in the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Role in the funnel: one of [`FUNNEL_ROLES`].
    pub funnel_role: String,
    /// The story it tells.
    #[serde(default)]
    pub narrative_id: Option<String>,
    /// When its flight begins.
    #[serde(default)]
    pub starts_at: Option<i64>,
    /// The first instant after its flight.
    #[serde(default)]
    pub ends_at: Option<i64>,
}

/// An approved wording of a narrative, with the claims it makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The offer claimed, as it is worded: `20% off`.
    #[serde(default)]
    pub offer_claim: Option<String>,
    /// The price claimed.
    #[serde(default)]
    pub price: Option<Money>,
    /// The stage it speaks to: `acquisition`, `retention`, …
    #[serde(default)]
    pub stage: Option<String>,
}

impl Message {
    /// What it claims of its subject, as one can compare it with what another message claims: the offer as worded, and the
    /// price; empty when it claims neither.
    #[must_use]
    pub fn claim(&self) -> String {
        match (&self.offer_claim, &self.price) {
            (Some(offer), Some(price)) => format!("{offer}, {}", price.display()),
            (Some(offer), None) => offer.clone(),
            (None, Some(price)) => price.display(),
            (None, None) => String::new(),
        }
    }
}

/// Money that a team may spend, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Id.
    pub budget_id: String,
    /// One of [`BUDGET_KINDS`].
    pub kind: String,
    /// The team that answers for it.
    pub team_id: String,
    /// The tentpole it is for.
    #[serde(default)]
    pub tentpole_id: Option<String>,
    /// The campaign it is for.
    #[serde(default)]
    pub campaign_id: Option<String>,
    /// The channel it is for.
    #[serde(default)]
    pub channel: Option<String>,
    /// The agency that spends it.
    #[serde(default)]
    pub agency: Option<String>,
    /// The retailer or media owner with whom it is spent.
    #[serde(default)]
    pub partner: Option<String>,
    /// How much.
    pub amount: Money,
    /// From when it may be spent.
    #[serde(default)]
    pub starts_at: Option<i64>,
    /// The first instant at which it may not be spent any more.
    #[serde(default)]
    pub ends_at: Option<i64>,
}

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A team.
    Team,
    /// A tentpole.
    Tentpole,
    /// A narrative.
    Narrative,
    /// A campaign.
    Campaign,
    /// A message.
    Message,
    /// A budget.
    Budget,
}

impl Kind {
    /// All kinds, each before those that name it.
    pub const ALL: [Self; 6] =
        [Self::Team, Self::Tentpole, Self::Narrative, Self::Campaign, Self::Message, Self::Budget];

    /// Its name in record keys and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Tentpole => "tentpole",
            Self::Narrative => "narrative",
            Self::Campaign => "campaign",
            Self::Message => "message",
            Self::Budget => "budget",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One version of one entry of the canvas; the record of the compacted `tributary.canvas`, keyed by [`EntryKey`]. One of
/// the fields `team` to `budget` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasEntry {
    /// A team.
    #[serde(default)]
    pub team: Option<Team>,
    /// A campaign.
    #[serde(default)]
    pub campaign: Option<Campaign>,
    /// A message.
    #[serde(default)]
    pub message: Option<Message>,
    /// A tentpole.
    #[serde(default)]
    pub tentpole: Option<Tentpole>,
    /// A narrative.
    #[serde(default)]
    pub narrative: Option<Narrative>,
    /// A budget.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// From when on it holds; since always when it is left out.
    #[serde(default)]
    pub effective_from: Option<i64>,
    /// From then on the entry is no longer on the canvas; it holds what it last was.
    #[serde(default)]
    pub retired: bool,
    /// Counts what was applied of this entry, from 1; 0 is what files of `canvas.directory` say.
    #[serde(default)]
    pub version: i32,
    /// When it was applied; none of what files say.
    #[serde(default)]
    pub applied_at: Option<i64>,
}

impl CanvasEntry {
    /// Its kind and id; `None` when nothing is set.
    #[must_use]
    pub fn subject(&self) -> Option<(Kind, &str)> {
        match self {
            Self { team: Some(team), .. } => Some((Kind::Team, &team.team_id)),
            Self { campaign: Some(campaign), .. } => Some((Kind::Campaign, &campaign.campaign_id)),
            Self { message: Some(message), .. } => Some((Kind::Message, &message.message_id)),
            Self { tentpole: Some(tentpole), .. } => Some((Kind::Tentpole, &tentpole.tentpole_id)),
            Self { narrative: Some(narrative), .. } => Some((Kind::Narrative, &narrative.narrative_id)),
            Self { budget: Some(budget), .. } => Some((Kind::Budget, &budget.budget_id)),
            _ => None,
        }
    }

    /// The record key; `empty` when nothing is set.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        let key = self.subject().map(|(kind, id)| EntryKey { kind, id, effective_from: self.effective_from });
        key.map_or_else(|| "empty".to_owned(), |key| key.to_string()).into_bytes()
    }

    /// What it says, whenever it was applied and holds: the same entry without date, version and retirement.
    #[must_use]
    pub fn content(&self) -> Self {
        Self { effective_from: None, retired: false, version: 0, applied_at: None, ..self.clone() }
    }
}

macro_rules! entries_of {
    ($($record:ident => $field:ident),* $(,)?) => {
        $(impl From<$record> for CanvasEntry {
            fn from($field: $record) -> Self {
                Self { $field: Some($field), ..Self::default() }
            }
        })*
    };
}

entries_of! {
    Team => team, Tentpole => tentpole, Narrative => narrative, Campaign => campaign, Message => message, Budget => budget,
}

/// The record key of a version: `kind:id` when it holds since always, `kind:id@<instant>` when it has a date, so that
/// compaction keeps each version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
    /// From when on it holds.
    pub effective_from: Option<i64>,
}

impl<'a> EntryKey<'a> {
    /// Reads a key; `None` when it is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let kind = Kind::named(kind)?;
        let dated = rest.rsplit_once('@').and_then(|(id, at)| Some((id, from_rfc3339(at)?)));
        let (id, effective_from) = dated.map_or((rest, None), |(id, at)| (id, Some(at)));
        Some(Self { kind, id, effective_from })
    }
}

impl std::fmt::Display for EntryKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.id)?;
        match self.effective_from {
            Some(at) => write!(f, "@{}", to_rfc3339(at)),
            None => Ok(()),
        }
    }
}
