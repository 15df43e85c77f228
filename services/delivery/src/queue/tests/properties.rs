//! What holds for every sequence of events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::breaker::BreakerState;
use crate::config::Config;
use crate::log::DeliveryEvent;

/// Something that happens.
#[derive(Debug, Clone)]
enum Event {
    /// An intent, its number, and how long it is valid.
    Intent(u8, i64),
    /// Time passes.
    Pass(i64),
    /// What is due is handed out.
    Lease,
    /// One that is on its way comes back with this.
    Settle(prop::sample::Index, Outcome),
    /// The last result comes a second time.
    Repeat,
    Commit,
    Abort,
    /// The process is killed and started again.
    Kill,
    RetryGivenUp,
    Disable,
    Enable,
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let retry_after = |seconds: i64| {
        Outcome::Failed(crate::Failure {
            class: FailureClass::ServerError,
            status: Some(503),
            detail: String::new(),
            retry_after_at: Some(noon() + seconds * SECOND_MS),
        })
    };
    prop_oneof![
        3 => Just(status(200)),
        3 => Just(timeout()),
        1 => Just(status(422)),
        1 => Just(status(410)),
        1 => (0_i64..7200).prop_map(retry_after),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0..24_u8, prop_oneof![0..MINUTE_MS, 0..2 * DAY_MS]).prop_map(|(number, ms)| Event::Intent(number, ms)),
        3 => prop_oneof![0..10 * SECOND_MS, 0..HOUR_MS].prop_map(Event::Pass),
        4 => Just(Event::Lease),
        6 => (any::<prop::sample::Index>(), outcomes()).prop_map(|(index, outcome)| Event::Settle(index, outcome)),
        1 => Just(Event::Repeat),
        2 => Just(Event::Commit),
        1 => Just(Event::Abort),
        1 => Just(Event::Kill),
        1 => Just(Event::RetryGivenUp),
        1 => Just(Event::Disable),
        1 => Just(Event::Enable),
    ];
    prop::collection::vec(event, 1..80)
}

fn small() -> Config {
    let mut config = config(&[("a", "sales"), ("b", "sales"), ("c", "web")]);
    config.retry.delays.truncate(3);
    for (name, destination) in &mut config.destinations {
        destination.max_in_flight = 3;
        destination.max_queued = 10;
        destination.rate_per_second = (name == "b").then_some(2);
    }
    config
}

/// A queue with what a broker would keep of it, and a record of what has been said.
struct World {
    config: Config,
    queue: Queue,
    changelogs: [BTreeMap<Vec<u8>, Vec<u8>>; 2],
    now_at: i64,
    on_their_way: Vec<Lease>,
    /// Results recorded in the open transaction, which are recorded again when it is aborted.
    recorded: Vec<Finished>,
    last: Option<Finished>,
    /// Ids of the intents that came, committed and in the open transaction.
    intents: [BTreeSet<String>; 2],
    /// Entries of the log, committed and in the open transaction.
    logs: [Vec<DeliveryEvent>; 2],
}

impl World {
    fn new(config: Config) -> Self {
        let queue = Queue::new(&config).unwrap();
        Self {
            config,
            queue,
            changelogs: Default::default(),
            now_at: noon(),
            on_their_way: Vec::new(),
            recorded: Vec::new(),
            last: None,
            intents: Default::default(),
            logs: Default::default(),
        }
    }

    fn live(&mut self, event: &Event) {
        match event {
            Event::Intent(number, valid_ms) => self.intent(*number, *valid_ms),
            Event::Pass(ms) => self.now_at += ms,
            Event::Lease => self.lease(),
            Event::Settle(index, outcome) if !self.on_their_way.is_empty() => {
                let lease = self.on_their_way.remove(index.index(self.on_their_way.len()));
                let result = finished(&lease, outcome.clone());
                self.queue.settle(&result, self.now_at);
                self.recorded.push(result.clone());
                self.last = Some(result);
            }
            Event::Repeat => self.last.iter().for_each(|result| self.queue.settle(result, self.now_at)),
            Event::Settle(..) => {}
            Event::Commit => self.commit(),
            Event::Abort => {
                self.abort();
                // As the dispatcher does in its next turn.
                self.recorded.iter().for_each(|result| self.queue.settle(result, self.now_at));
            }
            Event::Kill => self.kill(),
            Event::RetryGivenUp => drop(self.queue.retry_given_up("a", self.now_at)),
            Event::Disable => self.queue.disable("b", "by hand", self.now_at).unwrap(),
            Event::Enable => ["a", "b", "c"].into_iter().for_each(|name| self.queue.enable(name, self.now_at).unwrap()),
        }
        let said = self.queue.drain_log().into_iter();
        self.logs[1].extend(said.filter_map(|entry| match entry {
            LogEntry::Delivery(event) => Some(event),
            LogEntry::Destination(_) => None,
        }));
    }

    fn intent(&mut self, number: u8, valid_ms: i64) {
        let id = format!("d-{number}");
        // An upstream that repeats itself does so before what it said is over.
        let is_over = self.logs.iter().flatten().any(|event| *event.decision_id == *id && event.step.is_last());
        if is_over {
            return;
        }
        let team_id = if number.is_multiple_of(3) { "web" } else { "sales" };
        let intent = TriggerIntent { valid_until_at: self.now_at + valid_ms, ..intent(&id, team_id) };
        self.queue.enqueue(&intent, self.now_at).unwrap();
        self.intents[1].insert(id);
    }

    fn lease(&mut self) {
        let before = self.queue.overview(self.now_at);
        let listed = self.queue.list(None);
        let leases = lease(&mut self.queue, self.now_at);
        let mut last_due: BTreeMap<Arc<str>, i64> = BTreeMap::new();
        for one in &leases {
            let waiting = listed.iter().find(|waiting| waiting.key == one.key).unwrap();
            let crate::Standing::Due(due_at) = waiting.standing else { panic!("{waiting:?}") };
            assert!(due_at <= self.now_at && waiting.valid_until_at >= self.now_at, "{waiting:?}");
            assert_eq!(one.attempt, waiting.attempts + 1);
            let earlier = last_due.insert(Arc::clone(&one.key.destination), due_at);
            assert!(earlier.is_none_or(|earlier| earlier <= due_at), "in order");
        }
        for (was, is) in before.iter().zip(self.queue.overview(self.now_at)) {
            let places = match was.breaker {
                BreakerState::Closed if was.disabled.is_none() && was.hold_until_at.is_none() => 3,
                BreakerState::HalfOpen if was.disabled.is_none() && was.hold_until_at.is_none() => 1,
                _ => 0,
            };
            assert!(is.in_flight <= was.in_flight.max(places), "{was:?} {is:?}");
        }
        self.on_their_way.extend(leases);
    }

    fn commit(&mut self) {
        for (store, changelog) in self.queue.stores().into_iter().zip(&mut self.changelogs) {
            for (key, value) in store.changes() {
                match value {
                    Some(value) => drop(changelog.insert(key, value)),
                    None => drop(changelog.remove(&key)),
                }
            }
            store.commit();
        }
        self.recorded.clear();
        let [committed, open] = &mut self.intents;
        committed.append(open);
        let [committed, open] = &mut self.logs;
        committed.append(open);
    }

    fn abort(&mut self) {
        self.queue.stores().into_iter().for_each(|store| store.abort());
        self.queue.aborted();
        self.last = None;
        self.intents[1].clear();
        self.logs[1].clear();
    }

    fn kill(&mut self) {
        self.abort();
        self.on_their_way.clear();
        self.recorded.clear();
        self.queue = Queue::new(&self.config).unwrap();
        for (store, changelog) in self.queue.stores().into_iter().zip(&self.changelogs) {
            changelog.iter().for_each(|(key, value)| store.restore(key, Some(value)).unwrap());
        }
    }

    /// Each intent waits or has ended, once for each destination; none is on its way twice at once; what is due when is
    /// what the stores say.
    fn check(&mut self) {
        let mut expected = BTreeSet::new();
        for id in self.intents.iter().flatten() {
            let number: u8 = id.trim_start_matches("d-").parse().unwrap();
            let names = if number.is_multiple_of(3) { &["c"][..] } else { &["a", "b"] };
            expected.extend(names.iter().map(|name| DeliveryKey::new(*name, id.as_str())));
        }
        let mut found: Vec<DeliveryKey> = self.queue.list(None).into_iter().map(|waiting| waiting.key).collect();
        let ends = self.logs.iter().flatten().filter(|event| event.step.is_last());
        found.extend(ends.map(|event| DeliveryKey::new(&*event.destination, &*event.decision_id)));
        found.sort();
        assert_eq!(found, Vec::from_iter(expected));
        let in_flight: usize = self.queue.overview(self.now_at).iter().map(|one| one.in_flight).sum();
        let keys: BTreeSet<&DeliveryKey> = self.on_their_way.iter().map(|lease| &lease.key).collect();
        assert_eq!((in_flight, keys.len()), (self.on_their_way.len(), self.on_their_way.len()), "none twice at once");
        self.queue.refresh();
        self.queue.index.tidy();
        let index = self.queue.index.clone();
        self.queue.is_stale = true;
        self.queue.refresh();
        assert_eq!(index, self.queue.index);
    }

    /// All is well from now on: everything ends, driven by nothing but what the queue says is next.
    fn end_well(&mut self) {
        self.live(&Event::Enable);
        for _ in 0..10_000 {
            self.lease();
            let is_idle = self.on_their_way.is_empty();
            while let Some(lease) = self.on_their_way.pop() {
                self.queue.settle(&finished(&lease, status(200)), self.now_at);
            }
            let Some(next_at) = self.queue.next_wake_at() else { break };
            assert!(!is_idle || next_at > self.now_at, "there is nothing to do now, and yet it says so");
            self.now_at = self.now_at.max(next_at);
        }
        assert_eq!(self.queue.list(None), []);
        self.live(&Event::Commit);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_out_of_order_whatever_happens(events in events()) {
        let mut world = World::new(small());
        for event in &events {
            world.live(event);
            world.check();
        }
        world.end_well();
        world.check();
    }

    #[test]
    fn the_same_events_give_the_same_state_and_log(events in events()) {
        let lived = || {
            let mut world = World::new(small());
            events.iter().for_each(|event| world.live(event));
            world.commit();
            (world.changelogs, world.logs)
        };
        prop_assert_eq!(lived(), lived());
    }

    #[test]
    fn the_troubles_of_one_destination_never_delay_another(
        gaps in prop::collection::vec(0..20 * SECOND_MS, 1..40),
        troubles in prop::collection::vec(prop::option::of(outcomes()), 1..40),
    ) {
        // What the good destination gets, and when, for these troubles of the bad one; `None` never comes back.
        let sent = |troubles: &[Option<Outcome>]| {
            let mut queue = Queue::new(&config(&[("bad", "sales"), ("good", "sales")])).unwrap();
            let mut troubles = troubles.iter().cycle();
            let mut now_at = noon();
            let mut sent = Vec::new();
            for (number, gap) in gaps.iter().enumerate() {
                now_at += gap;
                queue.enqueue(&sales(&format!("d-{number}")), now_at).unwrap();
                for lease in lease(&mut queue, now_at) {
                    if &*lease.key.destination == "good" {
                        sent.push((now_at, lease.key.message_id.to_string(), lease.attempt));
                        let outcome = if number % 7 == 3 { timeout() } else { status(200) };
                        queue.settle(&finished(&lease, outcome), now_at);
                    } else if let Some(Some(outcome)) = troubles.next() {
                        queue.settle(&finished(&lease, outcome.clone()), now_at);
                    }
                }
            }
            sent
        };
        prop_assert_eq!(sent(&troubles), sent(&[Some(status(200))]));
    }
}
