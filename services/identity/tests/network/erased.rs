//! What has to hold of those who were erased.

use std::collections::{BTreeMap, BTreeSet};

use tributary_identity::Output;
use tributary_model::identity::{IdentifierCommandKind, MergeRequest, MergeRequestKind, PersonCommandKind};
use tributary_model::{Identifier, PersonId, Touchpoint};
use tributary_stream::StateStore;

use super::{Network, REALM, Task};

impl Network {
    /// Identifiers that were erased, each with the last instant up to which.
    pub(crate) fn erased(&self) -> BTreeMap<Identifier, i64> {
        let mut erased = BTreeMap::new();
        for output in &self.merge_outputs {
            if let Output::Identifier(command) = output
                && command.kind == IdentifierCommandKind::Forget
            {
                erased.insert(command.identifier.clone(), command.received_at);
            }
        }
        erased
    }

    /// Persons that were erased.
    fn erased_persons(&self) -> BTreeSet<PersonId> {
        let persons = self.merge_outputs.iter().filter_map(|output| match output {
            Output::Person(command) if command.kind == PersonCommandKind::Erase => Some(command.person_id),
            _ => None,
        });
        persons.collect()
    }

    /// What is wrong after erasures: what was received before stands nowhere, everything else once, with the person of the
    /// identifier it came by, and nothing that anybody keeps names who was erased.
    pub(crate) fn erasure_violations(&mut self, touchpoints: &[Touchpoint]) -> Vec<String> {
        let mut found = std::mem::take(&mut self.watch.violations);
        found.retain(|violation| !violation.contains("twice"));
        let erased = self.erased();
        let mut places: BTreeMap<String, Vec<PersonId>> = BTreeMap::new();
        for task in &self.persons {
            task.store.for_each(|id, person| {
                if person.merge.is_pending() {
                    found.push(format!("{id} waits for a state that never came"));
                }
                for (event, came) in &person.events {
                    let via = &came.via;
                    if self.person_of(via) != *id {
                        found.push(format!("{event} by {via} is at {id} and not at {}", self.person_of(via)));
                    }
                    places.entry(event.clone()).or_default().push(*id);
                }
            });
        }
        for touchpoint in touchpoints {
            let (id, first) = (&touchpoint.touchpoint_id, &touchpoint.identifiers[0]);
            let is_erased = erased.get(first).is_some_and(|at| touchpoint.received_at <= *at);
            let count = places.get(id).map_or(0, Vec::len);
            if count != usize::from(!is_erased) {
                found.push(format!("{id} by {first} is there {count} times, erased: {is_erased}"));
            }
        }
        let is_back = |identifier: &Identifier, at: i64| {
            let names = |touchpoint: &&Touchpoint| touchpoint.identifiers.contains(identifier);
            touchpoints.iter().filter(names).any(|touchpoint| touchpoint.received_at > at)
                || self.merge_log.iter().filter(|request| request.by_hand.is_some()).any(|request| {
                    let sides = [Some(&request.left), Some(&request.right), request.from.as_ref()];
                    request.received_at > at && sides.into_iter().flatten().any(|side| side.identifier == *identifier)
                })
        };
        let mut needles: Vec<String> = self.erased_persons().iter().map(ToString::to_string).collect();
        for (identifier, at) in &erased {
            if !is_back(identifier, *at) {
                needles.push(identifier.value.to_string());
            }
        }
        found.extend(self.traces(&needles));
        for person in self.erased_persons() {
            let is_start = erased.keys().any(|identifier| PersonId::of(&REALM, identifier) == person);
            if self.aliases.resolve(person) != person && !is_start {
                found.push(format!("{person} still has an alias"));
            }
        }
        found
    }

    /// Where these texts stand in what is kept.
    fn traces(&mut self, needles: &[String]) -> Vec<String> {
        let owners = (0..self.owners.len()).map(Task::Owner);
        let persons = (0..self.persons.len()).map(Task::Person);
        let tasks: Vec<Task> = owners.chain(persons).chain([Task::Sequencer]).collect();
        let mut found = Vec::new();
        for task in tasks {
            for store in self.stores(task) {
                let name = store.name();
                for (key, value) in entries(store) {
                    for needle in needles {
                        if contains(&key, needle) || contains(&value, needle) {
                            let value = String::from_utf8_lossy(&value).into_owned();
                            found.push(format!("{needle} is in {name} of {task:?}: {value}"));
                        }
                    }
                }
            }
        }
        found
    }
}

fn entries(store: &mut dyn StateStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    store.begin_walk();
    while !store.walk(64, &mut |key, value| entries.push((key.to_vec(), value.to_vec()))) {}
    entries
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// What a batch makes of the evidence when everybody who is erased at its end is left out of what was received before.
pub(crate) fn without_erased(
    touchpoints: &[Touchpoint],
    log: &[MergeRequest],
    erased: &BTreeMap<Identifier, i64>,
) -> BTreeSet<BTreeSet<Identifier>> {
    let is_gone =
        |identifier: &Identifier, received_at: i64| erased.get(identifier).is_some_and(|at| received_at <= *at);
    let mut edges: Vec<Vec<&Identifier>> = Vec::new();
    for touchpoint in touchpoints {
        let stays = |identifier: &&Identifier| !is_gone(identifier, touchpoint.received_at);
        if touchpoint.identifiers.first().is_some_and(|first| stays(&first)) {
            edges.push(touchpoint.identifiers.iter().filter(stays).collect());
        }
    }
    for request in log.iter().filter(|request| request.kind == MergeRequestKind::Merge && request.by_hand.is_some()) {
        edges.push(vec![&request.left.identifier, &request.right.identifier]);
    }
    let mut groups: Vec<BTreeSet<Identifier>> = Vec::new();
    for named in edges {
        let mut group: BTreeSet<Identifier> = named.into_iter().cloned().collect();
        groups.retain(|other| {
            let is_apart = other.is_disjoint(&group);
            if !is_apart {
                group.extend(other.iter().cloned());
            }
            is_apart
        });
        groups.push(group);
    }
    groups.into_iter().collect()
}
