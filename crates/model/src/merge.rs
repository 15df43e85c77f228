//! What a person-keyed service does when persons are merged: the part of the protocol that is the same for all.
//!
//! The service keeps a [`MergeState`] beside its own state of a person and asks it
//! - about every [`PersonCommand`] for that person ([`MergeState::on_command`]), and
//! - about every event for that person before handling it ([`MergeState::redirect`]).
//!
//! A merge of `L` into `W` with number `s` reaches the service as `Out` at `L` and `In` at `W`. `Out` makes `L` a
//! tombstone that forwards to `W` for ever and sends `L`'s state to `W` as a `Transfer`. `In` makes `s` pending at `W`
//! until that `Transfer` arrives; decisions wait for it. Whatever arrives at a tombstone moves on, so that events, states
//! and announcements meet at the surviving person whatever the order in which they travel. Repeats change nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::identity::{IdentifierCommand, IdentifierCommandKind, PersonCommand, PersonCommandKind, Resolved};
use crate::ids::PersonId;

/// The bookkeeping of merges for one person. The default is a person that was never merged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeState {
    /// Set on a tombstone: the person it was merged into.
    forward: Option<PersonId>,
    /// Merges into this person that were announced and whose state has not arrived.
    pending: BTreeSet<i64>,
    /// Merges into this person, or into one that it absorbed, whose state has arrived.
    done: BTreeSet<i64>,
}

/// What the service has to do about a [`PersonCommand`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeAction {
    /// Nothing; the command is noted or was a repeat.
    None,
    /// Emit this command to `tributary.persons` under its `person_id`; it moves on to the surviving person.
    Send(PersonCommand),
    /// This person is a tombstone from now on. Encode its state into the `state` of this command (leave it empty when
    /// there is none), emit the command to `tributary.persons` under its `person_id`, then delete the state and its
    /// timers, and keep the [`MergeState`]. A state too large for one record goes ahead in [`part_of`] the command, all
    /// in the same transaction.
    HandOver(PersonCommand),
    /// Add the state of `loser`, or this part of it, to this person's. Never empty. Parts may come in any order and more
    /// than once, so adding has to be associative, commutative and idempotent in the facts it keeps.
    Absorb {
        /// The person that was merged into this one.
        loser: PersonId,
        /// Its state, as it was encoded on handing over.
        state: Vec<u8>,
    },
}

impl MergeState {
    /// The person that this one was merged into, when it is a tombstone.
    #[must_use]
    pub fn forward(&self) -> Option<PersonId> {
        self.forward
    }

    /// True while the state of a person merged into this one is on its way: decisions wait.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// True when nothing is noted, so that the state need not be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forward.is_none() && self.pending.is_empty() && self.done.is_empty()
    }

    /// Takes note of `command`, which is addressed to this person, and says what the service has to do.
    #[must_use]
    pub fn on_command(&mut self, command: PersonCommand) -> MergeAction {
        match command.kind {
            PersonCommandKind::Out => self.on_out(command),
            PersonCommandKind::In => self.on_in(command),
            PersonCommandKind::Part => self.on_part(command),
            PersonCommandKind::Transfer => self.on_transfer(command),
        }
    }

    /// Where `event`, which is addressed to this person, has to go when this person is a tombstone: the same event for
    /// the survivor, to be emitted to `tributary.resolved` under its `person_id`, and a hint for the owner of its
    /// identifier, to be emitted to `tributary.identifiers` under its `identifier`. `None` when the event is to be
    /// handled here.
    #[must_use]
    pub fn redirect(&self, event: &Resolved) -> Option<(Resolved, IdentifierCommand)> {
        let survivor = self.forward?;
        let hint = IdentifierCommand {
            kind: IdentifierCommandKind::Label,
            identifier: event.via.clone(),
            person_id: survivor,
            first_seen_at: event.touchpoint.occurred_at,
            with: None,
            then: Vec::new(),
            previous_person_id: Some(event.person_id),
            touchpoint_id: event.touchpoint.touchpoint_id.clone(),
            occurred_at: event.touchpoint.occurred_at,
        };
        let forwarded = Resolved { person_id: survivor, hops: event.hops.saturating_add(1), ..event.clone() };
        Some((forwarded, hint))
    }

    fn on_out(&mut self, command: PersonCommand) -> MergeAction {
        if self.forward.is_some() {
            return MergeAction::None; // A repeat: the sequencer merges a person away only once.
        }
        let merged = std::mem::take(self);
        self.forward = Some(command.other_person_id);
        MergeAction::HandOver(PersonCommand {
            kind: PersonCommandKind::Transfer,
            person_id: command.other_person_id,
            other_person_id: command.person_id,
            state: Vec::new(),
            pending: merged.pending.into_iter().collect(),
            done: merged.done.into_iter().collect(),
            ..command
        })
    }

    fn on_in(&mut self, command: PersonCommand) -> MergeAction {
        if let Some(survivor) = self.forward {
            return MergeAction::Send(PersonCommand { person_id: survivor, ..command });
        }
        if !self.done.contains(&command.sequence) {
            self.pending.insert(command.sequence);
        }
        MergeAction::None
    }

    fn on_part(&self, command: PersonCommand) -> MergeAction {
        match self.forward {
            Some(survivor) => MergeAction::Send(PersonCommand { person_id: survivor, ..command }),
            None if command.state.is_empty() => MergeAction::None,
            None => MergeAction::Absorb { loser: command.other_person_id, state: command.state },
        }
    }

    fn on_transfer(&mut self, command: PersonCommand) -> MergeAction {
        if let Some(survivor) = self.forward {
            return MergeAction::Send(PersonCommand { person_id: survivor, ..command });
        }
        let is_repeat = !self.done.insert(command.sequence);
        self.done.extend(command.done);
        self.pending.extend(command.pending);
        self.pending.retain(|sequence| !self.done.contains(sequence));
        if is_repeat || command.state.is_empty() {
            return MergeAction::None;
        }
        MergeAction::Absorb { loser: command.other_person_id, state: command.state }
    }
}

/// A part of the state that `transfer` hands over, to be emitted before it under the same key. The merge stays pending
/// until `transfer` itself arrives.
#[must_use]
pub fn part_of(transfer: &PersonCommand, state: Vec<u8>) -> PersonCommand {
    let (pending, done) = (Vec::new(), Vec::new());
    PersonCommand { kind: PersonCommandKind::Part, state, pending, done, ..*transfer }
}

#[cfg(test)]
mod tests;
