//! What happened after a decision.

use serde::{Deserialize, Serialize};

use crate::ids::PersonId;
use crate::money::Money;
use crate::touchpoint::Touchpoint;

/// The kinds of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The channel's system did it: an e-mail sent, a call made.
    Acted,
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Bounced,
    /// It was opened.
    Opened,
    /// It was clicked.
    Clicked,
    /// It was answered.
    Replied,
    /// It was the last: the person wants no more.
    Unsubscribed,
    /// A sale, or another touch with value.
    Converted,
    /// Anything else the trigger's rule names.
    Responded,
    /// The person was contacted although a suppression held; an outcome of the suppression.
    Leaked,
    /// A contact that would have been over a cap, had it been known that two persons are one.
    OverCap,
}

impl OutcomeKind {
    /// What a touch that belongs to a decision is of it.
    #[must_use]
    pub fn of(touchpoint: &Touchpoint) -> Self {
        let action = touchpoint.event_type.rsplit('.').next().unwrap_or_default();
        match action {
            "sent" | "shown" | "mailed" | "held" | "offered" => Self::Acted,
            "delivered" => Self::Delivered,
            "bounced" => Self::Bounced,
            "opened" => Self::Opened,
            "clicked" => Self::Clicked,
            "replied" => Self::Replied,
            "unsubscribed" => Self::Unsubscribed,
            _ if touchpoint.is_conversion() => Self::Converted,
            _ => Self::Responded,
        }
    }

    /// The name used in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acted => "acted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Replied => "replied",
            Self::Unsubscribed => "unsubscribed",
            Self::Converted => "converted",
            Self::Responded => "responded",
            Self::Leaked => "leaked",
            Self::OverCap => "over_cap",
        }
    }
}

/// How it is known that a touch belongs to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// It carries the decision's id.
    DecisionId,
    /// It came to the same person within a time that a rule names.
    Rule,
}

/// One thing that happened after a decision was sent, or would have been had the person not been held out; the record of
/// `tributary.outcomes`, keyed by person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionOutcome {
    /// UUIDv5 of decision, kind and touchpoint: the same outcome has the same id.
    pub outcome_id: String,
    /// The decision.
    pub decision_id: String,
    /// Its trigger.
    pub trigger_id: String,
    /// The team that owns the trigger.
    pub team_id: String,
    /// The person, as of the touch.
    pub person_id: PersonId,
    /// The channel chosen for the decision.
    pub channel: String,
    /// True when nothing was sent because the person was held out.
    pub is_ghost: bool,
    /// What happened.
    pub kind: OutcomeKind,
    /// How it is known.
    pub matched_by: MatchedBy,
    /// The touch that tells it, when one does.
    pub touchpoint_id: Option<String>,
    /// The team that answers for that touch: for what leaked, the one that did not keep still.
    pub touchpoint_team_id: Option<String>,
    /// When it happened.
    pub occurred_at: i64,
    /// How long after the decision, in milliseconds of event time.
    pub loop_ms: i64,
    /// The value of the touch.
    pub value: Option<Money>,
    /// What exactly: the cap that was exceeded, the suppression that leaked.
    pub detail: Option<String>,
}
