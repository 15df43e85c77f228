use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use tributary_model::account::{AccountCommand, AccountEvent};
use tributary_model::identity::{IdentifierCommand, IdentifierCommandKind};
use tributary_model::path::{PathCounts, PathKey};
use tributary_model::{AccountId, Decision, Enrolment, EnrolmentStatus, Identifier, Touchpoint, TriggerIntent};
use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::Change;

use super::*;
use crate::account::delta::Delta;
use crate::read::JourneyFold;
use crate::testing::{
    AccountInput, START, accounts_and_paths_after, canvas, days, person, random_touchpoints, rollups, rules, sale,
    touch, touchpoint,
};
use accounts::check_accounts;
use witness::{Seen, Witness};

mod accounts;
mod erasure;
mod parting;
mod recheck;
mod witness;

fn small_transfers() -> Config {
    Config { max_transfer_bytes: 1_500, ..Config::default() }
}

fn processor(config: &Config) -> JourneyProcessor<Witness> {
    JourneyProcessor::new(config, rules(config), Table::fixed(canvas()), Witness)
}

fn resolved(person_id: PersonId, touchpoint: Touchpoint) -> Resolved {
    Resolved { person_id, via: Identifier::new("email", "pseudonym"), hops: 0, touchpoint }
}

fn command(kind: PersonCommandKind, person_id: PersonId, other_person_id: PersonId, sequence: i64) -> PersonCommand {
    let (state, pending, done) = (Vec::new(), Vec::new(), Vec::new());
    let identifiers = Vec::new();
    let occurred_at = START;
    PersonCommand { kind, person_id, other_person_id, sequence, occurred_at, state, pending, done, identifiers }
}

/// Journey partitions and an account partition over an in-memory log.
struct Hub {
    contracts: Arc<Contracts>,
    partitions: Vec<JourneyProcessor<Witness>>,
    account_inputs: Vec<(AccountId, AccountInput)>,
    inputs: BTreeMap<(String, usize), VecDeque<Record>>,
    journeys: JourneyFold,
    outputs: BTreeMap<String, Vec<Vec<u8>>>,
    changelog: BTreeMap<(usize, usize, Vec<u8>), Vec<u8>>,
    timers: BTreeSet<Timer>,
    duplicate_count: u64,
    erased_count: u64,
    step_count: usize,
    aborts_in_a_row: usize,
}

/// More than any run here takes: one that goes on has something in it that goes round in a circle.
const MAX_STEPS: usize = 100_000;
/// A schedule whose choices have shrunk to nothing would abort for ever.
const MAX_ABORTS: usize = 5;

impl Hub {
    fn new(partition_count: usize, config: &Config) -> Self {
        Self {
            contracts: Contracts::single_object().unwrap(),
            partitions: (0..partition_count).map(|_| processor(config)).collect(),
            account_inputs: Vec::new(),
            inputs: BTreeMap::new(),
            journeys: JourneyFold::default(),
            outputs: BTreeMap::new(),
            changelog: BTreeMap::new(),
            timers: BTreeSet::new(),
            duplicate_count: 0,
            erased_count: 0,
            step_count: 0,
            aborts_in_a_row: 0,
        }
    }

    fn partition(&self, key: &[u8]) -> usize {
        key.iter().map(|byte| usize::from(*byte)).sum::<usize>() % self.partitions.len()
    }

    fn send<T: AvroRecord>(&mut self, topic: &str, key: Vec<u8>, value: &T) {
        let value = Some(self.contracts.encode(topic, value).unwrap());
        self.append(topic, key, value);
    }

    fn append(&mut self, topic: &str, key: Vec<u8>, value: Option<Vec<u8>>) {
        let partition = self.partition(&key);
        let topic = topic.to_owned();
        let record = Record {
            topic: topic.clone(),
            partition: partition as i32,
            offset: 0,
            timestamp_ms: None,
            key,
            value,
            headers: Vec::new(),
        };
        self.inputs.entry((topic, partition)).or_default().push_back(record);
    }

    fn touch(&mut self, person_id: PersonId, touchpoint: Touchpoint) {
        self.send(topics::RESOLVED, person_id.to_key(), &resolved(person_id, touchpoint));
    }

    fn merge(&mut self, loser: PersonId, winner: PersonId, sequence: i64) {
        self.send(topics::PERSONS, loser.to_key(), &command(PersonCommandKind::Out, loser, winner, sequence));
        self.send(topics::PERSONS, winner.to_key(), &command(PersonCommandKind::In, winner, loser, sequence));
    }

    /// Handles the first record of one of the logs; an aborted transaction leaves it there.
    fn step(&mut self, choice: u16, is_aborted: bool) -> bool {
        self.step_count += 1;
        assert!(self.step_count < MAX_STEPS, "it does not come to an end");
        let is_aborted = is_aborted && self.aborts_in_a_row < MAX_ABORTS;
        self.aborts_in_a_row = if is_aborted { self.aborts_in_a_row + 1 } else { 0 };
        let waiting: Vec<(String, usize)> =
            self.inputs.iter().filter(|(_, log)| !log.is_empty()).map(|(at, _)| at.clone()).collect();
        if waiting.is_empty() {
            return false;
        }
        let at = waiting[usize::from(choice) % waiting.len()].clone();
        let record = self.inputs[&at].front().unwrap().clone();
        let mut effects = Effects::new(Arc::clone(&self.contracts));
        let processor = &mut self.partitions[at.1];
        processor.process(&record, &mut effects).unwrap();
        processor.before_commit(&mut effects).unwrap();
        if is_aborted {
            processor.stores().into_iter().for_each(StateStore::abort);
            processor.on_abort();
            return true;
        }
        for (index, store) in processor.stores().into_iter().enumerate() {
            for (key, value) in store.changes() {
                match value {
                    Some(value) => drop(self.changelog.insert((at.1, index, key), value)),
                    None => drop(self.changelog.remove(&(at.1, index, key))),
                }
            }
            store.commit();
        }
        self.inputs.get_mut(&at).unwrap().pop_front();
        self.publish(effects);
        true
    }

    fn publish(&mut self, effects: Effects) {
        assert_eq!(effects.dead_letter_count(), 0);
        let dropped = |is_erased: bool| {
            let drops = effects.drops().iter().filter(move |drops| (drops.reason == "erased") == is_erased);
            drops.map(|drops| drops.count).sum::<u64>()
        };
        self.duplicate_count += dropped(false);
        self.erased_count += dropped(true);
        self.timers.retain(|timer| !effects.cancelled().contains(&timer.key));
        self.timers.extend(effects.timers().iter().cloned());
        for record in effects.records() {
            let Some(value) = record.value.clone() else {
                self.forget(record);
                continue;
            };
            match record.topic.as_str() {
                topics::RESOLVED | topics::PERSONS | topics::RECHECKS => {
                    self.append(&record.topic, record.key.clone(), Some(value))
                }
                topics::JOURNEYS => {
                    let event: JourneyEvent = self.contracts.decode(&value).unwrap();
                    assert_eq!(record.key, event.person_id.to_key());
                    self.journeys.apply(event).unwrap();
                }
                topics::ACCOUNT_TOUCHES => {
                    let account_id = std::str::from_utf8(&record.key).unwrap().parse().unwrap();
                    let event = AccountInput::Touch(Box::new(self.contracts.decode(&value).unwrap()));
                    self.account_inputs.push((account_id, event));
                }
                topics::ACCOUNT_COMMANDS => {
                    let command: AccountCommand = self.contracts.decode(&value).unwrap();
                    let delta = Delta::decode(&command.delta).unwrap();
                    self.account_inputs.push((command.account_id, AccountInput::Delta(Box::new(delta))));
                }
                _ => self.outputs.entry(record.topic.clone()).or_default().push(value),
            }
        }
    }

    /// A record without a value: somebody was erased.
    fn forget(&mut self, record: &tributary_stream::OutRecord) {
        let person = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().parse::<PersonId>().unwrap();
        match record.topic.as_str() {
            topics::JOURNEYS => self.journeys.erase(person(&record.key)),
            topics::ACCOUNT_TOUCHES => {
                let account_id = std::str::from_utf8(&record.key).unwrap().parse().unwrap();
                let delta = Delta::of_erased(person(&record.headers[0].1));
                self.account_inputs.push((account_id, AccountInput::Delta(Box::new(delta))));
            }
            topic => assert!([topics::DECISIONS, topics::OUTCOMES, topics::ENROLMENTS].contains(&topic), "{topic}"),
        }
    }

    fn run(&mut self) {
        while self.step(0, false) {}
    }

    fn told(&self, person_id: PersonId) -> Vec<JourneyEvent> {
        let own = self.journeys.events().filter(|event| event.person_id == person_id);
        own.map(|event| JourneyEvent { revision: 0, ..event.clone() }).collect()
    }

    fn seen(&self, person_id: PersonId) -> Option<&Seen> {
        self.partitions[self.partition(&person_id.to_key())].steps.get(&person_id)
    }

    /// The accounts after all that they were told.
    fn accounts(&self, choices: impl Iterator<Item = u16>) -> BTreeMap<AccountId, AccountEvent> {
        self.accounts_and_paths(choices).0
    }

    /// The same with the paths that they went.
    fn accounts_and_paths(
        &self,
        choices: impl Iterator<Item = u16>,
    ) -> (BTreeMap<AccountId, AccountEvent>, BTreeMap<PathKey, PathCounts>) {
        accounts_and_paths_after(&mut rollups(1_000), self.account_inputs.clone(), choices)
    }

    fn output<T: AvroRecord>(&self, topic: &str) -> Vec<T> {
        self.outputs.get(topic).into_iter().flatten().map(|value| self.contracts.decode(value).unwrap()).collect()
    }
}

/// The journey of `person_id` if all of `touchpoints` had come to it alone and at once.
fn journey_of_union(person_id: PersonId, touchpoints: &[Touchpoint]) -> Vec<JourneyEvent> {
    let rules = rules(&Config::default());
    let mut touches = OrderedStore::new("touches", 1);
    let mut timeline = Timeline { rules: &rules, person_id, touches: &mut touches };
    let incoming = touchpoints.iter().map(|made| touch(person_id, made.clone())).collect();
    let changes = timeline.insert_all(incoming, &Base::default(), None).changes;
    changes.into_iter().map(|event| JourneyEvent { revision: 0, ..event }).collect()
}

#[test]
fn a_sale_is_stated_told_to_its_account_and_decided_on() {
    let mut hub = Hub::new(1, &Config::default());
    let mut made = sale("s", START, 900);
    made.account_identifiers = vec![Identifier::new("household_id", "h"), Identifier::new("crm_account_id", "a")];
    hub.touch(person("ada"), made);
    hub.run();
    let told = hub.told(person("ada"));
    assert_eq!((told.len(), told[0].stage.as_str(), told[0].team_id.as_str()), (1, "customer", "web"));
    let realm = Config::default().realm_uuid();
    let primary = AccountId::of(&realm, &Identifier::new("crm_account_id", "a"));
    assert_eq!((told[0].account_ids.len(), told[0].account_ids[0]), (2, primary));
    let account = &hub.accounts(std::iter::empty())[&primary];
    assert_eq!((account.value_minor, account.persons.as_slice()), (900, [person("ada")].as_slice()));
    assert!(account.members[0].is_primary);
    assert_eq!(hub.output::<Decision>(topics::DECISIONS).len(), 1);
    assert_eq!(hub.output::<TriggerIntent>(&topics::triggers("crm")).len(), 1);
    // The second does not wait for what comes late: it is due when the watermark is behind it by the allowed lateness.
    let promptly = START + days(30) - Config::default().allowed_lateness_ms;
    assert_eq!(hub.timers.iter().map(|timer| timer.at).collect::<Vec<_>>(), [START + 1_000, promptly]);
}

#[test]
fn two_interleaved_journeys_become_one_and_decisions_wait_for_it() {
    let (ada, bob) = (person("ada"), person("bob"));
    let mut hub = Hub::new(2, &small_transfers());
    let all: Vec<Touchpoint> =
        (0..30).map(|index| touchpoint(&format!("t{index:02}"), "page.viewed", START + index * 60_000)).collect();
    for (index, made) in all.iter().enumerate() {
        hub.touch([ada, bob][index % 2], made.clone());
    }
    hub.run();
    hub.send(topics::PERSONS, ada.to_key(), &command(PersonCommandKind::In, ada, bob, 1));
    hub.run();
    let paid = sale("paid", START + days(1), 100);
    hub.touch(ada, paid.clone());
    hub.run();
    assert!(hub.output::<Decision>(topics::DECISIONS).is_empty(), "the state of bob is on its way");
    hub.send(topics::PERSONS, bob.to_key(), &command(PersonCommandKind::Out, bob, ada, 1));
    hub.run();
    assert_eq!(hub.told(bob), Vec::new());
    let union: Vec<Touchpoint> = all.iter().cloned().chain([paid]).collect();
    assert_eq!(hub.told(ada), journey_of_union(ada, &union));
    let seen = hub.seen(ada).unwrap();
    assert_eq!((seen.touches.len(), seen.absorbed), (31, 1));
    assert!(hub.seen(bob).is_none());
    let told = hub.output::<Enrolment>(topics::ENROLMENTS).into_iter().map(|one| (one.person_id, one.status));
    let (enrolled, withdrawn) = (EnrolmentStatus::Enrolled, EnrolmentStatus::Withdrawn);
    assert_eq!(told.collect::<Vec<_>>(), [(ada, enrolled), (bob, enrolled), (bob, withdrawn)]);
}

#[test]
fn what_comes_to_a_tombstone_moves_on_with_a_hint_and_its_timers_are_over() {
    let (ada, bob) = (person("ada"), person("bob"));
    let mut hub = Hub::new(1, &Config::default());
    hub.touch(bob, touchpoint("a", "page.viewed", START));
    hub.run();
    hub.merge(bob, ada, 1);
    hub.run();
    hub.touch(bob, touchpoint("b", "page.viewed", START + 5));
    hub.run();
    assert_eq!(hub.told(ada).len(), 2);
    let hints: Vec<IdentifierCommand> = hub.output(topics::IDENTIFIERS);
    let [hint] = hints.as_slice() else { panic!("{hints:?}") };
    assert_eq!((hint.kind, hint.person_id, hint.previous_person_id), (IdentifierCommandKind::Label, ada, Some(bob)));
    let mut effects = Effects::new(Arc::clone(&hub.contracts));
    for key in [bob.to_key(), ada.to_key()] {
        hub.partitions[0].on_timer(&Timer { at: START + 1_000, key }, &mut effects).unwrap();
    }
    assert_eq!(hub.seen(ada).unwrap().woken, [START + 1_000]);
    assert!(hub.seen(bob).is_none());
}

#[test]
fn an_event_that_is_forwarded_too_often_is_a_dead_letter() {
    let mut hub = Hub::new(1, &Config::default());
    hub.merge(person("bob"), person("ada"), 1);
    hub.run();
    let tired = Resolved { hops: 64, ..resolved(person("bob"), touchpoint("a", "page.viewed", START)) };
    let record = Record {
        topic: topics::RESOLVED.to_owned(),
        partition: 0,
        offset: 7,
        timestamp_ms: None,
        key: tired.person_id.to_key(),
        value: Some(hub.contracts.encode(topics::RESOLVED, &tired).unwrap()),
        headers: Vec::new(),
    };
    let mut effects = Effects::new(Arc::clone(&hub.contracts));
    hub.partitions[0].process(&record, &mut effects).unwrap();
    assert_eq!(effects.dead_letter_count(), 1);
    assert_eq!(effects.records().len(), 1);
}

#[test]
fn duplicates_are_counted_also_when_they_lie_beyond_the_horizon() {
    let config = Config { horizon_touches: 2, ..Config::default() };
    let mut hub = Hub::new(1, &config);
    for index in 0..5 {
        hub.touch(person("ada"), sale(&format!("s{index}"), START + index, 10));
    }
    hub.run();
    for index in 0..5 {
        hub.touch(person("ada"), sale(&format!("s{index}"), START + index, 10));
    }
    hub.run();
    assert_eq!(hub.duplicate_count, 5);
    assert_eq!(hub.told(person("ada")).len(), 5);
    assert_eq!(hub.told(person("ada"))[4].totals.value_minor, 50);
}

#[test]
fn sums_beyond_the_horizon_move_with_the_person() {
    let config = Config { horizon_touches: 2, ..Config::default() };
    let (ada, bob) = (person("ada"), person("bob"));
    let mut hub = Hub::new(1, &config);
    for index in 0..5 {
        hub.touch(ada, sale(&format!("a{index}"), START + 2 * index, 10));
        hub.touch(bob, sale(&format!("b{index}"), START + 2 * index + 1, 100));
    }
    hub.run();
    hub.merge(bob, ada, 1);
    hub.run();
    let last = hub.told(ada).pop().unwrap();
    assert_eq!((last.touchpoint.touchpoint_id.as_str(), last.totals.value_minor), ("b4", 550));
    hub.touch(ada, sale("b0", START + 1, 100));
    hub.run();
    assert_eq!(hub.duplicate_count, 1, "what bob had beyond the horizon is known to ada");
}

#[test]
fn state_of_another_version_stops_the_stage() {
    let mut hub = Hub::new(1, &Config::default());
    let transfer =
        PersonCommand { state: vec![9, 1, 0], ..command(PersonCommandKind::Transfer, person("ada"), person("bob"), 1) };
    let mut effects = Effects::new(Arc::clone(&hub.contracts));
    let failure = hub.partitions[0].on_command(transfer, &mut effects).unwrap_err();
    assert!(matches!(failure, Failure::Fatal(ref message) if message.contains("version 9")), "{failure}");
}

/// What happens in one random run.
#[derive(Debug, Clone)]
enum Input {
    Touch(usize, Box<Touchpoint>),
    Merge(usize, usize),
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let merges = prop::collection::vec((0_usize..4, 0_usize..4), 0..5);
    (random_touchpoints(24, 40), prop::collection::vec(0_usize..4, 48), merges).prop_flat_map(
        |(made, homes, merges)| {
            // Every fifth touch is reported at two persons.
            let again = made.iter().step_by(5).cloned().zip(homes[24..].to_vec());
            let touches = made.iter().cloned().zip(homes[..24].to_vec()).chain(again);
            let mut inputs: Vec<Input> = touches.map(|(made, home)| Input::Touch(home, Box::new(made))).collect();
            inputs.extend(merges.into_iter().map(|(loser, winner)| Input::Merge(loser, winner)));
            Just(inputs).prop_shuffle()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn merges_end_in_the_journey_of_the_union_whatever_the_order(
        inputs in inputs(),
        schedule in prop::collection::vec(any::<u16>(), 64),
    ) {
        let people: Vec<PersonId> = ["ada", "bob", "cyd", "dan"].map(person).to_vec();
        let mut hub = Hub::new(3, &small_transfers());
        let mut survivor: Vec<usize> = (0..4).collect();
        let mut sequence = 0;
        let mut choices = schedule.iter().cycle().copied();
        for input in &inputs {
            match input {
                Input::Touch(home, made) => hub.touch(people[*home], Touchpoint::clone(made)),
                Input::Merge(loser, winner) => {
                    let (loser, winner) = (survivor[*loser], survivor[*winner]);
                    if loser != winner {
                        sequence += 1;
                        hub.merge(people[loser], people[winner], sequence);
                        survivor.iter_mut().filter(|now| **now == loser).for_each(|now| *now = winner);
                    }
                }
            }
            for _ in 0..choices.next().unwrap() % 3 {
                let choice = choices.next().unwrap();
                hub.step(choice, choice % 7 == 0);
            }
        }
        while hub.step(choices.next().unwrap(), choices.next().unwrap() % 7 == 0) {}

        let mut all_told: Vec<JourneyEvent> = Vec::new();
        let mut touch_count = 0;
        for (index, person_id) in people.iter().enumerate() {
            let union: Vec<Touchpoint> = inputs.iter().filter_map(|input| match input {
                Input::Touch(home, made) if survivor[*home] == index => Some(Touchpoint::clone(made)),
                _ => None,
            }).collect();
            let told = hub.told(*person_id);
            prop_assert_eq!(&told, &journey_of_union(*person_id, &union));
            let seen = hub.seen(*person_id).map(|seen| seen.touches.clone()).unwrap_or_default();
            prop_assert_eq!(seen, told.iter().map(|event| event.touchpoint.touchpoint_id.clone()).collect());
            touch_count += told.len();
            all_told.extend(told);
        }
        let stored: usize = hub.partitions.iter().map(|processor| processor.touches.len()).sum();
        prop_assert_eq!(stored, touch_count);
        check_accounts(&hub, &all_told, choices)?;
        check_restore(&mut hub, people[survivor[0]])?;
    }
}

/// A task that is restored from the changelog goes on as the one that wrote it.
fn check_restore(hub: &mut Hub, person_id: PersonId) -> Result<(), TestCaseError> {
    let partition = hub.partition(&person_id.to_key());
    let mut restored = processor(&small_transfers());
    for ((of, index, key), value) in &hub.changelog {
        if *of == partition {
            restored.stores()[*index].restore(key, Some(value)).unwrap();
        }
    }
    let next = resolved(person_id, touchpoint("next", "page.viewed", START + days(5)));
    let record = Record {
        topic: topics::RESOLVED.to_owned(),
        partition: partition as i32,
        offset: 0,
        timestamp_ms: None,
        key: person_id.to_key(),
        value: Some(hub.contracts.encode(topics::RESOLVED, &next).unwrap()),
        headers: Vec::new(),
    };
    let mut written = Vec::new();
    for processor in [&mut restored, &mut hub.partitions[partition]] {
        let mut effects = Effects::new(Arc::clone(&hub.contracts));
        processor.process(&record, &mut effects).unwrap();
        let changes: Vec<Vec<Change>> = processor.stores().iter().map(|store| store.changes()).collect();
        written.push((effects.records().to_vec(), changes));
    }
    prop_assert_eq!(&written[0], &written[1]);
    Ok(())
}
