//! What destinations outside of the hub are to get, and what became of it.

use serde::{Deserialize, Serialize};

use crate::decision::TriggerIntent;
use crate::ids::PersonId;
use crate::recheck::{Permission, Recheck};

/// What a destination is told; the record of `tributary.deliveries`, keyed by destination, and of
/// `tributary.delivery.requests`, where people ask for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCommand {
    /// The destination.
    pub destination: String,
    /// What it is told.
    pub kind: DeliveryCommandKind,
    /// The intent to deliver.
    pub intent: Option<TriggerIntent>,
    /// The person whose deliveries are to be forgotten.
    pub person_id: Option<PersonId>,
    /// The one delivery that is asked for again, or that was asked about.
    pub decision_id: Option<String>,
    /// Why it is disabled, or may not go, for people.
    pub reason: Option<String>,
    /// When what this answers was asked.
    pub asked_at: Option<i64>,
    /// When it is to be asked again.
    pub until_at: Option<i64>,
    /// What people ask for has an id; the log repeats it in the answer.
    pub request_id: Option<String>,
}

/// The kinds of commands to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryCommandKind {
    /// Deliver an intent.
    Deliver,
    /// Forget all deliveries about a person who is erased.
    Erase,
    /// Send a delivery again, or all that are given up.
    Retry,
    /// Send nothing until it is enabled.
    Disable,
    /// Send again.
    Enable,
    /// A delivery that was asked about may go.
    Permit,
    /// A delivery that was asked about may not go any more.
    Withhold,
    /// A delivery that was asked about may not go now.
    Postpone,
}

impl DeliveryCommand {
    /// A command of this kind with nothing else in it.
    #[must_use]
    pub fn new(destination: &str, kind: DeliveryCommandKind) -> Self {
        Self {
            destination: destination.to_owned(),
            kind,
            intent: None,
            person_id: None,
            decision_id: None,
            reason: None,
            asked_at: None,
            until_at: None,
            request_id: None,
        }
    }

    /// The answer to a question.
    #[must_use]
    pub fn answer(recheck: &Recheck, permission: &Permission) -> Self {
        let (kind, reason, until_at) = match permission {
            Permission::Send => (DeliveryCommandKind::Permit, None, None),
            Permission::Withhold { reason, detail } => (DeliveryCommandKind::Withhold, Some(reason.with(detail)), None),
            Permission::Postpone { until_at } => (DeliveryCommandKind::Postpone, None, Some(*until_at)),
        };
        Self {
            decision_id: Some(recheck.decision_id.clone()),
            reason,
            until_at,
            asked_at: Some(recheck.asked_at),
            ..Self::new(&recheck.destination, kind)
        }
    }

    /// The record key: the destination.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        self.destination.clone().into_bytes()
    }
}

/// One step of a delivery or of a destination; the record of `tributary.delivery-log`, keyed by destination. It names no
/// person: whom a delivery is about stands in the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryLogEntry {
    /// When.
    pub at: i64,
    /// The destination.
    pub destination: String,
    /// What happened: `delivered`, `retrying`, `breaker_opened` and so on.
    pub step: String,
    /// The decision behind the delivery, which is its `webhook-id`; `None` when it is about the destination.
    pub decision_id: Option<String>,
    /// The trigger.
    pub trigger_id: Option<String>,
    /// The team that owns it.
    pub team_id: Option<String>,
    /// How many attempts have ended.
    pub attempt: i32,
    /// HTTP status code of the attempt, when there was an answer.
    pub status: Option<i32>,
    /// Class of the failure, when it failed.
    pub failure: Option<String>,
    /// How long the attempt took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// When the next attempt is due, or until when the destination is left alone.
    pub next_at: Option<i64>,
    /// What exactly, for people.
    pub detail: String,
    /// The request that this answers.
    pub request_id: Option<String>,
}
