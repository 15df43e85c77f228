//! The journey rolled up per account.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, PersonId};
use crate::time::DAY_MS;

/// When a team last spoke with or heard from an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTouch {
    /// The team.
    pub team_id: String,
    /// When.
    pub occurred_at: i64,
}

/// Somebody who belongs to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountMember {
    /// The person.
    pub person_id: PersonId,
    /// What the membership rests on: the namespace of the account identifier of highest priority that the person's touches
    /// name.
    pub source: String,
    /// The first touchpoint that says so.
    pub evidence: String,
    /// When that occurred.
    pub since: i64,
    /// When the person last touched the account.
    pub last_at: Option<i64>,
    /// The newest role in the buying group that the person's touches tell.
    pub role: Option<String>,
    /// Whether this is the one account, of all to which the person belongs, that comes first.
    pub is_primary: bool,
}

/// Which roles of the buying group are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The roles that the rules expect of a buying group, in order of name.
    pub expected_roles: Vec<String>,
    /// Of these, the ones that a member has.
    pub known_roles: Vec<String>,
    /// Of these, the ones that a member has who had a touch within the rules' window before `last_at`.
    pub touched_roles: Vec<String>,
    /// Members with a touch within that window.
    pub touched_person_count: i64,
}

impl Coverage {
    /// The share of expected roles that are known and touched, in percent, rounded down; nothing expected is covered.
    #[must_use]
    pub fn percent(&self) -> i64 {
        let count = |roles: &[String]| i64::try_from(roles.len()).unwrap_or(i64::MAX);
        match count(&self.expected_roles) {
            0 => 100,
            expected => count(&self.touched_roles).saturating_mul(100) / expected,
        }
    }
}

/// An opportunity that is neither won nor lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOpportunity {
    /// Its id.
    pub opportunity_id: String,
    /// Its newest stage, when one was given.
    pub stage: Option<String>,
    /// Its newest value in minor units, when one was given.
    pub value_minor: Option<i64>,
    /// The currency of the value.
    pub currency: Option<String>,
}

/// Whether an account hears one story or several: what its members heard, each for itself or all together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStory {
    /// Distinct narratives heard.
    pub narrative_count: i64,
    /// Exposures with a message or campaign.
    pub exposure_count: i64,
    /// Of these, with a message approved in the canvas.
    pub approved_count: i64,
    /// The narratives, the one heard most often first, then in order of name; the first 100.
    pub narratives: Vec<HeardNarrative>,
}

/// A narrative as an account heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardNarrative {
    /// The narrative.
    pub narrative_id: String,
    /// Exposures that told it.
    pub exposure_count: i64,
    /// The teams that told it, in order of name, the first 100.
    pub team_ids: Vec<String>,
}

/// What is said to an account by persons and by other accounts; the record of `tributary.account-commands`, keyed by
/// `account_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCommand {
    /// The account that is addressed.
    pub account_id: AccountId,
    /// How many accounts have passed it on because they are merged into another.
    pub hops: i32,
    /// What is to be added to it, in the journey service's own encoding. Additions commute, and taking back is adding the
    /// negative.
    #[serde(with = "serde_bytes")]
    pub delta: Vec<u8>,
}

/// The state of an account; the record of the compacted `tributary.accounts`, keyed by account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEvent {
    /// The account.
    pub account_id: AccountId,
    /// Counts up with every change.
    pub revision: i64,
    /// Persons seen at it, in order of id, the first 100.
    pub persons: Vec<PersonId>,
    /// How many persons were seen.
    pub person_count: i64,
    /// Touches of any kind.
    pub touch_count: i64,
    /// Sales less cancelled ones; a return or refund lowers the value and leaves the order standing.
    pub order_count: i64,
    /// Net value in minor units of `currency`.
    pub value_minor: i64,
    /// Currency of the value: that of most conversions, the first by name among equals.
    pub currency: Option<String>,
    /// Opportunities opened and neither won nor lost.
    pub open_opportunity_count: i64,
    /// `target`, `engaged`, `qualified`, `opportunity`, `customer`, `expansion`.
    pub stage: String,
    /// Last touch per team, in order of team.
    pub last_touches: Vec<LastTouch>,
    /// Event time of the newest touch.
    pub last_at: i64,
    /// The namespace of the identifier that the account is named after.
    #[serde(default)]
    pub namespace: String,
    /// The persons of `persons`, in the same order.
    #[serde(default)]
    pub members: Vec<AccountMember>,
    /// How much of the buying group is known and touched.
    #[serde(default)]
    pub coverage: Coverage,
    /// Engagement in thousandths of a point as of the day (UTC) of `last_at`: the weights of the touches, each halved for
    /// every `engagement_half_life_days` that it lies back. A reader decays it further by the days since.
    #[serde(default)]
    pub engagement_milli: i64,
    /// The half-life in days.
    #[serde(default)]
    pub engagement_half_life_days: i64,
    /// Opportunities that are neither won nor lost, in order of id, the first 100.
    #[serde(default)]
    pub open_opportunities: Vec<OpenOpportunity>,
    /// Accounts that turned out to be this one, in order: everything that is theirs is in this record.
    #[serde(default)]
    pub merged_accounts: Vec<AccountId>,
    /// The account that this one turned out to be: everything that is this one's is there, and nothing here.
    #[serde(default)]
    pub merged_into: Option<AccountId>,
    /// The accounts of a higher kind that this one was named together with when there are several, in order: it is kept
    /// apart from all of them.
    #[serde(default)]
    pub contested_by: Vec<AccountId>,
    /// What it heard over the rolling 30 days up to and including `last_at`.
    #[serde(default)]
    pub story: AccountStory,
}

impl AccountEvent {
    /// Engagement in thousandths of a point as of the day of `at`, decayed since the record was made.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "for people to read")]
    pub fn engagement_milli_at(&self, at: i64) -> i64 {
        let day = |at: i64| at.div_euclid(DAY_MS);
        let days = (day(at) - day(self.last_at)).max(0);
        if self.engagement_half_life_days <= 0 {
            return self.engagement_milli;
        }
        let halvings = days as f64 / self.engagement_half_life_days as f64;
        (self.engagement_milli as f64 * (-halvings).exp2()).round() as i64
    }
}
