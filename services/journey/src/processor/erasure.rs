//! Persons that are erased: what is left of one here knows where to send what is another's, and nothing else.

use std::collections::BTreeSet;

use tributary_model::identity::PersonCommand;
use tributary_model::merge::MergeAction;
use tributary_model::step::PersonStep;
use tributary_model::{AccountId, Disposition, ErasedPerson, Fingerprint, Identifier, PersonId, topics};
use tributary_stream::{Effects, Failure, OutRecord, StateStore};

use super::{JourneyProcessor, prompt_key, tell_accounts};
use crate::account_processor::HEADER_ERASED_PERSON;
use crate::timeline::Timeline;
use crate::touch::{Touch, TouchKey};
use crate::transfer::{self, Transfer};

impl<T: PersonStep> JourneyProcessor<T> {
    /// What is left of a person that was erased.
    pub(super) fn left_of(&self, person_id: PersonId) -> Option<ErasedPerson> {
        if self.erased.is_empty() {
            return None;
        }
        self.erased.get(&Fingerprint::of_person(person_id)).cloned()
    }

    /// Forgets the person: its touches, what is remembered of those beyond the horizon, what the chained step knows, its
    /// timers. An empty record on the topics that are keyed by person tells readers to do the same. Its accounts lose its
    /// touches and its membership, and of touches beyond the horizon, whose sums they keep, whose they were. Scorecards, which
    /// are sums over many persons, stay. What the hub has received after the erasure was asked for goes on to whom it
    /// belongs.
    pub(super) fn erase(
        &mut self,
        command: &PersonCommand,
        gone: ErasedPerson,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let person_id = command.person_id;
        let base = self.persons.remove(&person_id).unwrap_or_default().base;
        let mut timeline = Timeline { rules: &self.rules, person_id, touches: &mut self.touches };
        let (retractions, touches) = timeline.take(&base);
        let mut accounts: BTreeSet<AccountId> = base.accounts;
        for (retraction, touch) in retractions.iter().zip(&touches) {
            accounts.extend(&retraction.account_ids);
            tell_accounts(retraction, effects)?;
            if destination(&gone, person_id, touch).is_some() {
                effects.emit(topics::JOURNEYS, person_id.to_key(), retraction)?;
            }
        }
        self.leave_accounts(person_id, &touches, effects)?;
        for account_id in accounts {
            effects.emit_bytes(OutRecord {
                topic: topics::ACCOUNT_TOUCHES.to_owned(),
                key: account_id.to_key(),
                value: None,
                headers: vec![(HEADER_ERASED_PERSON.to_owned(), person_id.to_key())],
            });
        }
        let remembered: Vec<TouchKey> = self.remembered.list(&person_id).map(|(key, ())| key.clone()).collect();
        for key in &remembered {
            self.remembered.remove(&person_id, key);
        }
        let step = self.steps.remove(&person_id).unwrap_or_default();
        effects.cancel_timers(person_id.to_key());
        effects.cancel_timers(prompt_key(person_id));
        for topic in [topics::JOURNEYS, topics::DECISIONS, topics::OUTCOMES, topics::ENROLMENTS] {
            effects.emit_tombstone(topic, person_id.to_key());
        }
        self.sift(command, &gone, touches, step, effects)?;
        self.erased.insert(Fingerprint::of_person(person_id), gone);
        self.tally.erased += 1;
        Ok(())
    }

    /// Sends those of an erased person's touches, and of what the chained step knows by identifier, that are not erased to
    /// whom they belong, with a hint for the owner of the identifier by which each touch came.
    fn sift(
        &self,
        command: &PersonCommand,
        gone: &ErasedPerson,
        touches: Vec<Touch>,
        mut step: T::State,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let person_id = command.person_id;
        for touch in &touches {
            if let (Some(via), Some(now)) = (touch.via(), destination(gone, person_id, touch)) {
                let received_at = touch.event.touchpoint.received_at;
                let hint = gone.hint(via, person_id, now, (touch.id(), touch.occurred_at(), received_at));
                effects.emit(topics::IDENTIFIERS, hint.identifier.to_key(), &hint)?;
            }
        }
        let whose = |via: &Identifier, received_at| disposed(gone, person_id, via, received_at);
        self.send_to_others(command, touches, &mut step, whose, effects).map(drop)
    }

    /// Corrects what names identifiers of others that were erased.
    pub(super) fn unsee(&mut self, person_id: PersonId, effects: &mut Effects) -> Result<(), Failure> {
        let header = self.persons.get(&person_id).unwrap_or(&self.unmarked);
        let merge = &header.merge;
        let mut timeline = Timeline { rules: &self.rules, person_id, touches: &mut self.touches };
        let changes = timeline.unsee(|one, received_at| merge.is_unseen(one, received_at), &header.base);
        for change in &changes {
            effects.emit(topics::JOURNEYS, person_id.to_key(), change)?;
        }
        Ok(())
    }

    /// A state that was on its way to somebody who was erased, or to whom such a person was merged into.
    pub(super) fn on_command_to_erased(
        &self,
        gone: &ErasedPerson,
        command: PersonCommand,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let as_sent = PersonCommand { state: Vec::new(), ..command.clone() };
        match gone.on_command(command) {
            MergeAction::Send(command) if command.state.is_empty() => {
                effects.emit(topics::PERSONS, command.person_id.to_key(), &command)
            }
            MergeAction::Send(command) => {
                let mut transfer: Transfer<T::State> = transfer::decode(&command.state)?;
                let taken_out = |via: &Identifier, _| gone.destination(via);
                let touches =
                    self.send_to_others(&as_sent, transfer.touches, &mut transfer.step, taken_out, effects)?;
                let state = transfer::encode_like(&command.state, &Transfer { touches, ..transfer })?;
                effects.emit(topics::PERSONS, command.person_id.to_key(), &PersonCommand { state, ..command })
            }
            MergeAction::Sift(command) => {
                let transfer: Transfer<T::State> = transfer::decode(&command.state)?;
                self.sift(&as_sent, gone, transfer.touches, transfer.step, effects)
            }
            _ => Ok(()),
        }
    }
}

/// Whose a touch is that came to somebody who was erased; `None` when it is erased with them.
fn destination(gone: &ErasedPerson, person_id: PersonId, touch: &Touch) -> Option<PersonId> {
    disposed(gone, person_id, touch.via()?, touch.event.touchpoint.received_at)
}

fn disposed(gone: &ErasedPerson, person_id: PersonId, via: &Identifier, received_at: i64) -> Option<PersonId> {
    match gone.disposition(person_id, via, received_at) {
        Disposition::To(person) => Some(person),
        Disposition::Erased => None,
    }
}
