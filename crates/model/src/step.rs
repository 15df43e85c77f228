//! What a step that runs chained behind the journey of one person, or behind the record of one account, has to offer.
//!
//! The journey task owns the person's partition; a chained step (triggers) sees every journey event in the same
//! transaction and keeps its own state beside the journey's. So it is with accounts. It is pure: time comes in, effects go
//! out.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::AccountEvent;
use crate::decision::{Decision, TriggerIntent};
use crate::experiment::Enrolment;
use crate::identifier::Identifier;
use crate::ids::PersonId;
use crate::journey::JourneyEvent;
use crate::outcome::DecisionOutcome;
use crate::past::Past;
use crate::recheck::{Permission, Recheck};

/// What a chained step wants done.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct StepEffects {
    /// Entries of the decision ledger.
    pub decisions: Vec<Decision>,
    /// Intents for the teams' topics.
    pub intents: Vec<TriggerIntent>,
    /// What happened after earlier decisions.
    pub outcomes: Vec<DecisionOutcome>,
    /// Event times at which [`PersonStep::on_timer`] is to be called for this person; never cancelled, so the step
    /// checks on waking whether there is still something to do.
    pub wake_at: Vec<i64>,
    /// The same without waiting for touches that may come late: as soon as any touch is known to have occurred then.
    pub wake_promptly_at: Vec<i64>,
}

/// The person a step is asked about.
#[derive(Debug, Clone, Copy)]
pub struct PersonView<'a> {
    /// The person.
    pub person_id: PersonId,
    /// The id that experiments go by: that of the person's first identifier, kept through merges of others into it.
    pub experiment_id: PersonId,
    /// The journey within the horizon, oldest first; retractions are already taken out. The `path` of conversions is
    /// left empty here and stands in the changes only.
    pub history: &'a [Past<'a>],
    /// The identifier by which the touch came that is new, when one is.
    pub via: Option<&'a Identifier>,
    /// True while a merge into this person is announced and its state has not arrived: decisions wait.
    pub merge_pending: bool,
}

/// A step chained behind the journey of one person.
pub trait PersonStep: Send {
    /// What it remembers of one person.
    type State: Clone + Default + PartialEq + Serialize + DeserializeOwned + Send;

    /// The journey has changed: `changes` are the new records of the journeys stream, in order. Not called for what a
    /// merge brings and corrects: that is [`PersonStep::absorb`].
    fn on_journey(
        &self,
        person: PersonView<'_>,
        changes: &[JourneyEvent],
        state: &mut Self::State,
        effects: &mut StepEffects,
    );

    /// Event time has reached `at`, which was asked for.
    fn on_timer(&self, person: PersonView<'_>, at: i64, state: &mut Self::State, effects: &mut StepEffects);

    /// `loser` has been merged into this person; `person` already shows the union. Must be associative, commutative
    /// and idempotent in the facts it keeps (sends are a set by decision id). The loser's timers are gone: ask for those
    /// that are still needed.
    fn absorb(&self, person: PersonView<'_>, state: &mut Self::State, loser: Self::State, effects: &mut StepEffects);

    /// Whether a decision that was sent may still leave the hub at the instant when this is asked, its own reservation
    /// aside. It changes nothing.
    fn recheck(&self, person: PersonView<'_>, asked: &Recheck, state: &Self::State) -> Permission;

    /// Who takes part in what, as far as `after` differs from `before`: both are states of this person. The default state is
    /// that of somebody who takes part in nothing.
    fn enrolments(&self, person_id: PersonId, before: &Self::State, after: &Self::State) -> Vec<Enrolment>;

    /// Takes out of `state` what came by the identifiers that `is_taken` picks, which is also told when the hub received it,
    /// and gives it by itself: it goes with them to another person. What cannot be told apart by identifier stays.
    fn take(&self, _state: &mut Self::State, _is_taken: &dyn Fn(&Identifier, i64) -> bool) -> Self::State {
        Self::State::default()
    }
}

/// A step chained behind the record of one account.
pub trait AccountStep: Send {
    /// What it remembers of one account.
    type State: Clone + Default + PartialEq + Serialize + DeserializeOwned + Send;

    /// The account is so now; `evidence` is the touchpoint that changed it, if one did. Not called for an account that is
    /// merged into another. [`StepEffects::wake_at`] is not heeded.
    fn on_account(
        &self,
        account: &AccountEvent,
        evidence: Option<&str>,
        state: &mut Self::State,
        effects: &mut StepEffects,
    );

    /// Another account turned out to be this one. Must be associative, commutative and idempotent: the other keeps its
    /// state as well, should it stand for itself again.
    fn absorb(&self, state: &mut Self::State, other: Self::State);
}

/// The step that does nothing: a journey without triggers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStep;

impl PersonStep for NoStep {
    type State = ();
    fn on_journey(&self, _: PersonView<'_>, _: &[JourneyEvent], (): &mut (), _: &mut StepEffects) {}
    fn on_timer(&self, _: PersonView<'_>, _: i64, (): &mut (), _: &mut StepEffects) {}
    fn absorb(&self, _: PersonView<'_>, (): &mut (), (): (), _: &mut StepEffects) {}
    fn recheck(&self, _: PersonView<'_>, _: &Recheck, (): &()) -> Permission {
        Permission::Send
    }
    fn enrolments(&self, _: PersonId, (): &(), (): &()) -> Vec<Enrolment> {
        Vec::new()
    }
}

impl AccountStep for NoStep {
    type State = ();
    fn on_account(&self, _: &AccountEvent, _: Option<&str>, (): &mut (), _: &mut StepEffects) {}
    fn absorb(&self, (): &mut (), (): ()) {}
}

/// One step shared by many tasks.
impl<T: PersonStep + Sync> PersonStep for std::sync::Arc<T> {
    type State = T::State;
    fn on_journey(
        &self,
        person: PersonView<'_>,
        changes: &[JourneyEvent],
        state: &mut Self::State,
        effects: &mut StepEffects,
    ) {
        self.as_ref().on_journey(person, changes, state, effects);
    }
    fn on_timer(&self, person: PersonView<'_>, at: i64, state: &mut Self::State, effects: &mut StepEffects) {
        self.as_ref().on_timer(person, at, state, effects);
    }
    fn absorb(&self, person: PersonView<'_>, state: &mut Self::State, loser: Self::State, effects: &mut StepEffects) {
        self.as_ref().absorb(person, state, loser, effects);
    }
    fn recheck(&self, person: PersonView<'_>, asked: &Recheck, state: &Self::State) -> Permission {
        self.as_ref().recheck(person, asked, state)
    }
    fn enrolments(&self, person_id: PersonId, before: &Self::State, after: &Self::State) -> Vec<Enrolment> {
        self.as_ref().enrolments(person_id, before, after)
    }
    fn take(&self, state: &mut Self::State, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> Self::State {
        self.as_ref().take(state, is_taken)
    }
}

/// One step shared by many tasks.
impl<T: AccountStep + Sync> AccountStep for std::sync::Arc<T> {
    type State = T::State;
    fn on_account(
        &self,
        account: &AccountEvent,
        evidence: Option<&str>,
        state: &mut Self::State,
        effects: &mut StepEffects,
    ) {
        self.as_ref().on_account(account, evidence, state, effects);
    }
    fn absorb(&self, state: &mut Self::State, other: Self::State) {
        self.as_ref().absorb(state, other);
    }
}
