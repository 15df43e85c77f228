//! The decision ledger: every eligible decision, sent or withheld and why.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, PersonId};

/// The arm of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// May be contacted.
    Treated,
    /// Held out: its eligible decisions are ghosts.
    HeldOut,
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// An intent is on the team's topic.
    Sent,
    /// Nothing was sent, for the reason given.
    Withheld,
}

/// Why a decision was withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithheldReason {
    /// The person is in the hold-out: a ghost decision.
    HeldOut,
    /// A contact cap is used up.
    Capped,
    /// The person's quiet hours.
    QuietHours,
    /// No consent for channel and purpose.
    NoConsent,
    /// Another decision of higher priority won.
    LostArbitration,
    /// A suppression is in force.
    Suppressed,
    /// Too late to be useful.
    Expired,
    /// A merge joined two arms.
    Contaminated,
}

impl WithheldReason {
    /// The name used in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeldOut => "held_out",
            Self::Capped => "capped",
            Self::QuietHours => "quiet_hours",
            Self::NoConsent => "no_consent",
            Self::LostArbitration => "lost_arbitration",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
            Self::Contaminated => "contaminated",
        }
    }

    /// The name with what exactly, for people.
    #[must_use]
    pub fn with(self, detail: &str) -> String {
        if detail.is_empty() { self.name().to_owned() } else { format!("{}: {detail}", self.name()) }
    }
}

/// The statement of consent that a decision goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentProof {
    /// The channel it is about, as it was said; `*` for all.
    pub channel: String,
    /// The purpose it is about; `*` for all.
    pub purpose: String,
    /// True when given, false when withdrawn.
    pub granted: bool,
    /// When it was said.
    pub occurred_at: i64,
    /// To which source.
    pub source: String,
    /// The touchpoint that said it.
    pub touchpoint_id: String,
}

/// One evaluation that found a trigger eligible; the record of `tributary.decisions`, keyed by person, or by
/// account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// UUIDv5 of trigger, person (or account) and re-entry key: the same evaluation gives the same id.
    pub decision_id: String,
    /// The trigger.
    pub trigger_id: String,
    /// Its version.
    pub trigger_version: i32,
    /// The team that owns it.
    pub team_id: String,
    /// The person; the account's id when the decision is about an account.
    pub person_id: PersonId,
    /// Event time at which it became eligible.
    pub decided_at: i64,
    /// The arm of the trigger's hold-out.
    pub arm: Arm,
    /// Sent or withheld.
    pub fate: Fate,
    /// Why it was withheld.
    pub reason: Option<WithheldReason>,
    /// What exactly: the cap that was full, the suppression in force, the winner of the arbitration.
    pub detail: Option<String>,
    /// The channel chosen; empty for messages to a team.
    pub channel: String,
    /// Priority, higher wins.
    pub priority: i32,
    /// The touchpoints that fulfilled the pattern.
    pub evidence: Vec<String>,
    /// Not to be acted on after.
    pub valid_until_at: i64,
    /// The account, when the decision is about one and not about a person.
    #[serde(default)]
    pub account_id: Option<AccountId>,
    /// The last word on consent for channel and purpose; `None` when nothing was said or consent was not asked for.
    #[serde(default)]
    pub consent: Option<ConsentProof>,
    /// Event time at which it was checked, and sent or withheld: later than `decided_at` when it had to wait.
    #[serde(default)]
    pub judged_at: Option<i64>,
    /// The experiment that the arm is of: the trigger's own hold-out, or the global control group.
    #[serde(default)]
    pub experiment: Option<String>,
    /// Why this channel, when it was chosen by what the person responds to.
    #[serde(default)]
    pub channel_reason: Option<String>,
    /// What it was to do: `message`, `suppress`, `notify`.
    #[serde(default)]
    pub action: String,
}

/// What a team is asked to do; the record of `tributary.triggers.<team>`, keyed by person, or by account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerIntent {
    /// The decision behind it; outcomes carry it back.
    pub decision_id: String,
    /// The trigger.
    pub trigger_id: String,
    /// Its version.
    pub trigger_version: i32,
    /// The team that is to act.
    pub team_id: String,
    /// The person; the account's id when it is about an account.
    pub person_id: PersonId,
    /// What to do: `message`, `suppress`, `notify`.
    pub action: String,
    /// The channel chosen.
    pub channel: String,
    /// Event time at which it became eligible.
    pub decided_at: i64,
    /// Not to be acted on after.
    pub valid_until_at: i64,
    /// The payload template filled in: JSON.
    pub payload: String,
    /// The account, when it is about one and not about a person.
    #[serde(default)]
    pub account_id: Option<AccountId>,
}
