//! The journey of each person on its partition: resolved touches and merges in, journey events and decisions out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_model::identity::{IdentifierCommand, PersonCommand, PersonCommandKind, Resolved};
use tributary_model::merge::{MergeAction, MergeState};
use tributary_model::step::{PersonStep, PersonView, StepEffects};
use tributary_model::{Canvas, ErasedPerson, Fingerprint, JourneyEvent, Past, PersonId, TriggerIntent, topics};
use tributary_stream::{
    Effects, Failure, KeyedStore, OrderedStore, Processor, Record, Stage, StateStore, Table, Timer,
};

use crate::account_rules::AccountRules;
use crate::base::Base;
use crate::config::Config;
use crate::context::Rules;
use crate::membership::ToldMemberships;
use crate::metrics::Tally;
use crate::stage::StageDefinitions;
use crate::timeline::{Outcome, Timeline, is_first_statement};
use crate::touch::{Touch, TouchKey, Touches};
use crate::transfer::{self, Transfer};

/// Name of the stage.
pub const STAGE: &str = "journey";

const TOUCHES: &str = "touches";
const REMEMBERED: &str = "remembered";
const PERSONS: &str = "persons";
const STEPS: &str = "steps";
const MEMBERSHIPS: &str = "memberships";
const ERASED: &str = "erased";
/// Version of the stores and of what they hold.
const STATE_VERSION: u8 = 9;
/// Begins the key of a timer that does not wait for what comes late.
const PROMPT: u8 = b'!';

/// The stage that keeps the journeys and runs `make_step`'s step behind each of them.
///
/// Its leader is `tributary.resolved`, its siblings `tributary.persons` and `tributary.rechecks`. `config`, `stages` and `accounts` are taken as
/// validated.
pub fn journey_stage<T, F>(
    config: &Config,
    stages: Arc<StageDefinitions>,
    accounts: Arc<AccountRules>,
    canvas: Table<Canvas>,
    make_step: F,
) -> Stage
where
    T: PersonStep + 'static,
    F: Fn() -> T + Send + Sync + 'static,
{
    let allowed_lateness_ms = config.allowed_lateness_ms;
    let config = config.clone();
    Stage {
        name: STAGE,
        leader_topics: vec![topics::RESOLVED.to_owned()],
        sibling_topics: vec![topics::PERSONS.to_owned(), topics::RECHECKS.to_owned()],
        stores: vec![TOUCHES, REMEMBERED, PERSONS, STEPS, MEMBERSHIPS, ERASED],
        allowed_lateness_ms,
        factory: Arc::new(move |_| {
            let rules = Rules::new(&config, Arc::clone(&stages), Arc::clone(&accounts));
            Box::new(JourneyProcessor::new(&config, rules, canvas.clone(), make_step()))
        }),
    }
}

/// What is kept of a person beside the touches, for those who were merged or reach beyond the horizon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PersonHeader {
    merge: MergeState,
    base: Base,
}

/// The journeys of one partition's persons.
#[derive(Debug)]
pub struct JourneyProcessor<T: PersonStep> {
    rules: Rules,
    remembered_touches: usize,
    max_transfer_bytes: usize,
    max_hops: i32,
    allowed_lateness_ms: i64,
    canvas: Table<Canvas>,
    step: T,
    touches: Touches,
    /// Ids beyond the horizon, so that repeats are still recognised.
    remembered: OrderedStore<PersonId, TouchKey, ()>,
    persons: KeyedStore<PersonId, PersonHeader>,
    steps: KeyedStore<PersonId, T::State>,
    memberships: KeyedStore<PersonId, ToldMemberships>,
    /// What is left of those who were erased.
    erased: KeyedStore<Fingerprint, ErasedPerson>,
    tally: Tally,
    /// The header of most persons.
    unmarked: PersonHeader,
}

impl<T: PersonStep> JourneyProcessor<T> {
    /// A processor without state.
    #[must_use]
    pub fn new(config: &Config, rules: Rules, canvas: Table<Canvas>, step: T) -> Self {
        Self {
            rules,
            remembered_touches: config.remembered_touches,
            max_transfer_bytes: config.max_transfer_bytes,
            max_hops: config.max_hops,
            allowed_lateness_ms: config.allowed_lateness_ms,
            canvas,
            step,
            touches: OrderedStore::new(TOUCHES, STATE_VERSION),
            remembered: OrderedStore::new(REMEMBERED, STATE_VERSION),
            persons: KeyedStore::new(PERSONS, STATE_VERSION),
            steps: KeyedStore::new(STEPS, STATE_VERSION),
            memberships: KeyedStore::new(MEMBERSHIPS, STATE_VERSION),
            erased: KeyedStore::new(ERASED, STATE_VERSION),
            tally: Tally::default(),
            unmarked: PersonHeader::default(),
        }
    }

    fn on_resolved(&mut self, mut resolved: Resolved, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let person_id = resolved.person_id;
        if let Some(gone) = self.left_of(person_id) {
            return match gone.redirect(&resolved) {
                Some(redirected) => self.send_event_on(redirected, input, effects),
                None => {
                    effects.drop_input("erased");
                    Ok(())
                }
            };
        }
        let header = self.persons.get(&person_id).unwrap_or(&self.unmarked);
        if header.merge.has_unseen() {
            let received_at = resolved.touchpoint.received_at;
            if header.merge.is_unseen(&resolved.via, received_at) {
                effects.drop_input("erased");
                return Ok(());
            }
            resolved.touchpoint.identifiers.retain(|one| !header.merge.is_unseen(one, received_at));
        }
        if let Some(redirected) = header.merge.redirect(&resolved) {
            return self.send_event_on(redirected, input, effects);
        }
        effects.observe_event_time(resolved.touchpoint.occurred_at);
        let (via, received_at) = (resolved.via.clone(), resolved.touchpoint.received_at);
        let touch = Touch::new(&self.rules, person_id, &self.canvas.load(), resolved.touchpoint).by(resolved.via);
        if self.remembered.get(&person_id, &touch.key()).is_some() {
            effects.drop_input("duplicate");
            return Ok(());
        }
        let mut timeline = Timeline { rules: &self.rules, person_id, touches: &mut self.touches };
        let outcome = timeline.insert(touch, &header.base);
        if outcome.duplicate_count > 0 {
            effects.drop_input("duplicate");
            return Ok(());
        }
        let changes = self.settle(person_id, outcome, effects)?;
        let intents = self.run_step(person_id, &changes, effects, |step, person, state, wanted| {
            step.on_journey(PersonView { via: Some(&via), ..person }, &changes, state, wanted);
        })?;
        self.tally.triggered(intents, received_at);
        Ok(())
    }

    fn send_event_on(
        &mut self,
        (forwarded, hint): (Resolved, IdentifierCommand),
        input: &Record,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        if forwarded.hops > self.max_hops {
            let hops = forwarded.hops - 1;
            let message = format!("forwarded {hops} times: raise journey.max_hops and replay it");
            effects.dead_letter(input, STAGE, "too_many_hops", &message);
            return Ok(());
        }
        self.tally.redirects += 1;
        effects.emit(topics::RESOLVED, forwarded.person_id.to_key(), &forwarded)?;
        effects.emit(topics::IDENTIFIERS, hint.identifier.to_key(), &hint)
    }

    fn on_command(&mut self, command: PersonCommand, effects: &mut Effects) -> Result<(), Failure> {
        let person_id = command.person_id;
        if let Some(gone) = self.left_of(person_id) {
            return self.on_command_to_erased(&gone, command, effects);
        }
        let header = self.persons.get(&person_id).unwrap_or(&self.unmarked);
        let is_transfer = command.kind == PersonCommandKind::Transfer;
        if is_transfer && !header.merge.is_merged_away() && transfer::is_followed(&command.state) {
            let part: Transfer<T::State> = transfer::decode(&command.state)?;
            let touches = self.send_on(&command, part.touches, &mut T::State::default(), effects)?;
            let outcome = self.take_in(person_id, touches, None);
            return self.settle(person_id, outcome, effects).map(drop);
        }
        let mut merge = header.merge.clone();
        let as_sent = PersonCommand { state: Vec::new(), ..command.clone() };
        let action = merge.on_command(command);
        if merge != header.merge {
            self.persons.get_or_insert_with(&person_id, PersonHeader::default).merge = merge;
        }
        match action {
            // Only what is left of somebody who was erased sifts.
            MergeAction::None | MergeAction::Sift(_) => Ok(()),
            MergeAction::Unsee => self.unsee(person_id, effects),
            MergeAction::Erase(gone) => self.erase(&as_sent, *gone, effects),
            MergeAction::Send(command) => {
                let command = self.without_what_was_taken_out(&as_sent, command, effects)?;
                effects.emit(topics::PERSONS, command.person_id.to_key(), &command)
            }
            MergeAction::HandOver(transfer) => self.hand_over(person_id, transfer, effects),
            MergeAction::TakeOut(transfer) => self.take_out(person_id, transfer, effects),
            MergeAction::Absorb { loser: _, state } => self.absorb(&as_sent, &state, effects),
        }
    }

    /// Takes every statement back and sends the person's state to the survivor. What stays is the tombstone; timers that
    /// are still set find nothing to do.
    fn hand_over(&mut self, person_id: PersonId, command: PersonCommand, effects: &mut Effects) -> Result<(), Failure> {
        let header = self.persons.get_or_insert_with(&person_id, PersonHeader::default);
        let mut base = std::mem::take(&mut header.base);
        header.base.accounts = std::mem::take(&mut base.accounts);
        let mut timeline = Timeline { rules: &self.rules, person_id, touches: &mut self.touches };
        let (retractions, touches) = timeline.take(&base);
        for retraction in &retractions {
            effects.emit(topics::JOURNEYS, person_id.to_key(), retraction)?;
            tell_accounts(retraction, effects)?;
        }
        self.leave_accounts(person_id, &touches, effects)?;
        let remembered: Vec<TouchKey> = self.remembered.list(&person_id).map(|(key, ())| key.clone()).collect();
        for key in &remembered {
            self.remembered.remove(&person_id, key);
        }
        let step = self.steps.remove(&person_id).unwrap_or_default();
        self.tell_enrolments(person_id, [&step, &T::State::default()], effects)?;
        for state in transfer::encode(Transfer { touches, remembered, base, step }, self.max_transfer_bytes)? {
            effects.emit(topics::PERSONS, command.person_id.to_key(), &PersonCommand { state, ..command.clone() })?;
        }
        self.tally.merges_out += 1;
        Ok(())
    }

    fn absorb(&mut self, command: &PersonCommand, state: &[u8], effects: &mut Effects) -> Result<(), Failure> {
        let person_id = command.person_id;
        let Transfer { touches, remembered, base, step: mut loser } = transfer::decode(state)?;
        let touches = self.send_on(command, touches, &mut loser, effects)?;
        let memberships = base.memberships.clone();
        let new_base = (!base.is_empty()).then(|| {
            let mut joined = self.persons.get(&person_id).unwrap_or(&self.unmarked).base.clone();
            joined.absorb(base, self.rules.path.max_steps);
            joined
        });
        let outcome = self.take_in(person_id, touches, new_base);
        self.remember(person_id, remembered);
        self.settle(person_id, outcome, effects)?;
        self.join_accounts(person_id, memberships, effects)?;
        self.tally.merges_in += 1;
        self.run_step(person_id, &[], effects, |step, person, state, wanted| {
            step.absorb(person, state, loser, wanted);
        })
        .map(drop)
    }

    /// Interleaves the touches of a merged person.
    fn take_in(&mut self, person_id: PersonId, touches: Vec<Touch>, new_base: Option<Base>) -> Outcome {
        let is_unknown = |touch: &Touch| self.remembered.get(&person_id, &touch.key()).is_none();
        let touches = touches.into_iter().filter(is_unknown).map(|touch| touch.moved_to(person_id)).collect();
        let base = &self.persons.get(&person_id).unwrap_or(&self.unmarked).base;
        let mut timeline = Timeline { rules: &self.rules, person_id, touches: &mut self.touches };
        timeline.insert_all(touches, base, new_base)
    }

    /// Keeps what an insertion led to and publishes it; gives back the new statements.
    fn settle(
        &mut self,
        person_id: PersonId,
        outcome: Outcome,
        effects: &mut Effects,
    ) -> Result<Vec<JourneyEvent>, Failure> {
        self.tally.note(&outcome);
        self.remember(person_id, outcome.folded);
        if let Some(base) = outcome.base {
            self.persons.get_or_insert_with(&person_id, PersonHeader::default).base = base;
        }
        for change in &outcome.changes {
            effects.emit(topics::JOURNEYS, person_id.to_key(), change)?;
            if is_first_statement(change) {
                tell_accounts(change, effects)?;
            }
        }
        self.heed_accounts(person_id, &outcome.changes, effects)?;
        Ok(outcome.changes)
    }

    fn remember(&mut self, person_id: PersonId, keys: Vec<TouchKey>) {
        for key in keys {
            self.remembered.insert(&person_id, key, ());
        }
        while self.remembered.list_len(&person_id) > self.remembered_touches {
            let Some(oldest) = self.remembered.list(&person_id).next().map(|(key, ())| key.clone()) else { break };
            self.remembered.remove(&person_id, &oldest);
        }
    }

    /// Runs the chained step on the person as it is now after these `changes`, and publishes what it wants done; gives back
    /// the intents.
    fn run_step(
        &mut self,
        person_id: PersonId,
        changes: &[JourneyEvent],
        effects: &mut Effects,
        call: impl FnOnce(&T, PersonView<'_>, &mut T::State, &mut StepEffects),
    ) -> Result<Vec<TriggerIntent>, Failure> {
        let history = history(&self.touches, person_id, changes);
        let merge_pending = self.persons.get(&person_id).is_some_and(|header| header.merge.is_pending());
        // A person is named after its first identifier and survives under that name, so experiments can go by it.
        let person = PersonView { person_id, experiment_id: person_id, history: &history, via: None, merge_pending };
        let mut wanted = StepEffects::default();
        let before = self.steps.get(&person_id).cloned().unwrap_or_default();
        // A state is cheap to copy: the copies share what neither of them changes.
        let mut after = before.clone();
        call(&self.step, person, &mut after, &mut wanted);
        if after != before {
            self.tell_enrolments(person_id, [&before, &after], effects)?;
            self.steps.insert(person_id, after);
        }
        for decision in &wanted.decisions {
            effects.emit(topics::DECISIONS, person_id.to_key(), decision)?;
        }
        for intent in &wanted.intents {
            effects.emit(&topics::triggers(&intent.team_id), person_id.to_key(), intent)?;
        }
        for outcome in &wanted.outcomes {
            effects.emit(topics::OUTCOMES, person_id.to_key(), outcome)?;
        }
        for at in wanted.wake_at {
            effects.set_timer(at, person_id.to_key());
        }
        for at in wanted.wake_promptly_at {
            effects.set_timer(at.saturating_sub(self.allowed_lateness_ms), prompt_key(person_id));
        }
        Ok(wanted.intents)
    }
}

impl<T: PersonStep> JourneyProcessor<T> {
    /// Tells in which experiments the person takes part now, as far as that has changed.
    fn tell_enrolments(
        &self,
        person_id: PersonId,
        [before, after]: [&T::State; 2],
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        for enrolment in self.step.enrolments(person_id, before, after) {
            effects.emit(topics::ENROLMENTS, person_id.to_key(), &enrolment)?;
        }
        Ok(())
    }
}

/// The journey as a step looks at it. The newest touch is the one that steps ask most of, and the last of the changes is
/// nearly always it: there it is open.
fn history<'a>(touches: &'a Touches, person_id: PersonId, changes: &'a [JourneyEvent]) -> Vec<Past<'a>> {
    let mut history: Vec<_> = touches.list(&person_id).map(|(key, kept)| kept.past(person_id, key)).collect();
    let newest = changes.last().filter(|change| !change.retracted && change.path.is_empty()).map(Past::of);
    if let (Some(last), Some(newest)) = (history.last_mut(), newest)
        && last.place() == newest.place()
    {
        *last = newest;
    }
    history
}

/// The key of a person's timers that do not wait for what comes late.
fn prompt_key(person_id: PersonId) -> Vec<u8> {
    [&[PROMPT], person_id.to_key().as_slice()].concat()
}

/// Accounts hear of a touch when it is first stated at a person and when it leaves the person for another: corrections
/// in between change nothing that a roll-up goes by.
fn tell_accounts(event: &JourneyEvent, effects: &mut Effects) -> Result<(), Failure> {
    for account_id in &event.account_ids {
        effects.emit(topics::ACCOUNT_TOUCHES, account_id.to_key(), event)?;
    }
    Ok(())
}

impl<T: PersonStep> Processor for JourneyProcessor<T> {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(value) = &input.value else {
            effects.drop_input("tombstone");
            return Ok(());
        };
        match input.topic.as_str() {
            topics::RESOLVED => {
                let resolved = effects.contracts().decode(value)?;
                self.on_resolved(resolved, input, effects)
            }
            topics::PERSONS => {
                let command = effects.contracts().decode(value)?;
                self.on_command(command, effects)
            }
            topics::RECHECKS => {
                let asked = effects.contracts().decode(value)?;
                self.on_recheck(asked, effects)
            }
            other => Err(Failure::Fatal(format!("the journey does not read {other}: check the stage's topics"))),
        }
    }

    fn on_timer(&mut self, timer: &Timer, effects: &mut Effects) -> Result<(), Failure> {
        let (key, at) = match timer.key.strip_prefix(&[PROMPT]) {
            Some(key) => (key, timer.at.saturating_add(self.allowed_lateness_ms)),
            None => (timer.key.as_slice(), timer.at),
        };
        let key = String::from_utf8_lossy(key);
        let person_id: PersonId = key
            .parse()
            .map_err(|_| Failure::Poison { code: "timer_key", message: "a timer's key is not a person".to_owned() })?;
        let is_tombstone = self.persons.get(&person_id).is_some_and(|header| header.merge.is_merged_away());
        if is_tombstone {
            return Ok(()); // The survivor's step has set its own timers when it took the state in.
        }
        self.run_step(person_id, &[], effects, |step, person, state, wanted| {
            step.on_timer(person, at, state, wanted);
        })
        .map(drop)
    }

    fn before_commit(&mut self, _effects: &mut Effects) -> Result<(), Failure> {
        self.tally.publish();
        Ok(())
    }

    fn on_abort(&mut self) {
        self.tally = Tally::default();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![
            &mut self.touches,
            &mut self.remembered,
            &mut self.persons,
            &mut self.steps,
            &mut self.memberships,
            &mut self.erased,
        ]
    }
}

mod belonging;
mod erasure;
mod parting;
mod recheck;
#[cfg(test)]
mod tests;
