//! Erasing a person: what is remembered so that nothing of it comes back.
//!
//! An erasure has a number in the sequencer's order and an instant. What was received up to that instant is gone, wherever
//! it still arrives; what is received later is another person's, the [`Erasure::successor`] of its identifier, with an id
//! that nobody ever had. So nobody has to wait until everything that was on its way has arrived.
//!
//! No memory of an erasure names anybody: identifiers and persons are remembered by a [`Fingerprint`], and the persons that
//! things are sent on to are [`Sealed`], so that only who comes with the identifier learns where it goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identifier::Identifier;
use crate::identity::{IdentifierCommand, PersonCommand, PersonCommandKind, Resolved};
use crate::ids::PersonId;
use crate::merge::{MergeAction, forwarded, hint};

/// Under this namespace everything here is derived; random once.
const NAMESPACE: Uuid = Uuid::from_u128(0x8f0c_6a51_93de_4b27_9c3e_5d1b_70a4_f2e8);

fn derived(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}\0{name}").as_bytes())
}

/// A trace that shows nothing: whoever has the identifier or person can recognise it, nobody can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(Uuid);

impl Fingerprint {
    /// Of an identifier.
    #[must_use]
    pub fn of(identifier: &Identifier) -> Self {
        Self(derived("identifier", &identifier.to_string()))
    }

    /// Of a person.
    #[must_use]
    pub fn of_person(person: PersonId) -> Self {
        Self(derived("person", &person.to_string()))
    }
}

/// A person that only who has the name can read under which it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(Uuid);

impl Sealed {
    /// `person`, for whoever comes with `identifier`.
    #[must_use]
    pub fn new(person: PersonId, identifier: &Identifier) -> Self {
        Self(mixed(person, &identifier.to_string()))
    }

    /// The person.
    #[must_use]
    pub fn open(self, identifier: &Identifier) -> PersonId {
        PersonId(mixed(PersonId(self.0), &identifier.to_string()))
    }

    /// `person`, for whoever comes to `other`.
    pub(crate) fn under_person(person: PersonId, other: PersonId) -> Self {
        Self(mixed(person, &other.to_string()))
    }

    pub(crate) fn open_by_person(self, other: PersonId) -> PersonId {
        PersonId(mixed(PersonId(self.0), &other.to_string()))
    }
}

/// Twice the same gives what there was.
fn mixed(person: PersonId, name: &str) -> Uuid {
    Uuid::from_u128(person.0.as_u128() ^ derived("seal", name).as_u128())
}

/// One erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its number in the sequencer's order.
    pub sequence: i64,
    /// What the hub received up to this instant is erased, in milliseconds.
    pub at: i64,
}

impl Erasure {
    /// True when what was received then is erased.
    #[must_use]
    pub fn covers(&self, received_at: i64) -> bool {
        received_at <= self.at
    }

    /// The person of an erased identifier when it is seen again. Nobody ever had its id, so that nothing of the old person
    /// can come to it.
    #[must_use]
    pub fn successor(&self, identifier: &Identifier) -> PersonId {
        PersonId(derived("successor", &format!("{identifier}\0{}", self.sequence)))
    }
}

/// What is left of a person that was erased, or of one that was merged into it: where to send what is not its own. A
/// service keeps it under the person's [`Fingerprint`] instead of everything else, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedPerson {
    erasure: Erasure,
    /// What was taken out of the person before, with where it went.
    splits: BTreeMap<Fingerprint, Sealed>,
    /// The person it was merged into, if it was.
    forward: Option<Sealed>,
}

/// What becomes of something that arrives at a person that was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It is erased.
    Erased,
    /// It is this one's.
    To(PersonId),
}

impl ErasedPerson {
    pub(crate) fn new(command: &PersonCommand, splits: BTreeMap<Fingerprint, Sealed>, forward: Option<Sealed>) -> Self {
        Self { erasure: Erasure { sequence: command.sequence, at: command.occurred_at }, splits, forward }
    }

    /// What becomes of something that came to `person`, which this is what is left of, by `via`, and that the hub received
    /// at `received_at`.
    #[must_use]
    pub fn disposition(&self, person: PersonId, via: &Identifier, received_at: i64) -> Disposition {
        if let Some(person) = self.destination(via) {
            return Disposition::To(person);
        }
        match self.forward {
            Some(sealed) => Disposition::To(sealed.open_by_person(person)),
            None if self.erasure.covers(received_at) => Disposition::Erased,
            None => Disposition::To(self.erasure.successor(via)),
        }
    }

    /// The event for whom it belongs to, and a hint for the owner of its identifier, as
    /// [`MergeState::redirect`](crate::MergeState::redirect) gives them; `None` when it is erased.
    #[must_use]
    pub fn redirect(&self, event: &Resolved) -> Option<(Resolved, IdentifierCommand)> {
        match self.disposition(event.person_id, &event.via, event.touchpoint.received_at) {
            Disposition::Erased => None,
            Disposition::To(person) => {
                let (forwarded, hint) = forwarded(event, person);
                Some((forwarded, self.numbered(hint)))
            }
        }
    }

    /// A hint for the owner of `via`, by which something came to `person` that is now at `now`: with the touchpoint that is
    /// the evidence, when it occurred, and when the hub received it.
    #[must_use]
    pub fn hint(
        &self,
        via: &Identifier,
        person: PersonId,
        now: PersonId,
        evidence: (&str, i64, i64),
    ) -> IdentifierCommand {
        self.numbered(hint(via, person, now, evidence))
    }

    /// Who has come back is called so by the number of the erasure: the hint may reach the owner before the owner hears of
    /// that.
    fn numbered(&self, hint: IdentifierCommand) -> IdentifierCommand {
        let is_back = hint.person_id == self.erasure.successor(&hint.identifier);
        IdentifierCommand { sequence: if is_back { self.erasure.sequence } else { 0 }, ..hint }
    }

    /// The person to which what came by `via` was taken out, if it was.
    #[must_use]
    pub fn destination(&self, via: &Identifier) -> Option<PersonId> {
        self.splits.get(&Fingerprint::of(via)).map(|sealed| sealed.open(via))
    }

    /// What the service has to do about a command to the person that this is what is left of: a state that was on its way
    /// is sent on by one that was merged away, and sifted by one that was not.
    #[must_use]
    pub fn on_command(&self, command: PersonCommand) -> MergeAction {
        match command.kind {
            PersonCommandKind::Part | PersonCommandKind::Transfer => {}
            PersonCommandKind::Unsee => {
                let survivor = self.forward.map(|sealed| sealed.open_by_person(command.person_id));
                let person = command.identifiers.first().and_then(|via| self.destination(via)).or(survivor);
                return person
                    .map_or(MergeAction::None, |person_id| MergeAction::Send(PersonCommand { person_id, ..command }));
            }
            _ => return MergeAction::None, // A repeat: the sequencer names nobody whom it has erased.
        }
        match self.forward {
            Some(sealed) => {
                let survivor = sealed.open_by_person(command.person_id);
                MergeAction::Send(PersonCommand { person_id: survivor, ..command })
            }
            None if command.state.is_empty() => MergeAction::None,
            None => MergeAction::Sift(command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u128) -> PersonId {
        PersonId(Uuid::from_u128(number))
    }

    fn identifier(value: &str) -> Identifier {
        Identifier::new("email", value)
    }

    fn erase(at: PersonId) -> PersonCommand {
        PersonCommand {
            kind: PersonCommandKind::Erase,
            person_id: at,
            other_person_id: at,
            sequence: 9,
            occurred_at: 100,
            state: Vec::new(),
            pending: Vec::new(),
            done: Vec::new(),
            identifiers: Vec::new(),
        }
    }

    #[test]
    fn what_was_received_before_is_erased_and_what_comes_later_is_somebody_elses() {
        let gone = ErasedPerson::new(&erase(person(1)), BTreeMap::new(), None);
        assert_eq!(gone.disposition(person(1), &identifier("a"), 100), Disposition::Erased);
        let Disposition::To(next) = gone.disposition(person(1), &identifier("a"), 101) else {
            panic!("it is not erased")
        };
        assert_eq!(next, Erasure { sequence: 9, at: 100 }.successor(&identifier("a")));
        assert_ne!(next, Erasure { sequence: 10, at: 100 }.successor(&identifier("a")));
        assert_ne!(gone.disposition(person(1), &identifier("b"), 101), Disposition::To(next));
    }

    #[test]
    fn what_belongs_to_others_goes_on_and_nothing_that_is_kept_names_anybody() {
        let (gone, survivor, other) = (person(1), person(0xabc), person(0xdef));
        let splits = BTreeMap::from([(Fingerprint::of(&identifier("b")), Sealed::new(other, &identifier("b")))]);
        let left = ErasedPerson::new(&erase(gone), splits, Some(Sealed::under_person(survivor, gone)));
        assert_eq!(left.disposition(gone, &identifier("b"), 1), Disposition::To(other));
        assert_eq!(left.disposition(gone, &identifier("a"), 1), Disposition::To(survivor));
        let transfer = PersonCommand { kind: PersonCommandKind::Transfer, state: b"s".to_vec(), ..erase(gone) };
        let onward = MergeAction::Send(PersonCommand { person_id: survivor, ..transfer.clone() });
        assert_eq!(left.on_command(transfer), onward, "the survivor waits for it");
        assert_eq!(left.on_command(erase(gone)), MergeAction::None);
        let kept = serde_json::to_string(&left).expect("plain data");
        assert!(!kept.contains(&survivor.to_string()) && !kept.contains(&other.to_string()), "{kept}");
    }
}
