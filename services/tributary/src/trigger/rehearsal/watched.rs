//! The engine with somebody looking over its shoulder: it decides as ever, and what it made of each step is written down.

use std::sync::{Arc, Mutex, PoisonError};

use tributary_model::step::{AccountStep, PersonStep, PersonView, StepEffects};
use tributary_model::{
    AccountEvent, Decision, Enrolment, Identifier, JourneyEvent, Permission, PersonId, Recheck, TriggerIntent,
};
use tributary_triggers::finding::Note;
use tributary_triggers::{AccountTriggerState, AccountTriggers, Taken, TriggerEngine, TriggerState};

/// What began a moment.
#[derive(Debug, Clone)]
pub(super) enum Cause {
    /// A touch that is new to the journey.
    Touch(Box<JourneyEvent>),
    /// A time that was waited for.
    Timer,
    /// Another person turned out to be this one.
    Merge,
    /// The account has changed.
    Account(Box<AccountEvent>),
}

/// One step of the triggers.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The person; of an account, its id.
    pub(super) person_id: PersonId,
    /// Event time.
    pub(super) at: i64,
    pub(super) cause: Cause,
    pub(super) notes: Vec<Note>,
    pub(super) decisions: Vec<Decision>,
    pub(super) intents: Vec<TriggerIntent>,
}

/// What was written down.
#[derive(Debug, Clone, Default)]
pub(super) struct Minutes(Arc<Mutex<Vec<Moment>>>);

impl Minutes {
    fn note(&self, moment: Moment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }

    /// Everything so far, which is then forgotten.
    pub(super) fn take(&self) -> Vec<Moment> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The triggers about persons, watched.
#[derive(Debug, Clone)]
pub(super) struct WatchedEngine {
    pub(super) engine: Arc<TriggerEngine>,
    pub(super) minutes: Minutes,
}

/// The triggers about accounts, watched.
#[derive(Debug, Clone)]
pub(super) struct WatchedAccounts {
    pub(super) triggers: Arc<AccountTriggers>,
    pub(super) minutes: Minutes,
}

impl WatchedEngine {
    /// Lets the engine take a step, and writes down what `explain` makes of it.
    fn watch(
        &self,
        person: PersonView<'_>,
        (at, cause): (i64, Cause),
        state: &mut TriggerState,
        effects: &mut StepEffects,
        step: impl FnOnce(&mut TriggerState, &mut StepEffects),
        explain: impl FnOnce(Taken<'_>) -> Vec<Note>,
    ) {
        let before = state.clone();
        let (decisions, intents) = (effects.decisions.len(), effects.intents.len());
        step(state, effects);
        let decided = &effects.decisions[decisions..];
        let notes = explain(Taken { person, before: &before, after: state, decided });
        self.minutes.note(Moment {
            person_id: person.person_id,
            at,
            cause,
            notes,
            decisions: decided.to_vec(),
            intents: effects.intents[intents..].to_vec(),
        });
    }
}

impl PersonStep for WatchedEngine {
    type State = TriggerState;

    fn on_journey(
        &self,
        person: PersonView<'_>,
        changes: &[JourneyEvent],
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) {
        let Some(new) = changes.iter().find(|change| tributary_journey::is_first_statement(change)) else {
            return self.engine.on_journey(person, changes, state, effects);
        };
        let cause = (new.touchpoint.occurred_at, Cause::Touch(Box::new(new.clone())));
        let step = |state: &mut TriggerState, effects: &mut StepEffects| {
            self.engine.on_journey(person, changes, state, effects);
        };
        self.watch(person, cause, state, effects, step, |taken| self.engine.explain_touch(taken, &new.touchpoint));
    }

    fn on_timer(&self, person: PersonView<'_>, at: i64, state: &mut TriggerState, effects: &mut StepEffects) {
        let step = |state: &mut TriggerState, effects: &mut StepEffects| {
            self.engine.on_timer(person, at, state, effects);
        };
        self.watch(person, (at, Cause::Timer), state, effects, step, |taken| self.engine.explain_timer(taken, at));
    }

    fn absorb(&self, person: PersonView<'_>, state: &mut TriggerState, loser: TriggerState, effects: &mut StepEffects) {
        let at = person.history.last().map_or(0, |event| event.touchpoint.occurred_at);
        let step = |state: &mut TriggerState, effects: &mut StepEffects| {
            self.engine.absorb(person, state, loser, effects);
        };
        let newest = person.history.last().map(|event| &event.touchpoint);
        let explain =
            |taken: Taken<'_>| newest.map(|newest| self.engine.explain_touch(taken, newest)).unwrap_or_default();
        self.watch(person, (at, Cause::Merge), state, effects, step, explain);
    }

    fn take(&self, state: &mut TriggerState, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> TriggerState {
        self.engine.take(state, is_taken)
    }

    fn recheck(&self, person: PersonView<'_>, asked: &Recheck, state: &TriggerState) -> Permission {
        self.engine.recheck(person, asked, state)
    }

    fn enrolments(&self, person_id: PersonId, before: &TriggerState, after: &TriggerState) -> Vec<Enrolment> {
        self.engine.enrolments(person_id, before, after)
    }
}

impl AccountStep for WatchedAccounts {
    type State = AccountTriggerState;

    fn on_account(
        &self,
        account: &AccountEvent,
        evidence: Option<&str>,
        state: &mut AccountTriggerState,
        effects: &mut StepEffects,
    ) {
        let (decisions, intents) = (effects.decisions.len(), effects.intents.len());
        self.triggers.on_account(account, evidence, state, effects);
        if effects.decisions.len() > decisions {
            self.minutes.note(Moment {
                person_id: PersonId(account.account_id.0),
                at: account.last_at,
                cause: Cause::Account(Box::new(account.clone())),
                notes: Vec::new(),
                decisions: effects.decisions[decisions..].to_vec(),
                intents: effects.intents[intents..].to_vec(),
            });
        }
    }

    fn absorb(&self, state: &mut AccountTriggerState, other: AccountTriggerState) {
        self.triggers.absorb(state, other);
    }
}
