//! What a trigger made of a touch or of the passing of time, in words: for those who write triggers.

use std::fmt;

use serde::Serialize;
use tributary_model::time::to_rfc3339;

use crate::span::Span;
use crate::state::HeldFor;

/// What one trigger made of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The trigger.
    pub trigger_id: String,
    /// What it made of it.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Why a touch of the right type is not meant by a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// It has another direction.
    Direction,
    /// It came by another channel.
    Channel,
    /// `where` is false.
    Where,
}

/// A step of a pattern, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StepNumber {
    /// The step.
    pub step: usize,
    /// Of how many.
    pub of: usize,
}

/// What a trigger made of a touch or of the passing of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// A step is about this type of touch, but not about this touch.
    NotMeant {
        /// The step.
        #[serde(flatten)]
        step: StepNumber,
        /// Why.
        why: Mismatch,
    },
    /// A step is about this touch, but those before it are not complete.
    OutOfTurn {
        /// The step.
        #[serde(flatten)]
        step: StepNumber,
    },
    /// A step is about this touch, but the step before was complete too long ago.
    TooLate {
        /// The step.
        #[serde(flatten)]
        step: StepNumber,
        /// How long the step may take.
        within: Span,
    },
    /// A step has counted this touch.
    Counted {
        /// The step.
        #[serde(flatten)]
        step: StepNumber,
        /// So many of its touches are there.
        count: usize,
        /// So many it needs.
        needed: usize,
    },
    /// The steps are complete, and the wait for what must not come has begun.
    WaitBegun {
        /// It ends then.
        until_at: i64,
    },
    /// What must not come has come.
    WaitBroken {
        /// When the wait would have ended.
        until_at: i64,
        /// The touchpoint that came.
        by: String,
    },
    /// The wait is over, and what must not come has not come.
    WaitOver,
    /// The steps are complete, and the condition is false.
    ConditionFalse,
    /// The steps are complete, and the trigger has fired for this key already.
    AlreadyFired {
        /// The re-entry key.
        key: String,
    },
    /// The decision waits.
    Held {
        /// Until then at the latest.
        until_at: i64,
        /// For what.
        held_for: HeldFor,
    },
    /// A decision that waited is not made: its pattern, absence or condition does not hold any more.
    Dropped,
}

impl fmt::Display for StepNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} of {}", self.step, self.of)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMeant { step, why: Mismatch::Direction } => write!(f, "{step}: not this direction"),
            Self::NotMeant { step, why: Mismatch::Channel } => write!(f, "{step}: not this channel"),
            Self::NotMeant { step, why: Mismatch::Where } => write!(f, "{step}: `where` is false"),
            Self::OutOfTurn { step } => write!(f, "{step}: fits, but step {} is not complete before it", step.step - 1),
            Self::TooLate { step, within } => write!(f, "{step}: fits, but not within {within}"),
            Self::Counted { step, count, needed } if count == needed && step.step == step.of => {
                write!(f, "{step}: {count} of {needed}, the pattern is complete")
            }
            Self::Counted { step, count, needed } => write!(f, "{step}: {count} of {needed}"),
            Self::WaitBegun { until_at } => write!(f, "waits until {}", to_rfc3339(*until_at)),
            Self::WaitBroken { until_at, by } => {
                write!(f, "the wait until {} is broken by {by}", to_rfc3339(*until_at))
            }
            Self::WaitOver => f.write_str("the wait is over and nothing came"),
            Self::ConditionFalse => f.write_str("`condition` is false"),
            Self::AlreadyFired { key } => write!(f, "has fired already for this re-entry key ({key})"),
            Self::Held { until_at, held_for } => {
                write!(f, "{}, until {} at the latest", waits_for(*held_for), to_rfc3339(*until_at))
            }
            Self::Dropped => f.write_str("what waited is not decided: it does not hold any more"),
        }
    }
}

fn waits_for(held_for: HeldFor) -> &'static str {
    match held_for {
        HeldFor::Merge => "waits for the rest of a person that is being merged in",
        HeldFor::QuietHours => "waits for the end of quiet hours",
        HeldFor::SendTime => "waits for its time to be sent",
        HeldFor::Arbitration => "waits for others that it may compete with",
    }
}
