//! The persons' side of the network: the smallest service that keeps something of a person, a set of events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_identity::Output;
use tributary_model::identity::{PersonCommand, PersonCommandKind, Resolved};
use tributary_model::merge::{part_for, part_of};
use tributary_model::{Identifier, MergeAction, MergeState, PersonId};
use tributary_stream::{KeyedStore, StateStore};

/// A fault that is built in on purpose, to show that the checks would see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// The protocol as it is.
    None,
    /// An event at a tombstone is dropped instead of forwarded.
    DropAtTombstone,
    /// A person without events sends no transfer.
    NoEmptyTransfer,
    /// A state that arrives at a tombstone stays there.
    KeepTransferAtTombstone,
}

/// Touchpoint ids, each with the identifier by which it came.
type Events = BTreeMap<String, Identifier>;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) merge: MergeState,
    pub(crate) events: Events,
}

impl Person {
    /// Sends those of the events that came by identifiers that were taken out to whom they belong; gives the others.
    fn send_on(&self, command: &PersonCommand, events: Events, out: &mut Vec<Output>) -> Events {
        let mut own = Events::new();
        let mut others: BTreeMap<PersonId, Events> = BTreeMap::new();
        for (id, via) in events {
            match self.merge.destination(&via) {
                Some(person) => drop(others.entry(person).or_default().insert(id, via)),
                None => drop(own.insert(id, via)),
            }
        }
        for (person, events) in others {
            out.push(Output::Person(part_for(command, person, encode(&events))));
        }
        own
    }
}

/// The persons of one partition.
pub(crate) struct Persons {
    mutation: Mutation,
    pub(crate) store: KeyedStore<PersonId, Person>,
}

impl Persons {
    pub(crate) fn new(mutation: Mutation) -> Self {
        Self { mutation, store: KeyedStore::new("persons", 1) }
    }

    pub(crate) fn on_event(&mut self, event: Resolved, out: &mut Vec<Output>) {
        let person = self.store.get_or_insert_with(&event.person_id, Person::default);
        match person.merge.redirect(&event) {
            Some(_) if self.mutation == Mutation::DropAtTombstone => {}
            Some((forwarded, hint)) => out.extend([Output::Resolved(Box::new(forwarded)), Output::Identifier(hint)]),
            None => drop(person.events.insert(event.touchpoint.touchpoint_id, event.via)),
        }
    }

    pub(crate) fn on_command(&mut self, command: PersonCommand, out: &mut Vec<Output>) {
        let kind = command.kind;
        let as_sent = command.clone();
        let person = self.store.get_or_insert_with(&command.person_id, Person::default);
        match person.merge.on_command(command) {
            MergeAction::None => {}
            MergeAction::Send(_)
                if self.mutation == Mutation::KeepTransferAtTombstone && kind != PersonCommandKind::In => {}
            MergeAction::Send(command) => {
                let own = person.send_on(&command, decode(&command.state), out);
                let state = if command.state.is_empty() { Vec::new() } else { encode(&own) };
                out.push(Output::Person(PersonCommand { state, ..command }));
            }
            MergeAction::TakeOut(mut transfer) => {
                let is_taken = |_: &String, via: &mut Identifier| person.merge.destination(via).is_some();
                let events: Events = person.events.extract_if(.., is_taken).collect();
                for part in parts(events) {
                    let state = std::mem::replace(&mut transfer.state, encode(&part));
                    if !state.is_empty() {
                        out.push(Output::Person(part_of(&transfer, state)));
                    }
                }
                out.push(Output::Person(transfer));
            }
            MergeAction::HandOver(mut transfer) => {
                let events = std::mem::take(&mut person.events);
                if events.is_empty() && self.mutation == Mutation::NoEmptyTransfer {
                    return;
                }
                for part in parts(events) {
                    let state = std::mem::replace(&mut transfer.state, encode(&part));
                    if !state.is_empty() {
                        out.push(Output::Person(part_of(&transfer, state)));
                    }
                }
                out.push(Output::Person(transfer));
            }
            MergeAction::Absorb { state, .. } => {
                let own = person.send_on(&as_sent, decode(&state), out);
                person.events.extend(own);
            }
        }
    }

    pub(crate) fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.store]
    }
}

/// At most three events a part, so that larger states go in several.
fn parts(events: Events) -> Vec<Events> {
    let all: Vec<(String, Identifier)> = events.into_iter().collect();
    all.chunks(3).map(|part| part.iter().cloned().collect()).collect()
}

fn encode(events: &Events) -> Vec<u8> {
    serde_json::to_vec(events).expect("events are plain data")
}

fn decode(state: &[u8]) -> Events {
    if state.is_empty() {
        return Events::new();
    }
    serde_json::from_slice(state).expect("what encode wrote")
}
