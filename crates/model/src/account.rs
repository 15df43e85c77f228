//! The journey rolled up per account.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, PersonId};

/// When a team last spoke with or heard from an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTouch {
    /// The team.
    pub team_id: String,
    /// When.
    pub occurred_at: i64,
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
}
