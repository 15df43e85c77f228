//! A stage that counts, on a broker of its own, in workers that are threads or processes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tributary_model::topics::{Cleanup, DEAD_LETTERS, Partitions, TopicDefinition};
use tributary_stream::{
    BulkPublisher, Checkpoints, Effects, Failure, KafkaSettings, KeyedStore, OutRecord, Processor, Record, Recovery,
    Stage, StageStats, StandbySettings, StateSettings, StateStore, StoreKind, StreamError, Worker, apply_topics,
    changelog_definitions, read_to_end,
};
use tributary_testkit::{Broker, eventually};

const IN: &str = "test.in";
const OUT: &str = "test.out";
pub(crate) const PARTITIONS: u64 = 2;
const SOON: Duration = Duration::from_secs(60);
/// Tells a process which broker it is to work on, and where its checkpoints are.
const BOOTSTRAP_VARIABLE: &str = "TRIBUTARY_TEST_WORKER_BOOTSTRAP";
const DIRECTORY_VARIABLE: &str = "TRIBUTARY_TEST_WORKER_DIRECTORY";
/// Set when its state itself is to be on disk.
const ON_DISK_VARIABLE: &str = "TRIBUTARY_TEST_STATE_ON_DISK";
/// Its instance number, for one that shares the group with others.
const INSTANCE_VARIABLE: &str = "TRIBUTARY_TEST_INSTANCE";

/// Counts records per key and writes the running count out.
struct Counter(KeyedStore<Vec<u8>, i64>);

impl Processor for Counter {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let count = self.0.get_or_insert_with(&input.key, || 0);
        *count += 1;
        effects.emit_bytes(record(OUT, &input.key, count.to_string().into_bytes()));
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.0]
    }
}

fn stage() -> Stage {
    Stage {
        name: "test",
        leader_topics: vec![IN.to_owned()],
        sibling_topics: Vec::new(),
        stores: vec!["counts"],
        allowed_lateness_ms: 0,
        factory: Arc::new(|_| Box::new(Counter(KeyedStore::new("counts", 1)))),
    }
}

fn record(topic: &str, key: &[u8], value: Vec<u8>) -> OutRecord {
    OutRecord { topic: topic.to_owned(), key: key.to_vec(), value: Some(value), headers: Vec::new() }
}

fn settings(bootstrap: &str, instance: u32) -> KafkaSettings {
    KafkaSettings { bootstrap: bootstrap.to_owned(), session_timeout_ms: 6_000, instance, ..KafkaSettings::default() }
}

/// Checkpoints are written once a partition has state and none yet, and then at most this often. On disk, nothing stays
/// in memory once its transaction is over.
fn state_settings(directory: &Path, store: StoreKind, interval_s: u64) -> StateSettings {
    StateSettings {
        store,
        cache_mbytes: 0,
        directory: Some(directory.to_owned()),
        checkpoint_interval_s: interval_s,
        ..StateSettings::default()
    }
}

/// The names of the keys with these numbers.
pub(crate) fn keys(numbers: Range<u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

pub(crate) struct Bed {
    broker: Broker,
    settings: KafkaSettings,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(PARTITIONS as u32)
    }

    /// With so many partitions.
    pub(crate) fn with(partitions: u32) -> Self {
        // With RUST_LOG set, a failing test shows what the workers said.
        drop(tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).try_init());
        let broker = Broker::start().unwrap();
        let settings = KafkaSettings { partitions, ..settings(broker.bootstrap(), 0) };
        let topic = |name: &str| TopicDefinition {
            name: name.to_owned(),
            partitions: Partitions::Configured,
            cleanup: Cleanup::Compact,
        };
        let mut definitions: Vec<_> = [IN, OUT, DEAD_LETTERS].map(topic).into();
        definitions.extend(changelog_definitions(&stage()));
        apply_topics(&settings, &definitions).unwrap();
        Self { broker, settings }
    }

    /// One record for each key.
    pub(crate) fn send(&self, keys: &[String]) {
        Self::send_to(&self.settings, keys);
    }

    fn send_to(settings: &KafkaSettings, keys: &[String]) {
        let publisher = BulkPublisher::new(settings, Duration::from_secs(20)).unwrap();
        keys.iter().for_each(|key| publisher.send(&record(IN, key.as_bytes(), b"x".to_vec())).unwrap());
        publisher.flush(Duration::from_secs(20)).unwrap();
    }

    /// Sends one record for each key again and again until told to stop.
    pub(crate) fn load(&self, keys: Vec<String>) -> Load {
        let is_over = Arc::new(AtomicBool::new(false));
        let (settings, stop) = (self.settings.clone(), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut rounds = 0;
            while !stop.load(Ordering::Acquire) {
                Self::send_to(&settings, &keys);
                rounds += 1;
            }
            rounds
        });
        Load { thread, is_over }
    }

    /// Waits until all of `rounds` rounds over `keys` keys came out, and demands that the count of every key went up by
    /// one with every record, without a gap or a repetition.
    pub(crate) fn came_out_once(&self, keys: usize, rounds: u64) {
        let expected = keys as u64 * rounds;
        let all = eventually(SOON, || (self.output_count() >= expected).then_some(()));
        assert!(all.is_some(), "{} of {expected} records came out", self.output_count());
        let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        read_to_end(&self.settings, OUT, |record| {
            let said: u64 = String::from_utf8(record.value.unwrap()).unwrap().parse().unwrap();
            let count = counts.entry(record.key).or_default();
            assert_eq!(said, *count + 1, "at offset {} of partition {}", record.offset, record.partition);
            *count = said;
        })
        .unwrap();
        assert_eq!(counts.len(), keys);
        assert!(counts.values().all(|count| *count == rounds), "{rounds} rounds: {counts:?}");
    }

    /// A worker in this process; it keeps its checkpoints fresh.
    pub(crate) fn worker(&self, instance: u32, directory: &Path, store: StoreKind) -> Running {
        // Without it, the group would wait for one that has left.
        let settings = KafkaSettings { static_membership: false, ..settings(self.broker.bootstrap(), instance) };
        Running::start(settings, Some(state_settings(directory, store, 1)), None)
    }

    /// A worker in this process that keeps nothing outside of the changelogs.
    pub(crate) fn bare_worker(&self, instance: u32) -> Running {
        let settings = KafkaSettings { static_membership: false, ..settings(self.broker.bootstrap(), instance) };
        Running::start(settings, None, None)
    }

    /// A worker in this process that keeps copies of what others work on.
    pub(crate) fn standby(&self, instance: u32) -> Running {
        let settings = KafkaSettings { static_membership: false, ..settings(self.broker.bootstrap(), instance) };
        let (interval, max_age) = (Duration::from_millis(200), Duration::from_secs(3_600));
        Running::start(settings, None, Some(StandbySettings { interval, max_age }))
    }

    /// Committed records of all changelogs.
    pub(crate) fn changelog_records(&self) -> u64 {
        stage().changelogs().iter().map(|topic| self.count(topic)).sum()
    }

    /// Those of them that are about what the runtime itself remembers.
    pub(crate) fn own_changelog_records(&self) -> u64 {
        stage().changelogs().last().map_or(0, |topic| self.count(topic))
    }

    pub(crate) fn output_count(&self) -> u64 {
        self.count(OUT)
    }

    /// The last output for each key.
    pub(crate) fn last_outputs(&self) -> BTreeMap<String, String> {
        let mut last = BTreeMap::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        read_to_end(&self.settings, OUT, |r| drop(last.insert(text(&r.key), text(&r.value.unwrap())))).unwrap();
        last
    }

    pub(crate) fn checkpoint_files(&self, directory: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(directory.join("test-0")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "checkpoint"));
        files.sort();
        files
    }

    fn count(&self, topic: &str) -> u64 {
        let mut count = 0;
        read_to_end(&self.settings, topic, |_| count += 1).unwrap();
        count
    }
}

/// Input that goes on coming.
pub(crate) struct Load {
    thread: JoinHandle<u64>,
    is_over: Arc<AtomicBool>,
}

impl Load {
    /// Ends it; gives how many rounds were sent.
    pub(crate) fn stop(self) -> u64 {
        self.is_over.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

/// A worker on a thread.
pub(crate) struct Running {
    thread: JoinHandle<Result<(), StreamError>>,
    stop: Arc<AtomicBool>,
    pub(crate) stats: StageStats,
}

impl Running {
    fn start(settings: KafkaSettings, state: Option<StateSettings>, standby: Option<StandbySettings>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stats = StageStats::default();
        let (thread_stop, thread_stats) = (Arc::clone(&stop), stats.clone());
        let thread = std::thread::spawn(move || {
            let contracts = settings.contracts()?;
            let mut worker = Worker::start(stage(), &settings, contracts, 0, thread_stats)?;
            if let Some(checkpoints) = state.and_then(|s| Checkpoints::in_directory(&s, "test", settings.instance)) {
                worker = worker.with_checkpoints(checkpoints);
            }
            if let Some(standby) = standby {
                worker = worker.with_standby(standby);
            }
            worker.run(&thread_stop)
        });
        Self { thread, stop, stats }
    }

    pub(crate) fn accepted(&self) -> i64 {
        self.stats.counts().accepted_total()
    }

    pub(crate) fn until_accepted(&self, count: i64) {
        let done = || self.accepted() >= count || self.thread.is_finished();
        eventually(SOON, || done().then_some(()));
        assert!(self.accepted() >= count, "accepted {} of {count}", self.accepted());
    }

    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap().unwrap();
    }
}

/// What a process has said last about itself.
#[derive(Debug, Default, Clone, Copy)]
struct Said {
    accepted: i64,
    task_count: u64,
    recovery: Recovery,
}

/// A worker that is a process of its own: this test program, with only the test `worker_process`. It writes a checkpoint
/// of each partition that has none, and no second one for an hour.
pub(crate) struct Process {
    child: Child,
    said: Arc<Mutex<Said>>,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(bed: &Bed, directory: Option<&Path>) -> Self {
        Self::start_with(bed, directory, StoreKind::Memory)
    }

    pub(crate) fn start_with(bed: &Bed, directory: Option<&Path>, store: StoreKind) -> Self {
        let mut command = Self::command(bed);
        if let Some(directory) = directory {
            command.env(DIRECTORY_VARIABLE, directory);
        }
        if store == StoreKind::Disk {
            command.env(ON_DISK_VARIABLE, "yes");
        }
        Self::spawn(command)
    }

    /// One of several members, with an instance number of its own.
    pub(crate) fn member(bed: &Bed, instance: u32) -> Self {
        let mut command = Self::command(bed);
        command.env(INSTANCE_VARIABLE, instance.to_string());
        Self::spawn(command)
    }

    fn command(bed: &Bed) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker_process", "--exact", "--ignored", "--nocapture"]);
        command.env(BOOTSTRAP_VARIABLE, bed.broker.bootstrap()).stdout(Stdio::piped());
        command
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(Said::default()));
        let heard = Arc::clone(&said);
        let listener = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(new) = parse(&line) {
                    *heard.lock().unwrap() = new;
                }
            }
        });
        Self { child, said, listener: Some(listener) }
    }

    pub(crate) fn recovery(&self) -> Recovery {
        self.said.lock().unwrap().recovery
    }

    pub(crate) fn task_count(&self) -> u64 {
        self.said.lock().unwrap().task_count
    }

    pub(crate) fn until_accepted(&self, count: i64) {
        eventually(SOON, || (self.accepted() >= count).then_some(()));
        assert!(self.accepted() >= count, "accepted {} of {count}", self.accepted());
    }

    pub(crate) fn accepted(&self) -> i64 {
        self.said.lock().unwrap().accepted
    }

    /// SIGSTOP: it stands still where it is, and its connections stay.
    pub(crate) fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// SIGCONT: it goes on where it stood.
    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// True once it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
    }
}

fn parse(line: &str) -> Option<Said> {
    let numbers: Vec<u64> = line.strip_prefix("said ")?.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [accepted, task_count, checkpoint_entries, changelog_records, checkpoints_written] = numbers[..] else {
        return None;
    };
    let recovery = Recovery { checkpoint_entries, changelog_records, checkpoints_written, ..Recovery::default() };
    Some(Said { accepted: accepted as i64, task_count, recovery })
}

/// What the process does: works, and says how it stands, until it is killed or nobody listens.
pub(crate) fn work_until_killed() {
    let bootstrap = std::env::var(BOOTSTRAP_VARIABLE).unwrap();
    drop(tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter("warn").try_init());
    let store = if std::env::var_os(ON_DISK_VARIABLE).is_some() { StoreKind::Disk } else { StoreKind::Memory };
    let directory = std::env::var_os(DIRECTORY_VARIABLE);
    let state = directory.map(|directory| state_settings(Path::new(&directory), store, 3_600));
    let instance = std::env::var(INSTANCE_VARIABLE).ok();
    let number = instance.as_ref().map_or(0, |number| number.parse().unwrap());
    let settings = KafkaSettings { static_membership: instance.is_none(), ..settings(&bootstrap, number) };
    let running = Running::start(settings, state, None);
    let mut out = std::io::stdout();
    loop {
        std::thread::park_timeout(Duration::from_millis(10));
        let Recovery { checkpoint_entries, changelog_records, checkpoints_written, .. } = running.stats.recovery();
        let (accepted, tasks) = (running.accepted(), running.stats.task_count());
        let line = format!("said {accepted} {tasks} {checkpoint_entries} {changelog_records} {checkpoints_written}\n");
        if running.thread.is_finished() || out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    running.stop();
}
