//! The merge sequencer: the one place that decides which persons become one.
//!
//! It keeps union-find over persons, and of each person what the rules go by: when it was first seen and which values it
//! has in the limited namespaces. One request is one decision and one transaction. The order of its input is the record
//! of all decisions: read again, it gives the same.
//!
//! It keeps the evidence of every merge that counts, so that one can be undone (`unmerge`): two identifiers that somebody
//! declares to be of two persons are held apart from then on, and a person that has both is cut where it would not have
//! been joined had this been known from the beginning.

mod erase;
mod history;
mod limits;
mod node;
mod reassign;
mod rekey;
mod sharing;
#[cfg(test)]
mod tests;
mod unmerge;

use std::sync::Arc;

use tributary_model::identity::{
    Alias, IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest,
    MergeRequestKind, MergeSide, PersonCommand, PersonCommandKind,
};
use tributary_model::{Erasure, Fingerprint, Identifier, PersonId};
use tributary_stream::{KeyedStore, OrderedStore, StateStore};
use uuid::Uuid;

use crate::output::Output;
use crate::rules::Rules;
use history::{Evidence, Merges};
use limits::broken_limit;
use node::{Node, Root};
use sharing::Sharing;

/// Names of the sequencer's stores, in order.
pub(crate) const SEQUENCER_STORES: [&str; 10] = [
    "persons",
    "sharing",
    "sequence",
    "evidence",
    "holds",
    "taken_out",
    "first_names",
    "names",
    "refused_by",
    "erased",
];
const SEQUENCER_VERSION: u8 = 4;

/// The sequencer of a realm.
#[derive(Debug)]
pub struct Sequencer {
    realm: Uuid,
    rules: Arc<Rules>,
    /// Persons that were ever named in a request.
    persons: KeyedStore<PersonId, Node>,
    /// Identifiers that were seen with more than one person.
    sharing: KeyedStore<Identifier, Sharing>,
    /// The number of the last merge.
    sequence: KeyedStore<(), i64>,
    /// The evidence of the merges that count.
    merges: Merges,
    /// Identifiers that are held apart, each pair both ways.
    holds: OrderedStore<Identifier, Identifier, ()>,
    /// Identifiers that were taken out of a person and have not come back to it.
    taken_out: OrderedStore<PersonId, Fingerprint, ()>,
    /// The first name of every identifier that is another's newer name.
    first_names: KeyedStore<Identifier, Identifier>,
    /// The newer names of identifiers.
    names: OrderedStore<Identifier, Identifier, ()>,
    /// Persons that identifiers were not linked to, with those identifiers.
    refused_by: OrderedStore<PersonId, Identifier, ()>,
    /// Identifiers whose person was erased.
    erased: KeyedStore<Fingerprint, Erasure>,
}

impl Sequencer {
    /// A sequencer that has decided nothing yet.
    #[must_use]
    pub fn new(realm: Uuid, rules: Arc<Rules>) -> Self {
        let [persons, sharing, sequence, evidence, holds, taken_out, first_names, names, refused_by, erased] =
            SEQUENCER_STORES;
        Self {
            realm,
            rules,
            persons: KeyedStore::new(persons, SEQUENCER_VERSION),
            sharing: KeyedStore::new(sharing, SEQUENCER_VERSION),
            sequence: KeyedStore::new(sequence, SEQUENCER_VERSION),
            merges: OrderedStore::new(evidence, SEQUENCER_VERSION),
            holds: OrderedStore::new(holds, SEQUENCER_VERSION),
            taken_out: OrderedStore::new(taken_out, SEQUENCER_VERSION),
            first_names: KeyedStore::new(first_names, SEQUENCER_VERSION),
            names: OrderedStore::new(names, SEQUENCER_VERSION),
            refused_by: OrderedStore::new(refused_by, SEQUENCER_VERSION),
            erased: KeyedStore::new(erased, SEQUENCER_VERSION),
        }
    }

    /// The state, for the runtime.
    pub fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![
            &mut self.persons,
            &mut self.sharing,
            &mut self.sequence,
            &mut self.merges,
            &mut self.holds,
            &mut self.taken_out,
            &mut self.first_names,
            &mut self.names,
            &mut self.refused_by,
            &mut self.erased,
        ]
    }

    /// Decides one request. Everything goes by the first names of identifiers; who asked hears of it under the name that
    /// was asked about.
    pub fn on_request(&mut self, request: &MergeRequest, out: &mut Vec<Output>) {
        let told = out.len();
        let named = self.by_first_names(request);
        if self.is_of_erased(&named) {
            return self.answer_about_erased(&named, out);
        }
        match request.kind {
            MergeRequestKind::Merge => self.on_merge(&named, out),
            MergeRequestKind::Unmerge => self.on_unmerge(&named, out),
            MergeRequestKind::Reassign => self.on_reassign(&named, out),
            MergeRequestKind::Rekey => self.on_rekey(&named, &request.right.identifier, out),
            MergeRequestKind::Erase => self.on_erase(&named, out),
        }
        readdress_labels(&mut out[told..], request, &named);
    }

    fn on_merge(&mut self, request: &MergeRequest, out: &mut Vec<Output>) {
        if request.by_hand.is_some() {
            self.lift_hold(&request.left.identifier, &request.right.identifier);
        }
        let left = self.root_of(&request.left);
        let right = self.root_of(&request.right);
        if left == right {
            return;
        }
        if let Some(identifier) = self.quarantined_side(request) {
            let reason = shared_reason(identifier);
            out.push(self.refusal(request, left, right, reason));
            return;
        }
        if let Some(identifier) = self.held_apart(left, right) {
            let reason = format!("hold:{}", identifier.namespace);
            out.push(self.refusal(request, left, right, reason));
            return;
        }
        match self.broken_rule(left, right) {
            Some(reason) => {
                out.push(self.refusal(request, left, right, reason));
                self.note_shared(request, &request.left.identifier, left, out, |sharing| sharing.refuse(right));
                self.note_shared(request, &request.right.identifier, right, out, |sharing| sharing.refuse(left));
            }
            None => self.merge(request, left, right, out),
        }
    }

    /// The person that `person` is now. Shortens the path it walked.
    pub fn resolve(&mut self, person: PersonId) -> PersonId {
        let mut root = person;
        let mut steps = 0;
        while let Some(Node::Merged(next)) = self.persons.get(&root) {
            root = *next;
            steps += 1;
        }
        let mut walked = person;
        while steps > 1 {
            let Some(Node::Merged(next)) = self.persons.get_mut(&walked) else { break };
            walked = std::mem::replace(next, root);
            steps -= 1;
        }
        root
    }

    /// The root of a side; one that is new is the person of that identifier alone. It goes by the identifier: what its
    /// owner says may be a person that it has been taken out of since.
    fn root_of(&mut self, side: &MergeSide) -> PersonId {
        let root = self.resolve(self.start_of(&side.identifier));
        match self.persons.get(&root) {
            Some(Node::Root(known)) if known.first_seen_at <= side.first_seen_at => {}
            Some(_) => {
                if let Some(Node::Root(known)) = self.persons.get_mut(&root) {
                    known.first_seen_at = side.first_seen_at;
                }
            }
            None => {
                let is_limited = self.rules.namespace(&side.identifier.namespace).limit.is_some();
                let node = Node::Root(Box::new(Root::singleton(&side.identifier, side.first_seen_at, is_limited)));
                self.persons.insert(root, node);
            }
        }
        root
    }

    fn root(&self, person: PersonId) -> Option<&Root> {
        match self.persons.get(&person) {
            Some(Node::Root(root)) => Some(root),
            _ => None,
        }
    }

    fn quarantined_side<'a>(&self, request: &'a MergeRequest) -> Option<&'a Identifier> {
        let sides = [&request.left.identifier, &request.right.identifier];
        sides.into_iter().find(|identifier| self.sharing.get(identifier).is_some_and(Sharing::is_quarantined))
    }

    /// The rule that the union would break, the one of highest priority first.
    fn broken_rule(&self, left: PersonId, right: PersonId) -> Option<String> {
        let (left, right) = (self.root(left)?, self.root(right)?);
        broken_limit(&self.rules, left, right)
    }

    fn merge(&mut self, request: &MergeRequest, left: PersonId, right: PersonId, out: &mut Vec<Output>) {
        let (winner, loser) = self.by_age(left, right);
        let was_alone = |person: PersonId| self.root(person).is_some_and(Root::is_singleton);
        let (left_alone, right_alone) = (was_alone(left), was_alone(right));
        let evidence = Evidence::new(request, loser, !right_alone);
        let Some(sequence) = self.join(request, (winner, loser), evidence, out) else { return };
        for side in [&request.left, &request.right] {
            if side.person_id != winner {
                out.push(self.label(side, winner, request));
            }
        }
        self.report_merge(request, (winner, loser), (left_alone, right_alone), sequence, out);
        // An identifier is shared when it joins others to a person that it already belongs to; the one that leads an
        // event, or that had no person but its own, is not.
        if !right_alone {
            self.note_shared(request, &request.right.identifier, winner, out, Sharing::join);
        }
    }

    /// The older of two persons, then the other.
    fn by_age(&self, left: PersonId, right: PersonId) -> (PersonId, PersonId) {
        let age = |person: PersonId| (self.root(person).map(|root| root.first_seen_at), person);
        if age(left) <= age(right) { (left, right) } else { (right, left) }
    }

    /// Makes two persons one, and tells them; gives the number of the merge.
    fn join(
        &mut self,
        request: &MergeRequest,
        (winner, loser): (PersonId, PersonId),
        evidence: Evidence,
        out: &mut Vec<Output>,
    ) -> Option<i64> {
        let Some(Node::Root(lost)) = self.persons.get(&loser).cloned() else { return None };
        self.persons.insert(loser, Node::Merged(winner));
        if let Some(Node::Root(kept)) = self.persons.get_mut(&winner) {
            kept.absorb(*lost);
        }
        let sequence = self.next_sequence();
        self.merges.insert(&winner, sequence, evidence);
        self.forget_taken_out(loser);
        let returned = self.take_back(winner, loser, request);
        out.push(Output::Alias(Alias { loser, winner, sequence }));
        out.push(Output::Person(person_command(PersonCommandKind::Out, loser, winner, sequence, request)));
        self.tell_what_stays_erased(winner, &returned, request, out);
        let arrival = person_command(PersonCommandKind::In, winner, loser, sequence, request);
        out.push(Output::Person(PersonCommand { identifiers: returned, ..arrival }));
        Some(sequence)
    }

    /// Tells the owner of a side who its person is now, and after which erasure: its owner may have said this before it heard
    /// of that, and known nothing of the identifier since.
    fn label(&self, side: &MergeSide, winner: PersonId, request: &MergeRequest) -> Output {
        let command = identifier_command(IdentifierCommandKind::Label, &side.identifier, winner, request);
        let sequence = self.erasure_of(&side.identifier).map_or(0, |erasure| erasure.sequence);
        Output::Identifier(IdentifierCommand { previous_person_id: Some(side.person_id), sequence, ..command })
    }

    fn report_merge(
        &self,
        request: &MergeRequest,
        (winner, loser): (PersonId, PersonId),
        (left_alone, right_alone): (bool, bool),
        sequence: i64,
        out: &mut Vec<Output>,
    ) {
        let (left, right) = (&request.left.identifier, &request.right.identifier);
        out.push(Output::Change(IdentityChange {
            other_person_id: Some(loser),
            identifiers: vec![left.clone(), right.clone()],
            sequence: Some(sequence),
            reason: request.by_hand.clone(),
            ..self.change(IdentityChangeKind::Merged, request, winner)
        }));
        let linked = [(left, left_alone), (right, right_alone)].into_iter().filter(|(_, alone)| *alone);
        let linked: Vec<Identifier> = linked.map(|(identifier, _)| identifier.clone()).collect();
        if !linked.is_empty() {
            out.push(Output::Change(IdentityChange {
                identifiers: linked,
                sequence: Some(sequence),
                ..self.change(IdentityChangeKind::Linked, request, winner)
            }));
        }
    }

    fn next_sequence(&mut self) -> i64 {
        let last = self.sequence.get_or_insert_with(&(), || 0);
        *last += 1;
        *last
    }

    /// Counts with how many persons an identifier was seen, and quarantines it when these are too many. Values of a
    /// unique namespace name one person by definition and are never shared.
    fn note_shared(
        &mut self,
        request: &MergeRequest,
        identifier: &Identifier,
        person: PersonId,
        out: &mut Vec<Output>,
        note: impl FnOnce(&mut Sharing),
    ) {
        let rule = *self.rules.namespace(&identifier.namespace);
        if rule.unique {
            return;
        }
        let before = self.sharing.get(identifier).cloned().unwrap_or_default();
        let mut sharing = before.clone();
        note(&mut sharing);
        sharing.resolve_refused(|refused| self.resolve(refused));
        let is_shared = sharing.person_count() > rule.max_persons;
        let after = if is_shared { Sharing::quarantined() } else { sharing };
        self.note_refused(identifier, &before, &after);
        self.sharing.insert(identifier.clone(), after);
        if is_shared {
            out.push(quarantine(identifier, person, request));
            let names = self.names.list(identifier).map(|(name, ())| quarantine(name, person, request));
            out.extend(names);
            out.push(Output::Change(IdentityChange {
                identifiers: vec![identifier.clone()],
                reason: Some(shared_reason(identifier)),
                ..self.change(IdentityChangeKind::Quarantined, request, person)
            }));
        }
    }

    fn refusal(&self, request: &MergeRequest, left: PersonId, right: PersonId, reason: String) -> Output {
        Output::Change(IdentityChange {
            other_person_id: Some(right),
            identifiers: vec![request.left.identifier.clone(), request.right.identifier.clone()],
            reason: Some(reason),
            ..self.change(IdentityChangeKind::Refused, request, left)
        })
    }

    fn change(&self, kind: IdentityChangeKind, request: &MergeRequest, person_id: PersonId) -> IdentityChange {
        IdentityChange {
            kind,
            person_id,
            other_person_id: None,
            identifiers: Vec::new(),
            reason: None,
            touchpoint_id: request.touchpoint_id.clone(),
            occurred_at: request.occurred_at,
            rule_version: self.rules.version().to_owned(),
            sequence: None,
            undoes: None,
        }
    }
}

fn shared_reason(identifier: &Identifier) -> String {
    format!("shared:{}", identifier.namespace)
}

fn person_command(
    kind: PersonCommandKind,
    person_id: PersonId,
    other_person_id: PersonId,
    sequence: i64,
    request: &MergeRequest,
) -> PersonCommand {
    PersonCommand {
        kind,
        person_id,
        other_person_id,
        sequence,
        occurred_at: request.occurred_at,
        state: Vec::new(),
        pending: Vec::new(),
        done: Vec::new(),
        identifiers: Vec::new(),
    }
}

fn identifier_command(
    kind: IdentifierCommandKind,
    identifier: &Identifier,
    person_id: PersonId,
    request: &MergeRequest,
) -> IdentifierCommand {
    IdentifierCommand {
        kind,
        identifier: identifier.clone(),
        person_id,
        first_seen_at: request.occurred_at,
        with: None,
        then: Vec::new(),
        previous_person_id: None,
        touchpoint_id: request.touchpoint_id.clone(),
        occurred_at: request.occurred_at,
        by_hand: None,
        from: None,
        received_at: request.received_at,
        sequence: 0,
    }
}

/// Labels answer what the owner of a name said: they go to that name, which has not come back with the first one.
fn readdress_labels(told: &mut [Output], request: &MergeRequest, named: &MergeRequest) {
    for (asked, first) in [(&request.left, &named.left), (&request.right, &named.right)] {
        if asked.identifier == first.identifier {
            continue;
        }
        for output in told.iter_mut() {
            if let Output::Identifier(command) = output
                && command.kind == IdentifierCommandKind::Label
                && command.identifier == first.identifier
            {
                command.identifier = asked.identifier.clone();
                command.sequence = 0;
            }
        }
    }
}

fn quarantine(identifier: &Identifier, person: PersonId, request: &MergeRequest) -> Output {
    Output::Identifier(identifier_command(IdentifierCommandKind::Quarantine, identifier, person, request))
}
