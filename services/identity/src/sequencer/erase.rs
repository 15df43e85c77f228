//! Erasing a person: the sequencer knows everything that it ever was.

use std::collections::BTreeSet;

use tributary_model::identity::{
    IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest, MergeRequestKind,
    PersonCommand, PersonCommandKind,
};
use tributary_model::{Erasure, Fingerprint, Identifier, PersonId};
use tributary_stream::StateStore;

use super::history::Component;
use super::node::Root;
use super::sharing::Sharing;
use super::{Sequencer, identifier_command, person_command};
use crate::output::Output;

impl Sequencer {
    /// The person as which an identifier starts: after an erasure that of the erasure, which nobody ever was.
    pub(super) fn start_of(&self, identifier: &Identifier) -> PersonId {
        match self.erasure_of(identifier) {
            Some(erasure) => erasure.successor(identifier),
            None => PersonId::of(&self.realm, identifier),
        }
    }

    pub(super) fn erasure_of(&self, identifier: &Identifier) -> Option<Erasure> {
        if self.erased.is_empty() {
            return None;
        }
        self.erased.get(&Fingerprint::of(identifier)).copied()
    }

    /// True for evidence of somebody who has been erased since it was received.
    pub(super) fn is_of_erased(&self, request: &MergeRequest) -> bool {
        let is_covered =
            |identifier| self.erasure_of(identifier).is_some_and(|erasure| erasure.covers(request.received_at));
        let sides = [Some(&request.left), Some(&request.right), request.from.as_ref()];
        sides.into_iter().flatten().any(|side| is_covered(&side.identifier))
    }

    /// Who asked by hand waits for an answer. It names nobody.
    pub(super) fn answer_about_erased(&self, request: &MergeRequest, out: &mut Vec<Output>) {
        if request.by_hand.is_some() {
            let nobody = self.start_of(&request.left.identifier);
            out.push(Output::Change(IdentityChange {
                reason: Some("erased".to_owned()),
                ..self.change(IdentityChangeKind::Refused, request, nobody)
            }));
        }
    }

    /// Forgets the person of an identifier, with all its identifiers and everybody who ever became part of it, and tells
    /// everybody who knows of them to do the same.
    pub(super) fn on_erase(&mut self, request: &MergeRequest, out: &mut Vec<Output>) {
        debug_assert_eq!(request.kind, MergeRequestKind::Erase);
        let asked = &request.left.identifier;
        let person = self.resolve(self.start_of(asked));
        let component = Component::of(&self.merges, person);
        let mut identifiers = component.identifiers();
        identifiers.insert(asked.clone());
        let names = |identifier| self.names.list(identifier).map(|(name, ())| name.clone());
        let names: Vec<Identifier> = identifiers.iter().flat_map(names).collect();
        identifiers.extend(names);
        let mut persons: BTreeSet<PersonId> = identifiers.iter().map(|identifier| self.start_of(identifier)).collect();
        persons.extend(self.root(person).into_iter().flat_map(Root::names));
        persons.insert(person);

        let sequence = self.next_sequence();
        component.remove_from(&mut self.merges);
        for member in &persons {
            self.forget_person(*member, &persons);
            if *member != person {
                out.push(Output::Unalias(*member));
            }
            let erase = person_command(PersonCommandKind::Erase, *member, *member, sequence, request);
            out.push(Output::Person(PersonCommand { occurred_at: request.received_at, ..erase }));
        }
        for identifier in &identifiers {
            self.forget_identifier(identifier);
            self.erased.insert(Fingerprint::of(identifier), Erasure { sequence, at: request.received_at });
            let forget = identifier_command(IdentifierCommandKind::Forget, identifier, person, request);
            out.push(Output::Identifier(IdentifierCommand { sequence, ..forget }));
        }
        out.push(Output::Change(IdentityChange {
            sequence: Some(sequence),
            reason: request.by_hand.clone(),
            ..self.change(IdentityChangeKind::Erased, request, person)
        }));
    }

    /// Identifiers that were taken out of `winner` come back to it after an erasure. What was received by them before the
    /// erasure, and is still on its way through the person that they were taken out of, does not.
    pub(super) fn tell_what_stays_erased(
        &self,
        winner: PersonId,
        returned: &[Identifier],
        request: &MergeRequest,
        out: &mut Vec<Output>,
    ) {
        for identifier in returned {
            let Some(erasure) = self.erasure_of(identifier) else { continue };
            let unsee = person_command(PersonCommandKind::Unsee, winner, winner, erasure.sequence, request);
            let identifiers = vec![identifier.clone(), identifier.clone()];
            out.push(Output::Person(PersonCommand { identifiers, occurred_at: erasure.at, ..unsee }));
        }
    }

    /// Forgets a person, also where others were not linked to it.
    fn forget_person(&mut self, person: PersonId, all: &BTreeSet<PersonId>) {
        self.persons.remove(&person);
        self.forget_taken_out(person);
        let refused_by: Vec<Identifier> = self.refused_by.list(&person).map(|(one, ())| one.clone()).collect();
        for identifier in refused_by {
            self.refused_by.remove(&person, &identifier);
            if let Some(sharing) = self.sharing.get_mut(&identifier) {
                all.iter().for_each(|gone| sharing.forget(*gone));
            }
        }
    }

    fn forget_identifier(&mut self, identifier: &Identifier) {
        if let Some(sharing) = self.sharing.remove(identifier) {
            self.note_refused(identifier, &sharing, &Sharing::default());
        }
        let others: Vec<Identifier> = self.holds.list(identifier).map(|(other, ())| other.clone()).collect();
        for other in others {
            self.lift_hold(identifier, &other);
        }
        if let Some(first) = self.first_names.remove(identifier) {
            self.names.remove(&first, identifier);
        }
        let names: Vec<Identifier> = self.names.list(identifier).map(|(name, ())| name.clone()).collect();
        for name in names {
            self.names.remove(identifier, &name);
            self.first_names.remove(&name);
        }
    }

    /// Keeps for each person by whom it was refused.
    pub(super) fn note_refused(&mut self, identifier: &Identifier, before: &Sharing, after: &Sharing) {
        for person in before.refused().difference(after.refused()) {
            self.refused_by.remove(person, identifier);
        }
        for person in after.refused().difference(before.refused()) {
            self.refused_by.insert(person, identifier.clone(), ());
        }
    }
}
