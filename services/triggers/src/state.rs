//! What is remembered of one person. Everything in it is a set, a maximum or a minimum, so that absorbing another
//! person's facts is associative, commutative and idempotent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_model::Identifier;
use uuid::Uuid;

use crate::consent::Consents;
use crate::contact::ContactLedger;
use crate::enrolled::Enrolled;
use crate::experiment::Assignment;
use crate::reentry::FiredLog;
use crate::suppression::Suppressions;

/// The most decisions that wait at once; beyond, they are decided at once.
pub const MAX_HELD: usize = 64;

/// The state of one person: one pointer until something is worth remembering. A copy shares the facts until one of the two
/// is changed, so that looking at a state, and keeping what it was before a transaction, costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerState(Option<Arc<Facts>>);

/// What a decision waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HeldFor {
    /// The state of a person that is being merged in.
    Merge,
    /// The end of quiet hours.
    QuietHours,
    /// The time at which the trigger wants it sent.
    SendTime,
    /// Other messages that may compete with it.
    Arbitration,
}

impl HeldFor {
    /// Whether it may go on as soon as its time has come: what comes late is nothing to wait for.
    #[must_use]
    pub const fn is_prompt(self) -> bool {
        !matches!(self, Self::Merge)
    }
}

/// A decision that waits; judged afresh when its time has come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Held {
    /// When it is decided at the latest.
    pub due_at: i64,
    /// The trigger.
    pub trigger_id: String,
    /// When the touch that completed the pattern occurred.
    pub touched_at: i64,
    /// That touch.
    pub touchpoint_id: String,
    /// When the decision became eligible.
    pub eligible_at: i64,
    /// What it waits for.
    pub held_for: HeldFor,
}

/// The facts about one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The latest event time at which something was decided; decisions never go back behind it.
    pub decided_at: Option<i64>,
    /// What has fired, by trigger.
    pub fired: BTreeMap<String, FiredLog>,
    /// When to look next whether an absence held, by trigger.
    pub waits: BTreeMap<String, i64>,
    /// Decisions that wait.
    pub held: BTreeSet<Held>,
    /// What was sent.
    pub contacts: ContactLedger,
    /// First exposures, by experiment.
    pub enrolled: BTreeMap<String, Enrolled>,
    /// The households or accounts by which arms were fixed, by experiment; nothing for experiments on persons.
    pub units: BTreeMap<String, BTreeSet<Uuid>>,
    /// Suppressions opened.
    pub suppressions: Suppressions,
    /// Consents stated.
    pub consents: Consents,
}

impl TriggerState {
    /// The facts, if there are any.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.0.as_deref()
    }

    /// Takes out the held decisions that `is_ready` picks, earliest first.
    pub(crate) fn take_held(&mut self, is_ready: impl Fn(&Held) -> bool) -> Vec<Held> {
        let has_any = self.facts().is_some_and(|facts| facts.held.iter().any(&is_ready));
        if has_any { self.facts_mut().take_held(is_ready) } else { Vec::new() }
    }

    /// The facts, to be added to: a copy, if they are shared, so nobody asks for them only to look.
    pub fn facts_mut(&mut self) -> &mut Facts {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    /// Drops facts that say nothing.
    pub(crate) fn tidy(&mut self) {
        if self.0.as_deref().is_some_and(|facts| *facts == Facts::default()) {
            self.0 = None;
        }
    }

    /// Takes out what came by the identifiers that `is_taken` picks.
    #[must_use]
    pub fn take(&mut self, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> Self {
        let consents = self.0.as_mut().map(|facts| Arc::make_mut(facts).consents.take(is_taken)).unwrap_or_default();
        let mut taken = Self(Some(Arc::new(Facts { consents, ..Facts::default() })));
        taken.tidy();
        taken
    }

    /// Adds the facts about a person merged into this one.
    pub fn absorb(&mut self, other: Self) {
        if let Some(facts) = other.0 {
            self.facts_mut().absorb(Arc::unwrap_or_clone(facts));
        }
    }
}

impl Facts {
    /// Fixes the arm of an experiment at the first exposure, and by whom it was drawn.
    pub(crate) fn expose(&mut self, one: &Assignment, at: i64) {
        let enrolled = self.enrolled.entry(one.experiment.clone()).or_default();
        if let (None, Some(unit)) = (enrolled.seen().fixed(), one.unit) {
            self.units.entry(one.experiment.clone()).or_default().insert(unit);
        }
        enrolled.expose(one.arm, one.first_exposure(at));
    }

    /// The fact that this decision already waits.
    #[must_use]
    pub fn is_held(&self, trigger_id: &str, touchpoint_id: &str) -> bool {
        self.held.iter().any(|held| held.trigger_id == trigger_id && held.touchpoint_id == touchpoint_id)
    }

    /// Takes out the held decisions that `is_ready` picks, earliest first.
    fn take_held(&mut self, is_ready: impl Fn(&Held) -> bool) -> Vec<Held> {
        let (ready, waiting) = std::mem::take(&mut self.held).into_iter().partition::<BTreeSet<_>, _>(is_ready);
        self.held = waiting;
        ready.into_iter().collect()
    }

    fn absorb(&mut self, other: Self) {
        self.decided_at = self.decided_at.max(other.decided_at);
        for (trigger_id, log) in other.fired {
            self.fired.entry(trigger_id).or_default().absorb(log);
        }
        for (trigger_id, due_at) in other.waits {
            self.waits.entry(trigger_id).and_modify(|known| *known = due_at.min(*known)).or_insert(due_at);
        }
        self.held.extend(other.held);
        self.contacts.absorb(other.contacts);
        for (experiment, enrolled) in other.enrolled {
            self.enrolled.entry(experiment).or_default().absorb(enrolled);
        }
        for (experiment, units) in other.units {
            self.units.entry(experiment).or_default().extend(units);
        }
        self.suppressions.absorb(other.suppressions);
        self.consents.absorb(other.consents);
    }
}
