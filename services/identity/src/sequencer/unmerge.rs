//! Undoing a merge, and holding apart what somebody says is not one.

use tributary_model::identity::{
    Alias, IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest, PersonCommand,
    PersonCommandKind,
};
use tributary_model::{Fingerprint, Identifier, PersonId};

use super::history::{Component, Part};
use super::node::Node;
use super::{Sequencer, identifier_command, person_command};
use crate::output::Output;

/// The namespace of the stand-in identifier after which a person is called that was taken out of another: by the number
/// of the split, so that no person ever had its name.
const SPLIT_NAMESPACE: &str = "tributary:split";
/// So many identifiers at most are taken out of a person at once: they go in one record.
const MAX_TAKEN: usize = 5_000;

/// A person in two parts.
pub(super) struct Cut {
    component: Component,
    /// The number of the merge that is undone.
    undone: i64,
    /// The identifier that it counted as shared.
    shared: Option<Identifier>,
    kept: Part,
    taken: Part,
}

impl Cut {
    /// The part that has this identifier.
    pub(super) fn part_of(&self, identifier: &Identifier) -> &Part {
        if self.taken.identifiers.contains_key(identifier) { &self.taken } else { &self.kept }
    }

    /// Why it cannot be made.
    pub(super) fn refusal(&self) -> Option<String> {
        let count = self.taken.identifiers.len();
        (count > MAX_TAKEN).then(|| format!("too_many:{count}"))
    }
}

impl Sequencer {
    /// Two identifiers are of two persons: they are held apart from now on, and if they are of one, it is cut.
    pub(super) fn on_unmerge(&mut self, request: &MergeRequest, out: &mut Vec<Output>) {
        let (left, right) = (&request.left.identifier, &request.right.identifier);
        let (left_root, right_root) = (self.root_of(&request.left), self.root_of(&request.right));
        if left == right {
            out.push(self.refusal(request, left_root, right_root, format!("same:{}", left.namespace)));
            return;
        }
        let cut = if left_root == right_root { self.cut(left_root, left, right) } else { None };
        if let Some(reason) = cut.as_ref().and_then(Cut::refusal) {
            out.push(self.refusal(request, left_root, right_root, reason));
            return;
        }
        self.hold(left, left_root, right);
        self.hold(right, right_root, left);
        match cut {
            Some(cut) => self.split(request, left_root, cut, out),
            None => out.push(self.unmerged(request, left_root, right_root)),
        }
    }

    fn hold(&mut self, identifier: &Identifier, root: PersonId, other: &Identifier) {
        self.holds.insert(identifier, other.clone(), ());
        if let Some(Node::Root(root)) = self.persons.get_mut(&root) {
            root.hold(identifier);
        }
    }

    /// Somebody says that these two are one after all.
    pub(super) fn lift_hold(&mut self, left: &Identifier, right: &Identifier) {
        self.holds.remove(left, right);
        self.holds.remove(right, left);
    }

    /// An identifier of `left` that is held apart from one of `right`.
    pub(super) fn held_apart(&mut self, left: PersonId, right: PersonId) -> Option<Identifier> {
        let held: Vec<Identifier> = self.root(left)?.held().cloned().collect();
        self.held_from(held, right, None)
    }

    /// One of these identifiers that is held apart from one of `right`, of this pair aside.
    pub(super) fn held_from(
        &mut self,
        held: Vec<Identifier>,
        right: PersonId,
        aside: Option<(&Identifier, &Identifier)>,
    ) -> Option<Identifier> {
        held.into_iter().find(|identifier| {
            let others = self.holds.list(identifier).map(|(other, ())| other.clone());
            let others: Vec<Identifier> = others.filter(|other| aside != Some((identifier, other))).collect();
            others.iter().any(|other| self.resolve(self.start_of(other)) == right)
        })
    }

    /// How a person is cut between two of its identifiers.
    pub(super) fn cut(&self, person: PersonId, left: &Identifier, right: &Identifier) -> Option<Cut> {
        let component = Component::of(&self.merges, person);
        let (undone, evidence) = component.cut(left, right)?;
        let shared = evidence.is_join.then(|| evidence.right.0.clone());
        let (one, other) = component.parts(undone, evidence);
        let first = self.root(person)?.named_after(person);
        let keeps_name = |part: &Part| match first {
            Some(first) => part.identifiers.contains_key(first),
            None => part.identifiers.keys().any(|identifier| self.start_of(identifier) == person),
        };
        let (kept, taken) = if keeps_name(&one) { (one, other) } else { (other, one) };
        Some(Cut { component, undone, shared, kept, taken })
    }

    /// Takes the identifiers that are not of the part that keeps the name out of `person`.
    fn split(&mut self, request: &MergeRequest, person: PersonId, cut: Cut, out: &mut Vec<Output>) {
        let Cut { component, undone, shared, kept, taken } = cut;
        let Some(Node::Root(before)) = self.persons.get(&person).cloned() else { return };
        if let Some(sharing) = shared.and_then(|shared| self.sharing.get_mut(&shared)) {
            sharing.part();
        }
        let sequence = self.next_sequence();
        let new = PersonId::of(&self.realm, &Identifier::new(SPLIT_NAMESPACE, sequence.to_string()));
        component.remove_from(&mut self.merges);
        kept.note_under(person, &mut self.merges);
        taken.note_under(new, &mut self.merges);
        let reduced = |part: &Part| before.reduced_to(&part.identifiers, self.value_count(part.identifiers.keys()));
        let (kept_root, mut root) = (reduced(&kept), reduced(&taken));
        let oldest = taken.identifiers.iter().min_by_key(|(identifier, seen_at)| (*seen_at, *identifier));
        if let Some((oldest, _)) = oldest {
            root.name(new, oldest);
        }
        for (part, root, now) in [(&kept, kept_root, person), (&taken, root, new)] {
            let own = part.identifiers.keys().map(|identifier| self.start_of(identifier));
            let merged: Vec<PersonId> = own.chain(root.names()).filter(|member| *member != now).collect();
            for loser in merged {
                self.persons.insert(loser, Node::Merged(now));
                out.push(Output::Alias(Alias { loser, winner: now, sequence }));
            }
            self.persons.insert(now, Node::Root(Box::new(root)));
        }
        for identifier in taken.identifiers.keys() {
            self.taken_out.insert(&person, Fingerprint::of(identifier), ());
        }
        tell(request, (person, new), sequence, &taken, out);
        relabel(request, person, &kept, out);
        let change = self.unmerged_change(request, person, new);
        out.push(Output::Change(IdentityChange { sequence: Some(sequence), undoes: Some(undone), ..change }));
    }

    /// `person` is merged away, or erased: nothing comes back to it.
    pub(super) fn forget_taken_out(&mut self, person: PersonId) {
        let taken_out: Vec<Fingerprint> = self.taken_out.list(&person).map(|(identifier, ())| *identifier).collect();
        for identifier in taken_out {
            self.taken_out.remove(&person, &identifier);
        }
    }

    /// Identifiers that were taken out of `person` and are its own again, now that `loser` has become part of it by the
    /// evidence of `request`.
    pub(super) fn take_back(&mut self, person: PersonId, loser: PersonId, request: &MergeRequest) -> Vec<Identifier> {
        if self.taken_out.list_len(&person) == 0 {
            return Vec::new();
        }
        let mut returned = Component::of(&self.merges, loser).identifiers();
        // One of these is the loser's, which may have been seen with nobody before; the other is nothing that was taken out.
        returned.extend([&request.left, &request.right].map(|side| side.identifier.clone()));
        returned.retain(|identifier| self.taken_out.remove(&person, &Fingerprint::of(identifier)).is_some());
        returned.into_iter().collect()
    }

    fn unmerged(&self, request: &MergeRequest, left: PersonId, right: PersonId) -> Output {
        Output::Change(self.unmerged_change(request, left, right))
    }

    fn unmerged_change(&self, request: &MergeRequest, person_id: PersonId, other: PersonId) -> IdentityChange {
        IdentityChange {
            other_person_id: Some(other),
            identifiers: vec![request.left.identifier.clone(), request.right.identifier.clone()],
            reason: request.by_hand.clone(),
            ..self.change(IdentityChangeKind::Unmerged, request, person_id)
        }
    }
}

/// Tells the owners of the identifiers that stay whose they are. They may still call their person by the name of one of
/// those that are the other's now, which would be a trace of it when the other is erased.
fn relabel(request: &MergeRequest, person: PersonId, kept: &Part, out: &mut Vec<Output>) {
    for identifier in kept.identifiers.keys().take(MAX_TAKEN) {
        let label = identifier_command(IdentifierCommandKind::Label, identifier, person, request);
        out.push(Output::Identifier(label));
    }
}

/// Tells the two persons and the owners of the identifiers that were taken out.
fn tell(
    request: &MergeRequest,
    (person, new): (PersonId, PersonId),
    sequence: i64,
    taken: &Part,
    out: &mut Vec<Output>,
) {
    let split = person_command(PersonCommandKind::Split, person, new, sequence, request);
    let identifiers = taken.identifiers.keys().cloned().collect();
    out.push(Output::Person(PersonCommand { identifiers, ..split }));
    out.push(Output::Person(person_command(PersonCommandKind::In, new, person, sequence, request)));
    for identifier in taken.identifiers.keys() {
        let command = identifier_command(IdentifierCommandKind::Move, identifier, new, request);
        out.push(Output::Identifier(IdentifierCommand { previous_person_id: Some(person), ..command }));
    }
}
