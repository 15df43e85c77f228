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
//!
//! An unmerge takes identifiers out of a person `P` and gives them to a new one, `N`: `Split` at `P` and `In` at `N`. What
//! came by these identifiers goes to `N` in a `Transfer`, and so does, for ever, whatever still comes to `P` by them: an
//! event by [`MergeState::redirect`], a state on its way by [`MergeState::destination`]. An identifier that was taken out may
//! come back with whomever is merged into `P`; that merge's `In` names it, and what comes by it stays with `P` again. So
//! each person sends what comes by an identifier where that went when it last left, and nothing goes round in a circle.
//! Identifiers and persons are remembered so that only who comes with them learns where they went, and nothing has to be
//! taken back here when they are erased.
//!
//! An erasure reaches the person, and every one that was ever merged into it, as `Erase`. What is left of each is an
//! [`ErasedPerson`], which the service asks from then on instead of the [`MergeState`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::erasure::{ErasedPerson, Fingerprint, Sealed};
use crate::identifier::Identifier;
use crate::identity::{IdentifierCommand, IdentifierCommandKind, PersonCommand, PersonCommandKind, Resolved};
use crate::ids::PersonId;

/// The bookkeeping of merges for one person. The default is a person that was never merged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeState {
    /// Set on a tombstone: the person it was merged into, under its own id.
    forward: Option<Sealed>,
    /// Merges into this person that were announced and whose state has not arrived.
    pending: BTreeSet<i64>,
    /// Merges into this person, or into one that it absorbed, whose state has arrived.
    done: BTreeSet<i64>,
    /// What was taken out of this person, by the number of the split; without identifiers once they have come back.
    #[serde(default)]
    splits: BTreeMap<i64, TakenOut>,
    /// Identifiers of others that were erased, each with the instant up to which nothing names it.
    #[serde(default)]
    unseen: BTreeMap<Fingerprint, i64>,
}

/// Identifiers that were taken out of a person, each with the person it went to.
type TakenOut = BTreeMap<Fingerprint, Sealed>;

/// What the service has to do about a [`PersonCommand`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeAction {
    /// Nothing; the command is noted or was a repeat.
    None,
    /// Emit this command to `tributary.persons` under its `person_id`; it moves on to the surviving person. If it carries
    /// a state and [`MergeState::is_split`], what came by identifiers that were taken out goes to their
    /// [`MergeState::destination`] instead, as [`part_for`].
    Send(PersonCommand),
    /// This person is a tombstone from now on. Encode its state into the `state` of this command (leave it empty when
    /// there is none), emit the command to `tributary.persons` under its `person_id`, then delete the state and its
    /// timers, and keep the [`MergeState`]. A state too large for one record goes ahead in [`part_of`] the command, all
    /// in the same transaction.
    HandOver(PersonCommand),
    /// Encode what came by the identifiers that are no longer this person's ([`MergeState::destination`]) into the `state`
    /// of this command, together with what cannot be told apart by identifier and both have to know, and emit it to
    /// `tributary.persons` under its `person_id`, in several parts as for [`MergeAction::HandOver`] when it is large. Then
    /// delete here what came by them.
    TakeOut(PersonCommand),
    /// This person was erased, and this state was on its way to it. What is in it and is not to be erased goes where
    /// [`ErasedPerson::disposition`] says, as [`part_for`], with an [`ErasedPerson::hint`] for the owner of each identifier by
    /// which it came; the rest is forgotten.
    Sift(PersonCommand),
    /// Identifiers of somebody else that are named here were erased: leave out of what the person keeps those that
    /// [`MergeState::is_unseen`].
    Unsee,
    /// Keep this alone under the person's fingerprint, and ask it from now on. Delete everything else of the person here:
    /// its state, its timers, this [`MergeState`]. What is in the state and is not to be erased goes on as for
    /// [`MergeAction::Sift`].
    Erase(Box<ErasedPerson>),
    /// Add the state of `loser`, or this part of it, to this person's. Never empty. Parts may come in any order and more
    /// than once, so adding has to be associative, commutative and idempotent in the facts it keeps. When
    /// [`MergeState::is_split`], what came by identifiers that were taken out goes on as for [`MergeAction::Send`].
    Absorb {
        /// The person that was merged into this one.
        loser: PersonId,
        /// Its state, as it was encoded on handing over.
        state: Vec<u8>,
    },
}

impl MergeState {
    /// The person that this one, which is `person_id`, was merged into, when it is a tombstone.
    #[must_use]
    pub fn forward(&self, person_id: PersonId) -> Option<PersonId> {
        self.forward.map(|sealed| sealed.open_by_person(person_id))
    }

    /// True when this person is a tombstone.
    #[must_use]
    pub fn is_merged_away(&self) -> bool {
        self.forward.is_some()
    }

    /// True while the state of a person merged into this one is on its way: decisions wait.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// True when nothing is noted, so that the state need not be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forward.is_none()
            && self.pending.is_empty()
            && self.done.is_empty()
            && self.splits.is_empty()
            && self.unseen.is_empty()
    }

    /// True when identifiers were taken out of this person, so that a state that arrives may hold what is not its own.
    #[must_use]
    pub fn is_split(&self) -> bool {
        self.splits.values().any(|split| !split.is_empty())
    }

    /// True when something may name identifiers that were erased: what arrives, also to be sent on, has to be told without
    /// those that [`MergeState::is_unseen`].
    #[must_use]
    pub fn has_unseen(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// True when `identifier` is another's, and was erased with what was received then.
    #[must_use]
    pub fn is_unseen(&self, identifier: &Identifier, received_at: i64) -> bool {
        self.has_unseen() && self.unseen.get(&Fingerprint::of(identifier)).is_some_and(|at| received_at <= *at)
    }

    /// The person to which what came by `via` was taken out, if it was.
    #[must_use]
    pub fn destination(&self, via: &Identifier) -> Option<PersonId> {
        if !self.is_split() {
            return None;
        }
        let fingerprint = Fingerprint::of(via);
        self.splits.values().rev().find_map(|split| split.get(&fingerprint)).map(|sealed| sealed.open(via))
    }

    /// Takes note of `command`, which is addressed to this person, and says what the service has to do.
    #[must_use]
    pub fn on_command(&mut self, command: PersonCommand) -> MergeAction {
        match command.kind {
            PersonCommandKind::Out => self.on_out(command),
            PersonCommandKind::In => self.on_in(command),
            PersonCommandKind::Part => self.on_part(command),
            PersonCommandKind::Transfer => self.on_transfer(command),
            PersonCommandKind::Split => self.on_split(command),
            PersonCommandKind::Erase => self.on_erase(&command),
            PersonCommandKind::Unsee => self.on_unsee(command),
        }
    }

    /// Where `event`, which is addressed to this person, has to go when this person is a tombstone or its identifier was
    /// taken out: the same event for that person, to be emitted to `tributary.resolved` under its `person_id`, and a hint for the owner of its
    /// identifier, to be emitted to `tributary.identifiers` under its `identifier`. `None` when the event is to be
    /// handled here.
    #[must_use]
    pub fn redirect(&self, event: &Resolved) -> Option<(Resolved, IdentifierCommand)> {
        let survivor = self.destination(&event.via).or_else(|| self.forward(event.person_id))?;
        Some(forwarded(event, survivor))
    }

    fn on_out(&mut self, command: PersonCommand) -> MergeAction {
        if self.forward.is_some() {
            return MergeAction::None; // A repeat: the sequencer merges a person away only once.
        }
        let merged = std::mem::take(self);
        self.forward = Some(Sealed::under_person(command.other_person_id, command.person_id));
        // Also of what is still on its way here, and goes on from here.
        (self.splits, self.unseen) = (merged.splits, merged.unseen);
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
        for (_, split) in self.splits.range_mut(..command.sequence) {
            for identifier in &command.identifiers {
                split.remove(&Fingerprint::of(identifier));
            }
        }
        if let Some(survivor) = self.forward(command.person_id) {
            return MergeAction::Send(PersonCommand { person_id: survivor, identifiers: Vec::new(), ..command });
        }
        if !self.done.contains(&command.sequence) {
            self.pending.insert(command.sequence);
        }
        MergeAction::None
    }

    /// The sequencer splits a person only as long as it is itself, and says so before it says that it is merged away.
    fn on_split(&mut self, command: PersonCommand) -> MergeAction {
        if self.forward.is_some() || self.splits.contains_key(&command.sequence) {
            return MergeAction::None; // A repeat.
        }
        let taken = command.identifiers.iter();
        let sealed = |one: &Identifier| (Fingerprint::of(one), Sealed::new(command.other_person_id, one));
        self.splits.insert(command.sequence, taken.map(sealed).collect());
        MergeAction::TakeOut(PersonCommand {
            kind: PersonCommandKind::Transfer,
            person_id: command.other_person_id,
            other_person_id: command.person_id,
            identifiers: Vec::new(),
            ..command
        })
    }

    fn on_erase(&mut self, command: &PersonCommand) -> MergeAction {
        let merged = std::mem::take(self);
        let mut splits = TakenOut::new();
        merged.splits.into_values().for_each(|split| splits.extend(split));
        MergeAction::Erase(Box::new(ErasedPerson::new(command, splits, merged.forward)))
    }

    fn on_unsee(&mut self, command: PersonCommand) -> MergeAction {
        let [via, gone] = command.identifiers.as_slice() else { return MergeAction::None };
        let until = self.unseen.entry(Fingerprint::of(gone)).or_insert(command.occurred_at);
        *until = (*until).max(command.occurred_at);
        match self.destination(via).or_else(|| self.forward(command.person_id)) {
            Some(person_id) => MergeAction::Send(PersonCommand { person_id, ..command }),
            None => MergeAction::Unsee,
        }
    }

    fn on_part(&self, command: PersonCommand) -> MergeAction {
        match self.forward(command.person_id) {
            Some(survivor) => MergeAction::Send(PersonCommand { person_id: survivor, ..command }),
            None if command.state.is_empty() => MergeAction::None,
            None => MergeAction::Absorb { loser: command.other_person_id, state: command.state },
        }
    }

    fn on_transfer(&mut self, command: PersonCommand) -> MergeAction {
        if let Some(survivor) = self.forward(command.person_id) {
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

/// `event` for the person that it belongs to, and a hint of it for the owner of its identifier.
pub(crate) fn forwarded(event: &Resolved, person_id: PersonId) -> (Resolved, IdentifierCommand) {
    let touchpoint = &event.touchpoint;
    let evidence = (touchpoint.touchpoint_id.as_str(), touchpoint.occurred_at, touchpoint.received_at);
    let hint = hint(&event.via, event.person_id, person_id, evidence);
    (Resolved { person_id, hops: event.hops.saturating_add(1), ..event.clone() }, hint)
}

/// A hint for the owner of `identifier`, by which something came to `previous` that is now at `person_id`; with the
/// touchpoint that is the evidence, when it occurred, and when the hub received it.
pub(crate) fn hint(
    identifier: &Identifier,
    previous: PersonId,
    person_id: PersonId,
    (touchpoint_id, occurred_at, received_at): (&str, i64, i64),
) -> IdentifierCommand {
    IdentifierCommand {
        kind: IdentifierCommandKind::Label,
        identifier: identifier.clone(),
        person_id,
        first_seen_at: occurred_at,
        with: None,
        then: Vec::new(),
        previous_person_id: Some(previous),
        touchpoint_id: touchpoint_id.to_owned(),
        occurred_at,
        by_hand: None,
        from: None,
        received_at,
        sequence: 0,
    }
}

/// A part of the state that `transfer` hands over, to be emitted before it under the same key. The merge stays pending
/// until `transfer` itself arrives.
#[must_use]
pub fn part_of(transfer: &PersonCommand, state: Vec<u8>) -> PersonCommand {
    part_for(transfer, transfer.person_id, state)
}

/// A part of the state that `command` carries, for a person that it turns out to belong to.
#[must_use]
pub fn part_for(command: &PersonCommand, person_id: PersonId, state: Vec<u8>) -> PersonCommand {
    PersonCommand {
        kind: PersonCommandKind::Part,
        person_id,
        state,
        pending: Vec::new(),
        done: Vec::new(),
        identifiers: Vec::new(),
        ..*command
    }
}

#[cfg(test)]
mod tests;
