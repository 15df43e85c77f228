//! The hub's own stages on one thread without a log: what each of them costs for an event, and what a person takes up in memory.
//!
//! The tasks are those of the hub, with their stores, decoders and encoders; a queue stands where the hub has a topic, and
//! what goes to changelogs is encoded and thrown away. What is missing is the client's part: `just bench` measures it with
//! the hub on a broker.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tributary_model::Pseudonymizer;
use tributary_schema::Contracts;
use tributary_stream::{OutRecord, Record, Stage, Task, TaskInfo};
use tributary_tributary::cli::Service;
use tributary_tributary::compose::Definition;
use tributary_tributary::config::HubConfig;

use crate::codec::{Again, Clock, again};

/// Records of a transaction, at most.
const COMMIT_RECORDS: usize = 1_000;

/// What a stage has used, in microseconds of CPU.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StageCost {
    /// Records it has read.
    pub records: u64,
    /// Records it has written, changelogs aside.
    pub written: u64,
    /// Bytes of these.
    pub written_bytes: u64,
    /// Records it has written to changelogs.
    pub changes: u64,
    /// Bytes of these.
    pub change_bytes: u64,
    /// Handling the records: decoding, the step itself, encoding what it says at once.
    pub handling_us: f64,
    /// What is gathered until the commit.
    pub gathering_us: f64,
    /// Encoding changes for the changelogs, and making them the committed state.
    pub changelog_us: f64,
    /// Decoding what it read, as often as it did: this is part of the handling.
    pub decoding_us: f64,
    /// Encoding what it wrote, changelogs aside: this is part of the handling and the gathering.
    pub encoding_us: f64,
}

impl StageCost {
    /// All of it.
    #[must_use]
    pub fn total_us(&self) -> f64 {
        self.handling_us + self.gathering_us + self.changelog_us
    }

    /// What is left of handling and gathering without decoding and encoding.
    #[must_use]
    pub fn step_us(&self) -> f64 {
        (self.handling_us + self.gathering_us - self.decoding_us - self.encoding_us).max(0.0)
    }
}

impl AddAssign for StageCost {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.written += other.written;
        self.written_bytes += other.written_bytes;
        self.changes += other.changes;
        self.change_bytes += other.change_bytes;
        self.handling_us += other.handling_us;
        self.gathering_us += other.gathering_us;
        self.changelog_us += other.changelog_us;
        self.decoding_us += other.decoding_us;
        self.encoding_us += other.encoding_us;
    }
}

/// One stage with a task for each of its leader topics, or for the one leader with its siblings.
struct Seat {
    name: &'static str,
    tasks: Vec<Task>,
    /// Which task reads a topic.
    reads: HashMap<String, usize>,
    queue: VecDeque<Record>,
    cost: StageCost,
}

/// The stages, and what is on its way between them.
pub struct InlineHub {
    seats: Vec<Seat>,
    offsets: HashMap<String, i64>,
    contracts: Arc<Contracts>,
    clock: Clock,
    /// What was under way, for those who listen.
    heard: Option<Vec<OutRecord>>,
}

impl std::fmt::Debug for InlineHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InlineHub").field("stages", &self.seats.len()).finish_non_exhaustive()
    }
}

impl InlineHub {
    /// All stages that the default configuration has, with the triggers that are shipped.
    ///
    /// # Errors
    /// When a definition is broken.
    pub fn new() -> Result<Self> {
        Self::of(&HubConfig::default())
    }

    /// All stages that the default configuration has, without triggers.
    ///
    /// # Errors
    /// When a definition is broken.
    pub fn without_triggers() -> Result<Self> {
        let mut config = HubConfig::default();
        config.triggers.builtin = false;
        Self::of(&config)
    }

    fn of(config: &HubConfig) -> Result<Self> {
        let definition = Definition::read(config)?;
        let tables = definition.fixed_tables(config)?;
        let pseudonymizer = Pseudonymizer::new(b"a key for a bench that is nobody's")?;
        let staffed = definition.staffed(config, Service::All, &tables, pseudonymizer)?;
        let contracts = Contracts::single_object()?;
        let seats = staffed.into_iter().map(|staffed| Seat::new(&staffed.stage, &contracts)).collect();
        Ok(Self { seats, offsets: HashMap::new(), contracts, clock: cpu_time, heard: None })
    }

    /// Without looking at the clock, for those who count instructions: how the system tells the time is hidden from a
    /// program under Valgrind.
    #[must_use]
    pub fn untimed(self) -> Self {
        Self { clock: || Duration::ZERO, ..self }
    }

    /// Keeps a copy of all that is under way from now on.
    pub fn listen(&mut self) {
        self.heard = Some(Vec::new());
    }

    /// What was heard since [`InlineHub::listen`].
    pub fn take_heard(&mut self) -> Vec<OutRecord> {
        self.heard.take().unwrap_or_default()
    }

    /// Takes records in and works until nothing is on its way.
    ///
    /// # Errors
    /// When a stage refuses a record.
    pub fn take(&mut self, records: Vec<OutRecord>) -> Result<()> {
        self.deliver(records);
        while let Some(place) = self.seats.iter().position(|seat| !seat.queue.is_empty()) {
            let out = self.seats[place].work(&self.contracts, self.clock)?;
            self.deliver(out);
        }
        Ok(())
    }

    /// What the stages have used since the last call, by name.
    pub fn take_costs(&mut self) -> BTreeMap<String, StageCost> {
        self.seats.iter_mut().map(|seat| (seat.name.to_owned(), std::mem::take(&mut seat.cost))).collect()
    }

    /// Entries in the stores of each stage.
    pub fn entries(&mut self) -> BTreeMap<String, usize> {
        let of = |seat: &mut Seat| seat.tasks.iter_mut().map(Task::state_len).sum();
        self.seats.iter_mut().map(|seat| (seat.name.to_owned(), of(seat))).collect()
    }

    fn deliver(&mut self, records: Vec<OutRecord>) {
        if let Some(heard) = &mut self.heard {
            heard.extend_from_slice(&records);
        }
        for OutRecord { topic, key, value, headers } in records {
            let readers = self.seats.iter_mut().filter(|seat| seat.reads.contains_key(&topic));
            let offset = self.offsets.entry(topic.clone()).or_default();
            for seat in readers {
                let (topic, key, value, headers) = (topic.clone(), key.clone(), value.clone(), headers.clone());
                let record =
                    Record { topic, partition: 0, offset: *offset, timestamp_ms: Some(*offset), key, value, headers };
                seat.queue.push_back(record);
            }
            *offset += 1;
        }
    }
}

impl Seat {
    fn new(stage: &Stage, contracts: &Arc<Contracts>) -> Self {
        let mut reads = HashMap::new();
        let mut tasks = Vec::new();
        for (topic_index, topic) in stage.leader_topics.iter().enumerate() {
            tasks.push(Task::new(stage, TaskInfo { topic_index, partition: 0 }, Arc::clone(contracts)));
            reads.insert(topic.clone(), topic_index);
        }
        reads.extend(stage.sibling_topics.iter().map(|topic| (topic.clone(), 0)));
        Self { name: stage.name, tasks, reads, queue: VecDeque::new(), cost: StageCost::default() }
    }

    /// One transaction.
    fn work(&mut self, contracts: &Contracts, clock: Clock) -> Result<Vec<OutRecord>> {
        let mut out = Vec::new();
        let read: Vec<Record> = self.queue.drain(..self.queue.len().min(COMMIT_RECORDS)).collect();
        let started = clock();
        for record in &read {
            let task = self.reads.get(&record.topic).and_then(|place| self.tasks.get_mut(*place));
            let task = task.context("a record that nobody reads")?;
            let result = task.handle(record, &mut out);
            ensure!(result.is_ok(), "{} refused {}: {result:?}", self.name, record.position());
        }
        let handled = clock();
        for task in self.tasks.iter_mut().filter(|task| task.is_dirty()) {
            let result = task.before_commit(&mut out);
            ensure!(result.is_ok(), "{} cannot commit: {result:?}", self.name);
        }
        let gathered = clock();
        for task in self.tasks.iter_mut().filter(|task| task.is_dirty()) {
            let changes = task.changes();
            self.cost.changes += changes.len() as u64;
            let bytes = changes.iter().map(|(_, (key, value))| key.len() + value.as_ref().map_or(0, Vec::len));
            self.cost.change_bytes += bytes.sum::<usize>() as u64;
            drop(changes);
            task.commit();
        }
        let committed = clock();
        let us = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 1e6;
        self.cost.records += read.len() as u64;
        self.cost.handling_us += us(started, handled);
        self.cost.gathering_us += us(handled, gathered);
        self.cost.changelog_us += us(gathered, committed);
        self.cost.written += out.len() as u64;
        let bytes = out.iter().map(|record| record.key.len() + record.value.as_ref().map_or(0, Vec::len));
        self.cost.written_bytes += bytes.sum::<usize>() as u64;
        if committed > Duration::ZERO {
            let read = read.iter().map(|record| (record.topic.as_str(), record.value.as_deref())).collect();
            self.cost.decoding_us += again(Again::Decode, contracts, clock, read)?;
            let written = out.iter().map(|record| (record.topic.as_str(), record.value.as_deref())).collect();
            self.cost.encoding_us += again(Again::Encode, contracts, clock, written)?;
        }
        Ok(out)
    }
}

/// CPU that this thread has used.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
