//! Persons that are taken apart: what came by identifiers that were another's goes to that other.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tributary_model::identity::PersonCommand;
use tributary_model::merge::part_for;
use tributary_model::step::PersonStep;
use tributary_model::{Identifier, MergeState, PersonId, topics};
use tributary_stream::{Effects, Failure};

use super::{JourneyProcessor, tell_accounts};
use crate::base::Base;
use crate::timeline::Timeline;
use crate::touch::{Touch, TouchKey};
use crate::transfer::{self, Transfer};

impl<T: PersonStep> JourneyProcessor<T> {
    /// Takes back what was said of the touches that are not the person's own, corrects the rest, and sends them to their
    /// person; what the chained step knows by identifier is parted with them. What cannot be told apart by identifier both
    /// know from now on: the ids beyond the horizon, and what the chained step has done. A cap counts for both what was sent
    /// to them as one, and neither is sent it again. The sum of what lies beyond the horizon stays.
    pub(super) fn take_out(
        &mut self,
        person_id: PersonId,
        command: PersonCommand,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let header = self.persons.get(&person_id).unwrap_or(&self.unmarked);
        let (merge, base) = (header.merge.clone(), header.base.clone());
        let is_taken = |touch: &Touch| touch.via().is_some_and(|via| merge.destination(via).is_some());
        let mut timeline = Timeline { rules: &self.rules, person_id, touches: &mut self.touches };
        let (retractions, touches, outcome) = timeline.take_out(is_taken, &base);
        for retraction in &retractions {
            effects.emit(topics::JOURNEYS, person_id.to_key(), retraction)?;
            tell_accounts(retraction, effects)?;
        }
        self.recount_accounts(person_id, &base, &touches, effects)?;
        let remembered: Vec<TouchKey> = self.remembered.list(&person_id).map(|(key, ())| key.clone()).collect();
        let is_gone = |via: &Identifier, _| merge.destination(via).is_some();
        let mut kept = self.steps.get(&person_id).cloned().unwrap_or_default();
        let mut step = kept.clone();
        drop(self.step.take(&mut kept, &is_gone));
        drop(self.step.take(&mut step, &|via, received_at| !is_gone(via, received_at)));
        if kept != step {
            self.steps.insert(person_id, kept);
        }
        let transfer = Transfer { touches, remembered, base: Base::default(), step };
        for state in transfer::encode(transfer, self.max_transfer_bytes)? {
            effects.emit(topics::PERSONS, command.person_id.to_key(), &PersonCommand { state, ..command.clone() })?;
        }
        let changes = self.settle(person_id, outcome, effects)?;
        self.tally.splits += 1;
        self.run_step(person_id, &changes, effects, |step, person, state, wanted| {
            step.on_journey(person, &changes, state, wanted);
        })
        .map(drop)
    }

    /// Sends touches, and what the chained step knows, that came by identifiers that were taken out of the person to whom
    /// they belong; gives the others.
    pub(super) fn send_on(
        &self,
        command: &PersonCommand,
        touches: Vec<Touch>,
        step: &mut T::State,
        effects: &mut Effects,
    ) -> Result<Vec<Touch>, Failure> {
        let header = self.persons.get(&command.person_id).unwrap_or(&self.unmarked);
        let touches = without_unseen(&header.merge, touches);
        if header.merge.has_unseen() {
            drop(self.step.take(step, &|via, received_at| header.merge.is_unseen(via, received_at)));
        }
        if !header.merge.is_split() {
            return Ok(touches);
        }
        self.send_to_others(command, touches, step, |via, _| header.merge.destination(via), effects)
    }

    /// Sends touches, and what the chained step knows, that are another's by the identifier by which they came and by when
    /// they were received, to whom they belong. Gives the touches that `destination` knows no other person for.
    pub(super) fn send_to_others(
        &self,
        command: &PersonCommand,
        touches: Vec<Touch>,
        step: &mut T::State,
        destination: impl Fn(&Identifier, i64) -> Option<PersonId>,
        effects: &mut Effects,
    ) -> Result<Vec<Touch>, Failure> {
        let whose = |touch: &Touch| destination(touch.via()?, touch.event.touchpoint.received_at);
        let (mut others, own): (Vec<Touch>, Vec<Touch>) = touches.into_iter().partition(|touch| whose(touch).is_some());
        // Who they are only the identifiers say, so the step is asked for its own by taking nothing.
        let persons: RefCell<BTreeSet<PersonId>> = RefCell::new(others.iter().filter_map(whose).collect());
        let note = |via: &Identifier, received_at| {
            persons.borrow_mut().extend(destination(via, received_at));
            false
        };
        drop(self.step.take(step, &note));
        for person_id in persons.into_inner() {
            let is_theirs = |via: &Identifier, received_at| destination(via, received_at) == Some(person_id);
            let known = self.step.take(step, &is_theirs);
            let (touches, rest) = others.into_iter().partition(|touch| whose(touch) == Some(person_id));
            others = rest;
            let transfer = Transfer { touches, step: known, ..Transfer::default() };
            if transfer == Transfer::default() {
                continue;
            }
            for state in transfer::encode(transfer, self.max_transfer_bytes)? {
                let part = part_for(command, person_id, state);
                effects.emit(topics::PERSONS, part.person_id.to_key(), &part)?;
            }
        }
        Ok(own)
    }

    /// A state on its way through this person's tombstone, less what belongs to those that were taken out of it.
    pub(super) fn without_what_was_taken_out(
        &self,
        as_sent: &PersonCommand,
        command: PersonCommand,
        effects: &mut Effects,
    ) -> Result<PersonCommand, Failure> {
        let is_other = |merge: &MergeState| merge.is_split() || merge.has_unseen();
        let is_other = self.persons.get(&as_sent.person_id).is_some_and(|header| is_other(&header.merge));
        if command.state.is_empty() || !is_other {
            return Ok(command);
        }
        let mut transfer: Transfer<T::State> = transfer::decode(&command.state)?;
        let touches = self.send_on(as_sent, transfer.touches, &mut transfer.step, effects)?;
        let state = transfer::encode_like(&command.state, &Transfer { touches, ..transfer })?;
        Ok(PersonCommand { state, ..command })
    }
}

/// Touches as they are told without the identifiers of others that were erased since, and without those that came by one.
fn without_unseen(merge: &MergeState, touches: Vec<Touch>) -> Vec<Touch> {
    if !merge.has_unseen() {
        return touches;
    }
    let is_erased =
        |touch: &Touch| touch.via().is_some_and(|via| merge.is_unseen(via, touch.event.touchpoint.received_at));
    let without = |touch: Touch| touch.without(|one, received_at| merge.is_unseen(one, received_at)).unwrap_or(touch);
    touches.into_iter().filter(|touch| !is_erased(touch)).map(without).collect()
}
