//! The delivery log: what happened to deliveries and to destinations, as events.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::outcome::FailureClass;

/// What happened to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStep {
    /// An attempt succeeded: the receiver has it.
    Delivered,
    /// An attempt failed; the next one is due at `next_attempt_at`.
    Retrying,
    /// An attempt failed, and there is no further one unless somebody asks for it by hand.
    GivenUp,
    /// The receiver answered that it is gone; the delivery waits for the destination to be enabled.
    Refused,
    /// It was due, and is put off until `next_attempt_at`.
    Postponed,
    /// It was due, and must not be sent any more. It has left the queue.
    Withheld,
    /// It is not valid any more, or would not be at its next attempt. It has left the queue.
    Expired,
    /// The queue of its destination was full. It did not enter it.
    QueueFull,
    /// Its person was erased. It has left the queue.
    Erased,
    /// Somebody asked for it by hand.
    AskedFor,
}

impl DeliveryStep {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Delivered,
        Self::Retrying,
        Self::GivenUp,
        Self::Refused,
        Self::Postponed,
        Self::Withheld,
        Self::Expired,
        Self::QueueFull,
        Self::Erased,
        Self::AskedFor,
    ];

    /// The name used in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::GivenUp => "given_up",
            Self::Refused => "refused",
            Self::Postponed => "postponed",
            Self::Withheld => "withheld",
            Self::Expired => "expired",
            Self::QueueFull => "queue_full",
            Self::Erased => "erased",
            Self::AskedFor => "asked_for",
        }
    }

    /// Whether the delivery is over: each one that is taken on has exactly one such step.
    #[must_use]
    pub const fn is_last(self) -> bool {
        match self {
            Self::Delivered | Self::Withheld | Self::Expired | Self::QueueFull | Self::Erased => true,
            Self::Retrying | Self::GivenUp | Self::Refused | Self::Postponed | Self::AskedFor => false,
        }
    }
}

/// One step of one delivery. It names no person: whom it is about stands in the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEvent {
    /// When.
    pub at: i64,
    /// The destination.
    pub destination: Arc<str>,
    /// The decision behind it, which is its `webhook-id`.
    pub decision_id: Arc<str>,
    /// The trigger.
    pub trigger_id: String,
    /// The team that owns it.
    pub team_id: String,
    /// What happened.
    pub step: DeliveryStep,
    /// The number of attempts that have ended, this one included.
    pub attempt: u32,
    /// What the attempt brought, when there was one.
    pub result: Option<AttemptResult>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<i64>,
    /// What exactly, for people; empty when the step says all.
    pub detail: String,
}

/// What an attempt brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// The status code, when there was an answer.
    pub status: Option<u16>,
    /// The class of the failure, when it failed.
    pub failure: Option<FailureClass>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What happened to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationStep {
    /// Too many failures in a row: nothing is sent until `until_at`.
    BreakerOpened,
    /// It answers again.
    BreakerClosed,
    /// It asked for a pause until `until_at`.
    Held,
    /// Nothing is sent until it is enabled: it answered 410, or somebody disabled it.
    Disabled,
    /// It was enabled again.
    Enabled,
}

impl DestinationStep {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::BreakerOpened, Self::BreakerClosed, Self::Held, Self::Disabled, Self::Enabled];

    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BreakerOpened => "breaker_opened",
            Self::BreakerClosed => "breaker_closed",
            Self::Held => "held",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        }
    }
}

/// One change of one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationEvent {
    /// When.
    pub at: i64,
    /// The destination.
    pub destination: Arc<str>,
    /// What happened.
    pub step: DestinationStep,
    /// Until when it lasts, where that is known.
    pub until_at: Option<i64>,
    /// Why, for people.
    pub detail: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogEntry {
    /// About a delivery.
    Delivery(DeliveryEvent),
    /// About a destination.
    Destination(DestinationEvent),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_records() {
        for step in DeliveryStep::ALL {
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{}\"", step.name()));
        }
        for step in DestinationStep::ALL {
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{}\"", step.name()));
        }
    }
}
