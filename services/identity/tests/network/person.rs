//! The persons' side of the network: the smallest service that keeps something of a person, a set of events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_identity::Output;
use tributary_model::identity::{PersonCommand, PersonCommandKind, Resolved};
use tributary_model::merge::{part_for, part_of};
use tributary_model::{Disposition, ErasedPerson, Fingerprint, Identifier, MergeAction, MergeState, PersonId};
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

/// What is kept of a touchpoint: the identifier by which it came, and all that it named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Came {
    pub(crate) via: Identifier,
    pub(crate) named: Vec<Identifier>,
}

/// Touchpoints by their ids.
type Events = BTreeMap<String, Came>;

/// Leaves out what was erased since.
fn unsee(merge: &MergeState, events: &mut Events) {
    events.retain(|id, came| !merge.is_unseen(&came.via, received_at(id)));
    for (id, came) in events {
        came.named.retain(|one| !merge.is_unseen(one, received_at(id)));
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) merge: MergeState,
    pub(crate) events: Events,
}

/// Sends those of the events that are another's to whom they belong; gives the others. `None` is nobody else's.
fn send_on(
    command: &PersonCommand,
    events: Events,
    whose: impl Fn(&str, &Identifier) -> Option<PersonId>,
    out: &mut Vec<Output>,
) -> Events {
    let mut own = Events::new();
    let mut others: BTreeMap<PersonId, Events> = BTreeMap::new();
    for (id, came) in events {
        match whose(&id, &came.via) {
            Some(person) => drop(others.entry(person).or_default().insert(id, came)),
            None => drop(own.insert(id, came)),
        }
    }
    for (person, events) in others {
        out.push(Output::Person(part_for(command, person, encode(&events))));
    }
    own
}

/// When an event was received, which the tests write behind its id.
fn received_at(id: &str) -> i64 {
    id.rsplit_once('@').and_then(|(_, at)| at.parse().ok()).unwrap_or_default()
}

/// The persons of one partition.
pub(crate) struct Persons {
    mutation: Mutation,
    pub(crate) store: KeyedStore<PersonId, Person>,
    pub(crate) erased: KeyedStore<Fingerprint, ErasedPerson>,
}

impl Persons {
    pub(crate) fn new(mutation: Mutation) -> Self {
        Self { mutation, store: KeyedStore::new("persons", 1), erased: KeyedStore::new("erased", 1) }
    }

    pub(crate) fn on_event(&mut self, mut event: Resolved, out: &mut Vec<Output>) {
        if let Some(gone) = self.erased.get(&Fingerprint::of_person(event.person_id)) {
            if let Some((forwarded, hint)) = gone.redirect(&event) {
                out.extend([Output::Resolved(Box::new(forwarded)), Output::Identifier(hint)]);
            }
            return;
        }
        let person = self.store.get_or_insert_with(&event.person_id, Person::default);
        let received_at = event.touchpoint.received_at;
        if person.merge.is_unseen(&event.via, received_at) {
            return;
        }
        event.touchpoint.identifiers.retain(|one| !person.merge.is_unseen(one, received_at));
        match person.merge.redirect(&event) {
            Some(_) if self.mutation == Mutation::DropAtTombstone => {}
            Some((forwarded, hint)) => out.extend([Output::Resolved(Box::new(forwarded)), Output::Identifier(hint)]),
            None => {
                let came = Came { via: event.via, named: event.touchpoint.identifiers };
                person.events.insert(event.touchpoint.touchpoint_id, came);
            }
        }
    }

    pub(crate) fn on_command(&mut self, command: PersonCommand, out: &mut Vec<Output>) {
        let kind = command.kind;
        let as_sent = command.clone();
        if let Some(gone) = self.erased.get(&Fingerprint::of_person(command.person_id)) {
            match gone.on_command(command) {
                MergeAction::Send(command) => {
                    let own = send_on(&as_sent, decode(&command.state), |_, via| gone.destination(via), out);
                    let state = if command.state.is_empty() { Vec::new() } else { encode(&own) };
                    out.push(Output::Person(PersonCommand { state, ..command }));
                }
                MergeAction::Sift(command) => sift(gone, &command, decode(&command.state), out),
                _ => {}
            }
            return;
        }
        let person = self.store.get_or_insert_with(&command.person_id, Person::default);
        match person.merge.on_command(command) {
            MergeAction::None => {}
            MergeAction::Send(_)
                if self.mutation == Mutation::KeepTransferAtTombstone && kind != PersonCommandKind::In => {}
            MergeAction::Send(command) => {
                let mut events = decode(&command.state);
                unsee(&person.merge, &mut events);
                let own = send_on(&as_sent, events, |_, via| person.merge.destination(via), out);
                let state = if command.state.is_empty() { Vec::new() } else { encode(&own) };
                out.push(Output::Person(PersonCommand { state, ..command }));
            }
            MergeAction::TakeOut(mut transfer) => {
                let is_taken = |_: &String, came: &mut Came| person.merge.destination(&came.via).is_some();
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
                let mut events = decode(&state);
                unsee(&person.merge, &mut events);
                let own = send_on(&as_sent, events, |_, via| person.merge.destination(via), out);
                person.events.extend(own);
            }
            MergeAction::Sift(_) => {}
            MergeAction::Unsee => unsee(&person.merge, &mut person.events),
            MergeAction::Erase(gone) => {
                let events = self.store.remove(&as_sent.person_id).unwrap_or_default().events;
                sift(&gone, &as_sent, events, out);
                self.erased.insert(Fingerprint::of_person(as_sent.person_id), *gone);
            }
        }
    }

    pub(crate) fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.store, &mut self.erased]
    }
}

/// What of the events of somebody who was erased is not erased goes to whom it belongs.
fn sift(gone: &ErasedPerson, command: &PersonCommand, events: Events, out: &mut Vec<Output>) {
    let fate = |id: &str, via: &Identifier| match gone.disposition(command.person_id, via, received_at(id)) {
        Disposition::To(person) => Some(person),
        Disposition::Erased => None,
    };
    for (id, came) in &events {
        if let Some(person) = fate(id, &came.via) {
            let evidence = (id.as_str(), 0, received_at(id));
            out.push(Output::Identifier(gone.hint(&came.via, command.person_id, person, evidence)));
        }
    }
    send_on(command, events, fate, out);
}

/// At most three events a part, so that larger states go in several.
fn parts(events: Events) -> Vec<Events> {
    let all: Vec<(String, Came)> = events.into_iter().collect();
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
