//! What came of each decision, from `tributary.decisions` and `tributary.outcomes`.
//!
//! A decision is keyed by its person at that time and an outcome by the person at the time of the touch, who may have
//! been merged since; so the two are kept apart, each under its person for erasure, and joined by the decision's id.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use tributary_model::{Decision, DecisionOutcome, Fate, MatchedBy, OutcomeKind, PersonId, WithheldReason};
use uuid::Uuid;

use crate::names::{Name, Names};

/// A decision that the report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A team was asked for something on a channel.
    Asked { team: Name, at: i64 },
    /// A contact was held back because a suppression was in force.
    HeldBack { team: Name },
}

/// What came after one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After {
    pub(crate) team: Name,
    /// Something names the decision. What came to the person by rule came perhaps without the message.
    pub(crate) is_reported: bool,
    /// How long until the team's system did it, or it arrived.
    pub(crate) act_ms: Option<i64>,
    /// How long until the person bought or responded.
    pub(crate) result_ms: Option<i64>,
}

impl After {
    /// Both of two statements about one decision: what came first counts.
    pub(crate) fn join(self, other: Self) -> Self {
        let first = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        let (act_ms, result_ms) = (first(self.act_ms, other.act_ms), first(self.result_ms, other.result_ms));
        Self { team: self.team, is_reported: self.is_reported || other.is_reported, act_ms, result_ms }
    }
}

/// A contact that was made although a suppression held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leak {
    pub(crate) team: Name,
    pub(crate) suppression: Uuid,
}

/// What outcomes told of one person.
#[derive(Debug, Clone, Default)]
struct Told {
    after: BTreeMap<Uuid, After>,
    /// By outcome: each is counted once, however often it is told.
    leaks: BTreeMap<Uuid, Leak>,
}

/// All decisions and outcomes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loops {
    pub(crate) names: Names,
    decisions: FxHashMap<PersonId, BTreeMap<Uuid, Kept>>,
    told: FxHashMap<PersonId, Told>,
}

impl Loops {
    /// Takes in a decision.
    pub(crate) fn decide(&mut self, decision: &Decision) {
        let team = self.names.of(&decision.team_id);
        let kept = match (decision.fate, decision.reason) {
            (Fate::Sent, _) if !decision.channel.is_empty() => {
                Kept::Asked { team, at: decision.judged_at.unwrap_or(decision.decided_at) }
            }
            (Fate::Withheld, Some(WithheldReason::Suppressed)) => Kept::HeldBack { team },
            _ => return,
        };
        self.decisions.entry(decision.person_id).or_default().insert(id(&decision.decision_id), kept);
    }

    /// Takes in an outcome; those of ghosts are about messages that nobody was asked to send.
    pub(crate) fn tell(&mut self, outcome: &DecisionOutcome) {
        if outcome.is_ghost || outcome.kind == OutcomeKind::OverCap {
            return;
        }
        let decision = id(&outcome.decision_id);
        if outcome.kind == OutcomeKind::Leaked {
            let team = self.names.of(outcome.touchpoint_team_id.as_deref().unwrap_or_default());
            let told = self.told.entry(outcome.person_id).or_default();
            told.leaks.insert(id(&outcome.outcome_id), Leak { team, suppression: decision });
            return;
        }
        let is_act = matches!(outcome.kind, OutcomeKind::Acted | OutcomeKind::Delivered);
        let is_result = matches!(outcome.kind, OutcomeKind::Converted | OutcomeKind::Responded);
        let after = After {
            team: self.names.of(&outcome.team_id),
            is_reported: outcome.matched_by == MatchedBy::DecisionId,
            act_ms: is_act.then_some(outcome.loop_ms),
            result_ms: is_result.then_some(outcome.loop_ms),
        };
        let told = self.told.entry(outcome.person_id).or_default();
        told.after.entry(decision).and_modify(|known| *known = known.join(after)).or_insert(after);
    }

    /// The decisions about somebody are erased.
    pub(crate) fn erase_decisions(&mut self, person_id: PersonId) {
        self.decisions.remove(&person_id);
    }

    /// The outcomes about somebody are erased.
    pub(crate) fn erase_outcomes(&mut self, person_id: PersonId) {
        self.told.remove(&person_id);
    }

    /// The decisions.
    pub(crate) fn decisions(&self) -> BTreeMap<Uuid, Kept> {
        self.decisions.values().flatten().map(|(id, kept)| (*id, *kept)).collect()
    }

    /// What came after each decision that anything came after, whoever the person is by now.
    pub(crate) fn after(&self) -> BTreeMap<Uuid, After> {
        let mut joined: BTreeMap<Uuid, After> = BTreeMap::new();
        for (id, after) in self.told.values().flat_map(|told| &told.after) {
            joined.entry(*id).and_modify(|known| *known = known.join(*after)).or_insert(*after);
        }
        joined
    }

    /// The contacts that leaked.
    pub(crate) fn leaks(&self) -> impl Iterator<Item = &Leak> {
        self.told.values().flat_map(|told| told.leaks.values())
    }
}

/// An id as a number; one that is no UUID is made one.
fn id(text: &str) -> Uuid {
    Uuid::parse_str(text).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
}
