//! Exactly once on a real broker: state, output and offsets move together through commits, aborts and restarts.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tributary_model::topics::{Cleanup, DEAD_LETTERS, Partitions, TopicDefinition};
use tributary_stream::{
    BulkPublisher, Effects, Failure, HEADER_CODE, HEADER_OFFSET, KafkaSettings, KeyedStore, OutRecord, Processor,
    Record, Stage, StageStats, StateStore, StreamError, Timer, Worker, apply_topics, changelog_definitions,
    read_to_end,
};
use tributary_testkit::{Broker, eventually};

const IN: &str = "test.in";
const SIDE: &str = "test.side";
const OUT: &str = "test.out";

/// Counts records per key and writes the running count out; a few keys make trouble.
struct Counter {
    counts: KeyedStore<Vec<u8>, i64>,
    trouble: Arc<AtomicI64>,
}

impl Processor for Counter {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let count = self.counts.get_or_insert_with(&input.key, || 0);
        *count += 1;
        let count = *count;
        match input.value.as_deref() {
            Some(b"poison") => return Err(Failure::Poison { code: "bad_value", message: "it says poison".to_owned() }),
            Some(b"panic") => panic!("this step was told to panic"),
            Some(b"retry") if self.trouble.fetch_sub(1, Ordering::AcqRel) > 0 => {
                return Err(Failure::Retry("told to try again".to_owned()));
            }
            Some(b"drop") => effects.drop_input("told_to"),
            Some(b"timer") => effects.set_timer(1_000, input.key.clone()),
            Some(text) if text.starts_with(b"at ") => {
                let at = std::str::from_utf8(&text[3..]).ok().and_then(|text| text.parse().ok());
                effects.observe_event_time(at.unwrap_or(0));
            }
            _ => {}
        }
        effects.emit_bytes(out(&input.key, &count.to_string()));
        Ok(())
    }

    fn on_timer(&mut self, timer: &Timer, effects: &mut Effects) -> Result<(), Failure> {
        effects.emit_bytes(out(&timer.key, &format!("timer {}", timer.at)));
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.counts]
    }
}

fn out(key: &[u8], value: &str) -> OutRecord {
    OutRecord { topic: OUT.to_owned(), key: key.to_vec(), value: Some(value.as_bytes().to_vec()), headers: Vec::new() }
}

struct Bed {
    _broker: Broker,
    settings: KafkaSettings,
    stage: Stage,
}

impl Bed {
    fn new(partitions: u32) -> Self {
        // With RUST_LOG set, a failing test shows what the workers said.
        drop(tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).try_init());
        let broker = Broker::start().unwrap();
        let settings = KafkaSettings {
            bootstrap: broker.bootstrap().to_owned(),
            partitions,
            session_timeout_ms: 6_000,
            idle_after_ms: 300,
            ..KafkaSettings::default()
        };
        let trouble = Arc::new(AtomicI64::new(3));
        let stage = Stage {
            name: "test",
            leader_topics: vec![IN.to_owned()],
            sibling_topics: vec![SIDE.to_owned()],
            stores: vec!["counts"],
            allowed_lateness_ms: 100,
            factory: Arc::new(move |_| {
                Box::new(Counter { counts: KeyedStore::new("counts", 1), trouble: Arc::clone(&trouble) })
            }),
        };
        let topic = |name: &str| TopicDefinition {
            name: name.to_owned(),
            partitions: Partitions::Configured,
            cleanup: Cleanup::Compact,
        };
        let mut definitions: Vec<_> = [IN, SIDE, OUT, DEAD_LETTERS].map(topic).into();
        definitions.extend(changelog_definitions(&stage));
        apply_topics(&settings, &definitions).unwrap();
        Self { _broker: broker, settings, stage }
    }

    fn send(&self, topic: &str, records: &[(&str, &str)]) {
        let publisher = BulkPublisher::new(&self.settings, Duration::from_secs(20)).unwrap();
        for (key, value) in records {
            let record = OutRecord { topic: topic.to_owned(), ..out(key.as_bytes(), value) };
            publisher.send(&record).unwrap();
        }
        publisher.flush(Duration::from_secs(20)).unwrap();
    }

    fn worker(&self, number: u32) -> Running {
        let (stage, settings) = (self.stage.clone(), self.settings.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stats = StageStats::default();
        let (thread_stop, thread_stats) = (Arc::clone(&stop), stats.clone());
        let thread = std::thread::spawn(move || {
            let contracts = settings.contracts()?;
            let worker = Worker::start(stage, &settings, contracts, number, thread_stats);
            let ended = worker.and_then(|worker| worker.run(&thread_stop));
            if let Err(error) = &ended {
                eprintln!("worker {number} ended: {error}");
            }
            ended
        });
        Running { thread, stop, stats }
    }

    /// The last output per key.
    fn last(&self) -> BTreeMap<String, String> {
        let mut last = BTreeMap::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        read_to_end(&self.settings, OUT, |r| drop(last.insert(text(&r.key), text(&r.value.unwrap())))).unwrap();
        last
    }

    fn count(&self, topic: &str) -> usize {
        let mut count = 0;
        read_to_end(&self.settings, topic, |_| count += 1).unwrap();
        count
    }
}

struct Running {
    thread: JoinHandle<Result<(), StreamError>>,
    stop: Arc<AtomicBool>,
    stats: StageStats,
}

impl Running {
    fn accepted(&self) -> i64 {
        self.stats.counts().accepted_total()
    }

    fn until_accepted(&self, count: i64) {
        let done = || self.accepted() >= count || self.thread.is_finished();
        eventually(Duration::from_secs(60), || done().then_some(()));
        assert!(self.accepted() >= count, "accepted {} of {count}: {:?}", self.accepted(), self.stats.counts());
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap().unwrap();
    }
}

#[test]
fn state_survives_a_restart_and_nothing_counts_twice() {
    let bed = Bed::new(3);
    let records: Vec<(String, &str)> = (0..300).map(|n| (format!("k{}", n % 10), "x")).collect();
    let records: Vec<(&str, &str)> = records.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    bed.send(IN, &records);
    let worker = bed.worker(0);
    worker.until_accepted(300);
    worker.stop();
    bed.send(SIDE, &records);
    let worker = bed.worker(0);
    worker.until_accepted(600);
    let counts = worker.stats.counts();
    worker.stop();
    assert!(bed.last().values().all(|value| value == "60"), "{:?}", bed.last());
    assert_eq!(bed.count(OUT), 600);
    assert_eq!(
        (counts.processed, counts.accepted[IN], counts.accepted[SIDE], counts.emitted[OUT]),
        (600, 300, 300, 600)
    );
}

#[test]
fn poison_panic_retry_and_drops_each_have_one_outcome_and_harm_nobody_else() {
    let bed = Bed::new(1);
    bed.send(IN, &[("a", "x"), ("a", "poison"), ("a", "retry"), ("b", "panic"), ("a", "drop"), ("b", "x")]);
    let worker = bed.worker(0);
    worker.until_accepted(6);
    let counts = worker.stats.counts();
    worker.stop();
    assert_eq!(counts.dead_lettered, 2);
    assert_eq!(counts.dropped, BTreeMap::from([("told_to".to_owned(), 1)]));
    assert_eq!(counts.processed, 3);
    assert_eq!(bed.last(), BTreeMap::from([("a".to_owned(), "3".to_owned()), ("b".to_owned(), "1".to_owned())]));
    let mut letters = Vec::new();
    read_to_end(&bed.settings, DEAD_LETTERS, |r| {
        letters.push((
            r.value.clone().unwrap(),
            r.header(HEADER_CODE).unwrap().to_owned(),
            r.header(HEADER_OFFSET).unwrap().to_owned(),
        ));
    })
    .unwrap();
    letters.sort();
    assert_eq!(
        letters,
        [
            (b"panic".to_vec(), "panic".to_owned(), "3".to_owned()),
            (b"poison".to_vec(), "bad_value".to_owned(), "1".to_owned())
        ]
    );
}

#[test]
fn timers_fire_once_on_event_time_and_on_the_clock_when_idle() {
    let bed = Bed::new(1);
    bed.send(IN, &[("late", "at 900"), ("t", "timer")]);
    let worker = bed.worker(0);
    worker.until_accepted(2);
    worker.stop();
    // Event time 900 less the lateness of 100 is before the timer; the clock moves it on while nothing comes.
    let worker = bed.worker(0);
    let fired = eventually(Duration::from_secs(30), || (worker.stats.counts().timers_fired == 1).then_some(()));
    assert!(fired.is_some(), "{:?}", worker.stats.counts());
    bed.send(IN, &[("u", "at 5000"), ("t", "x")]);
    worker.until_accepted(4);
    let counts = worker.stats.counts();
    worker.stop();
    assert_eq!(counts.timers_fired, 1);
    let mut timers = 0;
    read_to_end(&bed.settings, OUT, |r| timers += i32::from(r.value.unwrap().starts_with(b"timer"))).unwrap();
    assert_eq!(timers, 1);
}

#[test]
fn a_second_worker_takes_over_partitions_with_their_state() {
    let bed = Bed::new(4);
    let records: Vec<(String, &str)> = (0..400).map(|n| (format!("k{}", n % 20), "x")).collect();
    let records: Vec<(&str, &str)> = records.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    bed.send(IN, &records);
    let one = bed.worker(0);
    one.until_accepted(400);
    let two = bed.worker(1);
    let shared = eventually(Duration::from_secs(60), || {
        (two.stats.task_count() == 2 && one.stats.task_count() == 2).then_some(())
    });
    assert!(shared.is_some(), "{} and {} tasks", one.stats.task_count(), two.stats.task_count());
    bed.send(IN, &records);
    let all = eventually(Duration::from_secs(60), || (one.accepted() + two.accepted() >= 800).then_some(()));
    assert!(all.is_some(), "{} and {}", one.accepted(), two.accepted());
    one.stop();
    two.stop();
    assert_eq!(bed.count(OUT), 800);
    assert!(bed.last().values().all(|value| value == "40"), "{:?}", bed.last());
}

#[test]
fn a_missing_topic_and_a_wrong_partition_count_are_named() {
    let bed = Bed::new(2);
    let mut stage = bed.stage.clone();
    stage.sibling_topics = vec!["test.missing".to_owned()];
    let error = start_error(&bed, stage);
    assert!(error.contains("test.missing") && error.contains("topics apply"), "{error}");
    let mut stage = bed.stage.clone();
    stage.stores = Vec::new();
    stage.leader_topics.push(SIDE.to_owned());
    stage.sibling_topics = Vec::new();
    let error = start_error(&bed, stage);
    assert!(error.contains("has 2 partitions and must have 4"), "{error}");
}

fn start_error(bed: &Bed, stage: Stage) -> String {
    let contracts = bed.settings.contracts().unwrap();
    Worker::start(stage, &bed.settings, contracts, 9, StageStats::default()).unwrap_err().to_string()
}
