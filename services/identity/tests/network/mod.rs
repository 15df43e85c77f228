//! Owners, sequencer and persons on a log in memory: one queue a topic and partition, any number of partitions, and a
//! schedule drawn from a seed that interleaves, aborts and repeats.
//!
//! A transaction handles up to three inputs of one task. When it is aborted the state rolls back, nothing it wrote is
//! seen, and its inputs are read again.
#![allow(dead_code, unused_imports, clippy::expect_used)]

mod check;
mod erased;
mod person;
mod setting;

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hasher;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_identity::{AliasTable, Output, Owners, Rules, Sequencer};
use tributary_model::identity::{IdentifierCommand, IdentifierCommandKind, MergeRequest, PersonCommand, Resolved};
use tributary_model::{Identifier, PersonId, Touchpoint};
use tributary_stream::StateStore;
use uuid::Uuid;

pub(crate) use check::Watch;
pub(crate) use erased::without_erased;
pub(crate) use person::{Mutation, Persons};
pub(crate) use setting::{EVERYBODY, no_limits, rules, schedules, tight_limits};

pub(crate) const REALM: Uuid = Uuid::from_u128(7);

/// How a run is disturbed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) identifier_partitions: usize,
    pub(crate) person_partitions: usize,
    /// Chance that a transaction is aborted.
    pub(crate) abort: f64,
    /// Chance that a message between tasks is written twice.
    pub(crate) repeat: f64,
    /// Chance that a touchpoint is written twice.
    pub(crate) repeat_input: f64,
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub(crate) enum ByHand {
    Link(Identifier, Identifier),
    Unmerge(Identifier, Identifier),
    /// The first is not the second's but the third's.
    Reassign(Identifier, Identifier, Identifier),
    /// No human: the normaliser says that the first is called the second under a newer key.
    Rekey(Identifier, Identifier, Box<Touchpoint>),
    /// The person of this identifier is to be erased, with what was received up to this instant.
    Erase(Identifier, i64),
}

#[derive(Debug, Clone)]
enum Message {
    Touchpoint(Touchpoint),
    Identifier(IdentifierCommand),
    Merge(MergeRequest),
    Resolved(Resolved),
    Person(PersonCommand),
}

/// A task and its input queues, of which it reads any next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Owner(usize),
    Sequencer,
    Person(usize),
}

/// More than any run here takes.
const MAX_STEPS: usize = 1_000_000;

pub(crate) struct Network {
    rng: ChaCha8Rng,
    schedule: Schedule,
    owners: Vec<Owners>,
    sequencer: Sequencer,
    pub(crate) persons: Vec<Persons>,
    /// By task, then by topic.
    queues: BTreeMap<(Task, &'static str), VecDeque<Message>>,
    pub(crate) aliases: AliasTable,
    pub(crate) watch: Watch,
    /// The sequencer's input in the order it was handled, and what came of it.
    pub(crate) merge_log: Vec<MergeRequest>,
    pub(crate) merge_outputs: Vec<Output>,
}

impl Network {
    pub(crate) fn new(rules: &Arc<Rules>, schedule: Schedule, mutation: Mutation) -> Self {
        Self::with_partners(rules, schedule, mutation, 3)
    }

    /// Owners that remember at most so many partners.
    pub(crate) fn with_partners(rules: &Arc<Rules>, schedule: Schedule, mutation: Mutation, max_edges: usize) -> Self {
        let owners = |_| Owners::new(REALM, rules.version(), max_edges);
        Self {
            rng: ChaCha8Rng::seed_from_u64(schedule.seed),
            schedule,
            owners: (0..schedule.identifier_partitions).map(owners).collect(),
            sequencer: Sequencer::new(REALM, Arc::clone(rules)),
            persons: (0..schedule.person_partitions).map(|_| Persons::new(mutation)).collect(),
            queues: BTreeMap::new(),
            aliases: AliasTable::default(),
            watch: Watch::new(Arc::clone(rules)),
            merge_log: Vec::new(),
            merge_outputs: Vec::new(),
        }
    }

    /// Runs the whole of `touchpoints` through, in any order, until nothing is left to do.
    pub(crate) fn run(&mut self, touchpoints: &[Touchpoint]) {
        self.run_with(touchpoints, Vec::new());
    }

    /// The same, with what somebody asks for by hand in between, in that order.
    pub(crate) fn run_with(&mut self, touchpoints: &[Touchpoint], by_hand: Vec<ByHand>) {
        let mut source = touchpoints.to_vec();
        let mut by_hand = VecDeque::from(by_hand);
        for _ in 0..MAX_STEPS {
            let busy: Vec<Task> = self.busy();
            let feed = !source.is_empty() && (busy.is_empty() || self.rng.random_bool(0.4));
            if feed {
                let touchpoint = source.swap_remove(self.rng.random_range(0..source.len()));
                let chance = self.schedule.repeat_input;
                self.append(Message::Touchpoint(touchpoint), chance);
            } else if !by_hand.is_empty() && (busy.is_empty() || self.rng.random_bool(0.05)) {
                self.ask(by_hand.pop_front().expect("there is one"));
            } else if busy.is_empty() {
                return;
            } else {
                let task = busy[self.rng.random_range(0..busy.len())];
                self.transact(task);
            }
        }
        panic!("it does not come to an end: something goes round in a circle");
    }

    fn ask(&mut self, by_hand: ByHand) {
        // What is asked is as old as the oldest touchpoint or newer than all.
        let asked_at = if self.rng.random_bool(0.5) { 0 } else { i64::MAX };
        let (kind, left, then, received_at) = match by_hand {
            ByHand::Unmerge(left, right) => (IdentifierCommandKind::Unlink, left, vec![right], asked_at),
            ByHand::Link(left, right) => (IdentifierCommandKind::Link, left, vec![right], asked_at),
            ByHand::Erase(identifier, at) => (IdentifierCommandKind::Erase, identifier, Vec::new(), at),
            ByHand::Reassign(this, from, to) => (IdentifierCommandKind::Reassign, this, vec![from, to], asked_at),
            ByHand::Rekey(first, name, touchpoint) => {
                let command = IdentifierCommand::rekey(first, vec![name], &touchpoint);
                return self.append(Message::Identifier(command), self.schedule.repeat);
            }
        };
        let message = Message::Identifier(IdentifierCommand {
            kind,
            person_id: PersonId::of(&REALM, &left),
            identifier: left,
            first_seen_at: 0,
            with: None,
            then,
            previous_person_id: None,
            touchpoint_id: "by-hand".to_owned(),
            occurred_at: 0,
            by_hand: Some("a test".to_owned()),
            from: None,
            received_at,
            sequence: 0,
        });
        self.append(message, 0.0);
    }

    fn busy(&self) -> Vec<Task> {
        let busy = self.queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|((task, _), _)| *task);
        let mut busy: Vec<Task> = busy.collect();
        busy.dedup();
        busy
    }

    /// One transaction of a task.
    fn transact(&mut self, task: Task) {
        let mut read: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut out = Vec::new();
        let mut requests = Vec::new();
        for _ in 0..self.rng.random_range(1..=3) {
            let topics = self.queues.range((task, "")..).take_while(|((of, _), _)| *of == task);
            let open = topics.filter(|((_, topic), queue)| queue.len() > read.get(topic).copied().unwrap_or(0));
            let open: Vec<&'static str> = open.map(|((_, topic), _)| *topic).collect();
            if open.is_empty() {
                break;
            }
            let topic = open[self.rng.random_range(0..open.len())];
            let position = read.entry(topic).or_default();
            let message = self.queues[&(task, topic)][*position].clone();
            *position += 1;
            self.handle(task, message, &mut requests, &mut out);
        }
        let aborted = self.rng.random_bool(self.schedule.abort);
        for store in self.stores(task) {
            if aborted { store.abort() } else { store.commit() }
        }
        if aborted {
            return;
        }
        for (topic, count) in read {
            if let Some(queue) = self.queues.get_mut(&(task, topic)) {
                queue.drain(..count);
            }
        }
        self.merge_log.extend(requests.iter().map(|(_, request)| request.clone()));
        if task == Task::Sequencer {
            self.merge_outputs.extend(out.iter().cloned());
        }
        // Each request is looked at before what came of it, and after what came of the one before.
        let mut requests = requests.into_iter().peekable();
        for (index, output) in out.into_iter().enumerate() {
            while let Some((_, request)) = requests.next_if(|(before, _)| *before <= index) {
                self.watch.request(request);
            }
            self.publish(output);
        }
        requests.for_each(|(_, request)| self.watch.request(request));
    }

    fn handle(
        &mut self,
        task: Task,
        message: Message,
        requests: &mut Vec<(usize, MergeRequest)>,
        out: &mut Vec<Output>,
    ) {
        match (task, message) {
            (Task::Owner(index), Message::Touchpoint(touchpoint)) => {
                if !self.owners[index].is_of_erased(&touchpoint) {
                    self.owners[index].on_touchpoint(touchpoint, out);
                }
            }
            (Task::Owner(index), Message::Identifier(command)) => self.owners[index].on_command(command, out),
            (Task::Sequencer, Message::Merge(request)) => {
                let before = out.len();
                self.sequencer.on_request(&request, out);
                requests.push((before, request));
            }
            (Task::Person(index), Message::Resolved(event)) => self.persons[index].on_event(event, out),
            (Task::Person(index), Message::Person(command)) => self.persons[index].on_command(command, out),
            (task, message) => panic!("{message:?} at {task:?}"),
        }
    }

    fn stores(&mut self, task: Task) -> Vec<&mut dyn StateStore> {
        match task {
            Task::Owner(index) => self.owners[index].stores(),
            Task::Sequencer => self.sequencer.stores(),
            Task::Person(index) => self.persons[index].stores(),
        }
    }

    fn publish(&mut self, output: Output) {
        self.watch.output(&output, &self.aliases);
        let repeat = self.schedule.repeat;
        match output {
            Output::Resolved(event) => self.append(Message::Resolved(*event), repeat),
            Output::Identifier(command) => self.append(Message::Identifier(command), repeat),
            Output::Merge(request) => self.append(Message::Merge(request), repeat),
            Output::Person(command) => self.append(Message::Person(command), repeat),
            Output::Alias(alias) => {
                self.aliases.apply(&alias.loser.to_key(), Some(alias));
                self.watch.persons(&self.aliases);
            }
            Output::Unalias(loser) => self.aliases.apply(&loser.to_key(), None),
            Output::Change(_) => {}
        }
    }

    fn append(&mut self, message: Message, repeat: f64) {
        let address = match &message {
            Message::Touchpoint(touchpoint) => {
                let first = touchpoint.identifiers.first().map(Identifier::to_key);
                let key = first.unwrap_or_else(|| touchpoint.touchpoint_id.clone().into_bytes());
                (Task::Owner(partition(&key, self.owners.len())), "touchpoints")
            }
            Message::Identifier(command) => {
                (Task::Owner(partition(&command.identifier.to_key(), self.owners.len())), "identifiers")
            }
            Message::Merge(_) => (Task::Sequencer, "merges"),
            Message::Resolved(event) => (self.person_task(event.person_id), "resolved"),
            Message::Person(command) => (self.person_task(command.person_id), "persons"),
        };
        let copies = 1 + usize::from(self.rng.random_bool(repeat));
        self.queues.entry(address).or_default().extend(std::iter::repeat_n(message, copies));
    }

    fn person_task(&self, person: PersonId) -> Task {
        Task::Person(partition(&person.to_key(), self.persons.len()))
    }

    /// The person that an identifier belongs to, as anybody would look it up.
    pub(crate) fn person_of(&self, identifier: &Identifier) -> PersonId {
        self.aliases.resolve(PersonId::of(&REALM, identifier))
    }

    pub(crate) fn owner_hint(&self, identifier: &Identifier) -> Option<PersonId> {
        self.owners.iter().find_map(|owners| owners.get(identifier)).map(|owner| owner.person_id)
    }
}

fn partition(key: &[u8], count: usize) -> usize {
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(key);
    usize::try_from(hasher.finish() % count as u64).expect("fewer than usize")
}

/// A touchpoint that names these identifiers.
pub(crate) fn touchpoint(id: &str, occurred_at: i64, identifiers: &[Identifier]) -> Touchpoint {
    let json = serde_json::json!({
        "touchpoint_id": id, "source": "test", "domain": "ecommerce", "type": "page.viewed",
        "occurred_at": occurred_at, "received_at": occurred_at, "identifiers": identifiers, "refused_identifiers": [],
        "account_identifiers": [], "channel": "direct", "direction": "inbound", "items": [], "consents": [],
        "properties": {},
    });
    serde_json::from_value(json).expect("a touchpoint")
}
