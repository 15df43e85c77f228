//! Identifiers that have a second name: the pseudonym of the same value under a newer key.
//!
//! Every value keeps its first name in here. Limits, sharing and holds go by it, so that a rotation of keys is invisible to
//! the rules; evidence under a newer name is taken as if it had come under the first. A newer name begins as an alias of
//! the person of the first and is moved with it.

use std::borrow::Cow;

use tributary_model::identity::{
    IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest, MergeSide,
};
use tributary_model::{Identifier, PersonId};

use super::history::Evidence;
use super::node::{Node, Root};
use super::sharing::Sharing;
use super::{Sequencer, identifier_command, quarantine};
use crate::output::Output;

impl Sequencer {
    fn first_name(&self, identifier: &Identifier) -> Identifier {
        self.first_names.get(identifier).unwrap_or(identifier).clone()
    }

    /// The same request by the first names of its identifiers.
    pub(super) fn by_first_names<'r>(&self, request: &'r MergeRequest) -> Cow<'r, MergeRequest> {
        let mut sides = [&request.left, &request.right].into_iter().chain(&request.from);
        if sides.all(|side| self.first_names.get(&side.identifier).is_none()) {
            return Cow::Borrowed(request);
        }
        let side = |side: &MergeSide| MergeSide { identifier: self.first_name(&side.identifier), ..side.clone() };
        let (left, right, from) = (side(&request.left), side(&request.right), request.from.as_ref().map(side));
        Cow::Owned(MergeRequest { left, right, from, ..request.clone() })
    }

    /// `name` is another name of the left identifier. Where events under it came before this, it has a person already: the
    /// two are one unless a rule forbids it, and then the name stays with the person that it has.
    pub(super) fn on_rekey(&mut self, request: &MergeRequest, name: &Identifier, out: &mut Vec<Output>) {
        let first = &request.left.identifier;
        if self.first_names.get(name).is_some() || first == name {
            return;
        }
        let own = self.start_of(name);
        let is_new = self.persons.get(&own).is_none();
        let left = if is_new {
            // The rules are to know of the value when there is evidence about it, and not by this.
            self.persons.insert(own, Node::Root(Box::new(Root::another_name(request.left.first_seen_at))));
            self.resolve(self.start_of(first))
        } else {
            self.root_of(&request.left)
        };
        let right = self.resolve(own);
        let before = self.persons.get(&right).cloned();
        if let Some(Node::Root(root)) = self.persons.get_mut(&right) {
            root.rename(name);
        }
        if left != right {
            let held = self.held_apart(left, right).map(|held| format!("hold:{}", held.namespace));
            if let Some(reason) = held.or_else(|| self.broken_rule(left, right)) {
                if let Some(before) = before {
                    self.persons.insert(right, before);
                }
                out.push(self.refusal(request, left, right, reason));
                return;
            }
        }
        self.first_names.insert(name.clone(), first.clone());
        self.names.insert(first, name.clone(), ());
        let (winner, loser) = if is_new { (left, right) } else { self.by_age(left, right) };
        let evidence = Evidence::other_name(&request.left, name, loser);
        let sequence = if left == right { None } else { self.join(request, (winner, loser), evidence, out) };
        let command = identifier_command(IdentifierCommandKind::Rekeyed, name, winner, request);
        let first_seen_at = request.left.first_seen_at;
        out.push(Output::Identifier(IdentifierCommand { previous_person_id: Some(own), first_seen_at, ..command }));
        self.share_quarantine(first, name, winner, request, out);
        if sequence.is_some() {
            out.push(Output::Change(IdentityChange {
                other_person_id: Some(loser),
                identifiers: vec![first.clone(), name.clone()],
                sequence,
                ..self.change(IdentityChangeKind::Rekeyed, request, winner)
            }));
        }
    }

    /// A value that links no more does not link under another name either.
    fn share_quarantine(
        &mut self,
        first: &Identifier,
        name: &Identifier,
        person: PersonId,
        request: &MergeRequest,
        out: &mut Vec<Output>,
    ) {
        let is_quarantined = |sequencer: &Self, identifier: &Identifier| {
            sequencer.sharing.get(identifier).is_some_and(Sharing::is_quarantined)
        };
        match (is_quarantined(self, first), is_quarantined(self, name)) {
            (true, false) => out.push(quarantine(name, person, request)),
            (false, true) => {
                let before = self.sharing.get(first).cloned().unwrap_or_default();
                let after = Sharing::quarantined();
                self.note_refused(first, &before, &after);
                self.sharing.insert(first.clone(), after);
                out.push(quarantine(first, person, request));
            }
            _ => {}
        }
    }

    /// How many of these are values, and not other names of values.
    pub(super) fn value_count<'a>(&self, identifiers: impl Iterator<Item = &'a Identifier>) -> usize {
        identifiers.filter(|identifier| self.first_names.get(identifier).is_none()).count()
    }
}
