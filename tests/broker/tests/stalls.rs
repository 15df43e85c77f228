//! Inputs that stand still on a real broker: what is looked at, what is said, and what is not.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tributary_model::topics::{Cleanup, DEAD_LETTERS, Partitions, TopicDefinition};
use tributary_stream::{
    Cause, Effects, Failure, InputWatch, KafkaSettings, OutRecord, Positions, Processor, Pulses, Reader, Record, Stage,
    StageStats, StalledInput, StateStore, TransactionalWriter, Worker, apply_topics, changelog_definitions,
};
use tributary_testkit::{Broker, eventually};

const IN: &str = "test.in";
const LIMIT_S: u64 = 60;

/// Takes records until one says stop, and then waits until it may go on.
struct Gate {
    is_shut: Arc<AtomicBool>,
    waits: Arc<AtomicBool>,
}

impl Processor for Gate {
    fn process(&mut self, input: &Record, _: &mut Effects) -> Result<(), Failure> {
        while input.key == b"stop" && self.is_shut.load(Ordering::Acquire) {
            self.waits.store(true, Ordering::Release);
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        Vec::new()
    }
}

struct Bed {
    _broker: Broker,
    settings: KafkaSettings,
    stage: Stage,
    is_shut: Arc<AtomicBool>,
    waits: Arc<AtomicBool>,
}

impl Bed {
    fn new() -> Self {
        let broker = Broker::start().unwrap();
        let settings = KafkaSettings {
            bootstrap: broker.bootstrap().to_owned(),
            partitions: 1,
            session_timeout_ms: 6_000,
            stalled_after_ms: LIMIT_S * 1_000,
            ..KafkaSettings::default()
        };
        let (is_shut, waits) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (shut, waiting) = (Arc::clone(&is_shut), Arc::clone(&waits));
        let stage = Stage {
            name: "test",
            leader_topics: vec![IN.to_owned()],
            sibling_topics: Vec::new(),
            stores: Vec::new(),
            allowed_lateness_ms: 100,
            factory: Arc::new(move |_| Box::new(Gate { is_shut: Arc::clone(&shut), waits: Arc::clone(&waiting) })),
        };
        let topic = |name: &str| TopicDefinition {
            name: name.to_owned(),
            partitions: Partitions::Configured,
            cleanup: Cleanup::Compact,
        };
        let mut definitions: Vec<_> = [IN, DEAD_LETTERS].map(topic).into();
        definitions.extend(changelog_definitions(&stage));
        apply_topics(&settings, &definitions).unwrap();
        Self { _broker: broker, settings, stage, is_shut, waits }
    }

    /// Writes records in one transaction, so that its end follows them.
    fn write(&self, keys: &[&str]) {
        let record = |key: &&str| {
            let (topic, key) = (IN.to_owned(), key.as_bytes().to_vec());
            (OutRecord { topic, key, value: Some(b"x".to_vec()), headers: Vec::new() }, None)
        };
        let mut writer = TransactionalWriter::new(&self.settings, "writer").unwrap();
        writer.write(&keys.iter().map(record).collect::<Vec<_>>()).unwrap();
    }

    fn until_committed(&self, next: i64) {
        let positions = Positions::new(&self.settings, &self.stage.group()).unwrap();
        let read = || positions.read(&[IN.to_owned()]).unwrap().first().and_then(|position| position.committed);
        let found = eventually(Duration::from_secs(60), || (read() == Some(next)).then_some(()));
        assert!(found.is_some(), "committed is {:?} and not {next}", read());
    }
}

/// Looks every 15 s of a clock of its own, from one time to another.
fn watch(inputs: &mut InputWatch, pulses: &Pulses, (from, to): (u64, u64)) -> Vec<StalledInput> {
    let mut last = Vec::new();
    for second in (from..=to).step_by(15) {
        let mut found = inputs.look(Duration::from_secs(second), pulses, &BTreeSet::new()).unwrap();
        last = found.remove("test").unwrap_or_default();
    }
    last
}

#[test]
fn an_input_that_is_not_read_on_is_stalled_and_the_end_of_a_transaction_is_nothing_to_read() {
    let bed = Bed::new();
    let pulses = Pulses::default();
    let mut inputs = InputWatch::new(&bed.settings, [&bed.stage]).unwrap();
    assert!(inputs.look(Duration::ZERO, &pulses, &BTreeSet::new()).unwrap().is_empty(), "no worker has begun");
    let contracts = bed.settings.contracts().unwrap();
    let worker = Worker::start(bed.stage.clone(), &bed.settings, contracts, 0, StageStats::default()).unwrap();
    pulses.add("test", worker.pulse());
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let thread = std::thread::spawn(move || worker.run(&told));

    bed.write(&["a", "b"]);
    bed.until_committed(2);
    assert_eq!(watch(&mut inputs, &pulses, (15, 600)), [], "only the end of the transaction is left");

    bed.write(&["stop", "c"]);
    assert!(eventually(Duration::from_secs(60), || bed.waits.load(Ordering::Acquire).then_some(())).is_some());
    assert_eq!(watch(&mut inputs, &pulses, (615, 660)), [], "it has its time");
    let stalled = watch(&mut inputs, &pulses, (675, 675));
    let one = stalled.first().unwrap();
    assert_eq!((stalled.len(), one.cause, one.reader), (1, Cause::Unread, Reader::Worker(0)));
    assert_eq!((one.input.clone(), one.next, one.end), ((IN.to_owned(), 0), 2, 6));

    bed.is_shut.store(false, Ordering::Release);
    bed.until_committed(5);
    assert_eq!(watch(&mut inputs, &pulses, (690, 900)), []);
    stop.store(true, Ordering::Release);
    thread.join().unwrap().unwrap();
}
