//! Persons that are taken apart: what came by identifiers that were another's goes to that other.

use tributary_model::identity::PersonCommand;
use tributary_model::merge::part_for;
use tributary_model::step::PersonStep;
use tributary_model::{MergeState, PersonId, topics};
use tributary_stream::{Effects, Failure};

use super::{JourneyProcessor, tell_accounts};
use crate::base::Base;
use crate::timeline::Timeline;
use crate::touch::{Touch, TouchKey};
use crate::transfer::{self, Transfer};

impl<T: PersonStep> JourneyProcessor<T> {
    /// Takes back what was said of the touches that are not the person's own, corrects the rest, and sends them to their
    /// person. What cannot be told apart by identifier both know from now on: the ids beyond the horizon, and what the
    /// chained step has done. A cap counts for both what was sent to them as one, and neither is sent it again. The sum
    /// of what lies beyond the horizon stays.
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
        let remembered: Vec<TouchKey> = self.remembered.list(&person_id).map(|(key, ())| key.clone()).collect();
        let step = self.steps.get(&person_id).cloned().unwrap_or_default();
        let transfer = Transfer { touches, remembered, base: Base::default(), step };
        for state in transfer::encode(transfer, self.max_transfer_bytes)? {
            effects.emit(topics::PERSONS, command.person_id.to_key(), &PersonCommand { state, ..command.clone() })?;
        }
        let changes = self.settle(person_id, outcome, effects)?;
        self.tally.splits += 1;
        self.run_step(person_id, effects, |step, person, state, wanted| {
            step.on_journey(person, &changes, state, wanted);
        })
    }

    /// Sends touches that came by identifiers that were taken out of the person to whom they belong; gives the others.
    pub(super) fn send_on(
        &self,
        command: &PersonCommand,
        touches: Vec<Touch>,
        effects: &mut Effects,
    ) -> Result<Vec<Touch>, Failure> {
        let header = self.persons.get(&command.person_id).unwrap_or(&self.unmarked);
        let touches = without_unseen(&header.merge, touches);
        if !header.merge.is_split() {
            return Ok(touches);
        }
        self.send_to_others(command, touches, |touch| header.merge.destination(touch.via()?), effects)
    }

    /// Sends touches that are another's to whom they belong; gives those that `destination` knows no other person for.
    pub(super) fn send_to_others(
        &self,
        command: &PersonCommand,
        touches: Vec<Touch>,
        destination: impl Fn(&Touch) -> Option<PersonId>,
        effects: &mut Effects,
    ) -> Result<Vec<Touch>, Failure> {
        let (others, own): (Vec<Touch>, Vec<Touch>) =
            touches.into_iter().partition(|touch| destination(touch).is_some());
        let mut others: Vec<(PersonId, Touch)> =
            others.into_iter().filter_map(|touch| Some((destination(&touch)?, touch))).collect();
        others.sort_by_key(|(person, _)| *person);
        for group in others.chunk_by(|one, next| one.0 == next.0) {
            let touches = group.iter().map(|(_, touch)| touch.clone()).collect();
            let transfer: Transfer<T::State> = Transfer { touches, ..Transfer::default() };
            for state in transfer::encode(transfer, self.max_transfer_bytes)? {
                let part = part_for(command, group[0].0, state);
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
        let transfer: Transfer<T::State> = transfer::decode(&command.state)?;
        let touches = self.send_on(as_sent, transfer.touches, effects)?;
        let state = transfer::encode_like(&command.state, &Transfer { touches, ..transfer })?;
        Ok(PersonCommand { state, ..command })
    }
}

/// Touches as they are told without the identifiers of others that were erased since.
fn without_unseen(merge: &MergeState, touches: Vec<Touch>) -> Vec<Touch> {
    if !merge.has_unseen() {
        return touches;
    }
    let without = |touch: Touch| touch.without(|one, received_at| merge.is_unseen(one, received_at)).unwrap_or(touch);
    touches.into_iter().map(without).collect()
}
