//! Asking again before a delayed send: what was right when it was decided may not be any more.

use serde::{Deserialize, Serialize};

use crate::decision::WithheldReason;
use crate::ids::PersonId;

/// A question about a sent decision that is about to leave the hub late; the record of `tributary.rechecks`, keyed by
/// person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recheck {
    /// The person that the decision is about.
    pub person_id: PersonId,
    /// The destination that it is to be sent to; it is told the answer.
    pub destination: String,
    /// The decision.
    pub decision_id: String,
    /// Its trigger.
    pub trigger_id: String,
    /// The channel chosen.
    pub channel: String,
    /// Event time at which it became eligible.
    pub decided_at: i64,
    /// Not to be acted on after.
    pub valid_until_at: i64,
    /// When this is asked, by the clock: the instant to be judged.
    pub asked_at: i64,
}

/// What is said of a sent decision when it is asked about again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It may go.
    Send,
    /// It may not any more.
    Withhold {
        /// Why.
        reason: WithheldReason,
        /// What exactly: the cap, the suppression, the statement of consent.
        detail: String,
    },
    /// Not now; it is to be asked about again then.
    Postpone {
        /// When.
        until_at: i64,
    },
}
