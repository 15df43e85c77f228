//! One worker: one thread, one group member, one transactional producer, and the tasks it is assigned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rustc_hash::FxHashMap;
use tributary_schema::Contracts;

use crate::assignment::Assignment;
use crate::error::{Failure, StreamError};
use crate::input::InputBuffer;
use crate::membership::{Change, Membership};
use crate::metrics::StageMetrics;
use crate::processor::Stage;
use crate::record::{OutRecord, Record};
use crate::restore::{changelog_partition, is_transient};
use crate::settings::KafkaSettings;
use crate::stats::StageStats;
use crate::transaction::{TransactionError, Transactions};

/// How long an idle worker waits for a record before it looks at its other duties.
const IDLE_POLL: Duration = Duration::from_millis(20);
/// Records fetched at most between two that are handled.
const FETCHES_IN_A_ROW: usize = 1_000;
/// Pause after an abort, so that a lasting fault does not spin.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Where a record was read.
type Position = (String, i32, i64);

/// One worker of a stage.
pub struct Worker {
    stage: Stage,
    settings: KafkaSettings,
    consumer: BaseConsumer<Membership>,
    transactions: Transactions,
    assignment: Assignment,
    input: InputBuffer,
    stats: StageStats,
    metrics: StageMetrics,
    stop: Arc<AtomicBool>,
    out: Vec<OutRecord>,
    records_in_transaction: u64,
    /// Inputs that were found to be poisonous, with their reason; they are dead-lettered when they come again.
    poisoned: FxHashMap<Position, (String, String)>,
    last_input: Instant,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// Why the transaction at hand cannot be committed.
enum Setback {
    /// Roll back and try again after a pause: the cause may last.
    Abort(String),
    /// Roll back and try again at once: the cause is known and will be passed by.
    Poisoned(String),
    /// Roll back, build the tasks anew and try again: a processor panicked and its state cannot be trusted.
    Rebuild(String),
    /// Stop.
    Stop(StreamError),
}

impl Worker {
    /// Joins the stage's group as member `worker` of this instance. Ends when `stop` becomes true.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer, a topic is missing or not co-partitioned.
    pub fn start(
        stage: Stage,
        settings: &KafkaSettings,
        contracts: Arc<Contracts>,
        worker: u32,
        stats: StageStats,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, StreamError> {
        let member = format!("{}-{}-{worker}", stage.group(), settings.instance);
        let consumer: BaseConsumer<Membership> = settings
            .member(&stage.group(), &member)
            .create_with_context(Membership::default())
            .map_err(StreamError::kafka(format!("making consumer {member}")))?;
        let assignment = Assignment::new(&stage, &consumer, settings, contracts)?;
        let transactions = Transactions::new(settings, &member)?;
        let topics: Vec<&str> = stage.leader_topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(StreamError::kafka(format!("subscribing {member} to {topics:?}")))?;
        Ok(Self {
            metrics: StageMetrics::new(stage.name),
            stage,
            settings: settings.clone(),
            consumer,
            transactions,
            assignment,
            input: InputBuffer::default(),
            stats,
            stop,
            out: Vec::new(),
            records_in_transaction: 0,
            poisoned: FxHashMap::default(),
            last_input: Instant::now(),
        })
    }

    /// Works until told to stop; commits what is open before it ends.
    ///
    /// # Errors
    /// [`StreamError`] when going on would be wrong: the process should end and be started again.
    pub fn run(mut self) -> Result<(), StreamError> {
        while !self.stop.load(Ordering::Acquire) {
            self.turn()?;
        }
        let committed = self.commit();
        self.recover(committed)?;
        self.assignment.clear(&self.stats);
        self.consumer.context().close();
        Ok(())
    }

    /// One turn of the loop: a record or silence, then a commit when it is time.
    fn turn(&mut self) -> Result<(), StreamError> {
        self.fetch()?;
        while let Some(change) = self.consumer.context().next() {
            self.rebalance(change)?;
        }
        let record = self.input.pop();
        let drained = record.is_none();
        let result = match record {
            Some(record) => self.handle(&record),
            None => self.idle(),
        };
        self.recover(result)?;
        let Some(since) = self.transactions.open_since() else { return Ok(()) };
        let due = self.records_in_transaction >= self.settings.commit_records
            || since.elapsed() >= Duration::from_millis(self.settings.commit_interval_ms);
        if drained || due {
            let committed = self.commit();
            self.recover(committed)?;
        }
        Ok(())
    }

    /// Buffers what the broker has sent; waits a little when there is nothing at all to do.
    fn fetch(&mut self) -> Result<(), StreamError> {
        let bound = self.settings.input_buffer_kbytes as usize * 1024;
        for _ in 0..FETCHES_IN_A_ROW {
            let is_busy = !self.input.is_empty() || self.transactions.open_since().is_some();
            if self.input.bytes() >= bound {
                return Ok(());
            }
            match self.consumer.poll(if is_busy { Duration::ZERO } else { IDLE_POLL }) {
                Some(Ok(message)) => self.input.push(to_record(&message)),
                Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => {}
                Some(Err(KafkaError::PartitionEOF(_))) | None => return Ok(()),
                Some(Err(source)) => {
                    return Err(StreamError::kafka(format!("reading for {}", self.stage.name))(source));
                }
            }
        }
        Ok(())
    }

    fn handle(&mut self, record: &Record) -> Result<(), Setback> {
        self.last_input = Instant::now();
        let Some(task) = self.assignment.task_for(&record.topic, record.partition) else {
            return Ok(()); // Prefetched before the partition was given back.
        };
        self.out.clear();
        let position = (record.topic.clone(), record.partition, record.offset);
        if let Some((code, message)) = self.poisoned.get(&position) {
            task.dead_letter(record, code, message, &mut self.out);
        } else {
            match catch_unwind(AssertUnwindSafe(|| task.handle(record, &mut self.out))) {
                Ok(Ok(())) => {}
                Ok(Err(Failure::Poison { code, message })) => {
                    let why = format!("{} is poisonous: {code}: {message}", record.position());
                    self.poisoned.insert(position, (code.to_owned(), message));
                    return Err(Setback::Poisoned(why));
                }
                Ok(Err(failure)) => return Err(self.setback(failure)),
                Err(_) => {
                    let why = format!("the step panicked on {}", record.position());
                    self.poisoned.insert(position, ("panic".to_owned(), "the step panicked".to_owned()));
                    return Err(Setback::Rebuild(why));
                }
            }
        }
        self.assignment.advance(&record.topic, record.partition, record.offset + 1);
        self.records_in_transaction += 1;
        self.write_out()
    }

    /// Nothing came: the clock moves event time on where timers wait.
    fn idle(&mut self) -> Result<(), Setback> {
        let silent = self.last_input.elapsed();
        if self.transactions.open_since().is_some() || silent < Duration::from_millis(self.settings.idle_after_ms) {
            return Ok(());
        }
        self.last_input = Instant::now();
        self.out.clear();
        let mut result = Ok(());
        for task in self.assignment.tasks() {
            result = task.idle(silent.as_millis() as i64, &mut self.out);
            if result.is_err() {
                break;
            }
        }
        if let Err(failure) = result {
            return Err(self.setback(failure));
        }
        if self.assignment.tasks().any(|task| task.is_dirty()) { self.write_out() } else { Ok(()) }
    }

    fn write_out(&mut self) -> Result<(), Setback> {
        self.transactions.begin().map_err(setback_of)?;
        for record in self.out.drain(..) {
            self.transactions.send(&record, None).map_err(setback_of)?;
        }
        self.transactions.poll();
        Ok(())
    }

    /// Closes the open transaction: what the processors gathered, the changelogs, the offsets.
    fn commit(&mut self) -> Result<(), Setback> {
        if self.transactions.open_since().is_none() {
            return Ok(());
        }
        let started = Instant::now();
        let leader_partitions = self.assignment.leader_partitions();
        let changelogs = self.stage.changelogs();
        self.out.clear();
        let mut failure = None;
        for task in self.assignment.tasks().filter(|task| task.is_dirty()) {
            if let Err(error) = task.before_commit(&mut self.out) {
                failure = Some(error);
                break;
            }
        }
        if let Some(failure) = failure {
            return Err(self.setback(failure));
        }
        self.write_out()?;
        for task in self.assignment.tasks().filter(|task| task.is_dirty()) {
            let partition = changelog_partition(task, leader_partitions);
            for (store, (key, value)) in task.changes() {
                let Some(topic) = changelogs.get(store) else { continue };
                let record = OutRecord { topic: topic.clone(), key, value, headers: Vec::new() };
                self.transactions.send(&record, Some(partition)).map_err(setback_of)?;
            }
        }
        let offsets = self.assignment.offsets().map_err(Setback::Stop)?;
        let group =
            self.consumer.group_metadata().ok_or_else(|| Setback::Abort("not a member of the group".to_owned()))?;
        self.transactions.commit(&offsets, &group).map_err(setback_of)?;
        self.assignment.commit(&self.stats);
        self.poisoned.clear();
        self.metrics.committed(self.records_in_transaction, started.elapsed(), &self.stats);
        self.records_in_transaction = 0;
        Ok(())
    }

    /// Acts on a setback: rolls back, and rewinds input and state to the last commit.
    fn recover(&mut self, result: Result<(), Setback>) -> Result<(), StreamError> {
        let (why, rebuild, pause) = match result {
            Ok(()) => return Ok(()),
            Err(Setback::Stop(error)) => {
                if self.transactions.abort().is_err() {
                    tracing::debug!(stage = self.stage.name, "the open transaction is left to the broker's timeout");
                }
                return Err(error);
            }
            Err(Setback::Abort(why)) => (why, false, true),
            Err(Setback::Poisoned(why)) => (why, false, false),
            Err(Setback::Rebuild(why)) => (why, true, false),
        };
        tracing::warn!(stage = self.stage.name, why, "transaction aborted; trying again from the last commit");
        self.metrics.aborted();
        if let Err(TransactionError::Fatal(source) | TransactionError::Abort(source)) = self.transactions.abort() {
            return Err(StreamError::kafka(format!("aborting a transaction of {}", self.stage.name))(source));
        }
        self.records_in_transaction = 0;
        if rebuild {
            self.assignment.rebuild(&self.stats)?;
        } else {
            self.assignment.abort();
        }
        self.input.clear();
        self.assignment.rewind(&self.consumer)?;
        if pause { self.pause_before_retry() } else { Ok(()) }
    }

    /// Waits a little, serving the group meanwhile.
    fn pause_before_retry(&mut self) -> Result<(), StreamError> {
        self.assignment.pause(&self.consumer, true)?;
        let until = Instant::now() + RETRY_PAUSE;
        while Instant::now() < until && !self.stop.load(Ordering::Acquire) {
            let polled = self.consumer.poll(Duration::from_millis(20));
            if let Some(Ok(message)) = polled {
                tracing::trace!(partition = message.partition(), "a record came while paused and will be read again");
            }
        }
        self.assignment.rewind(&self.consumer)?;
        self.assignment.pause(&self.consumer, false)
    }

    fn rebalance(&mut self, change: Change) -> Result<(), StreamError> {
        match change {
            Change::Assigned(partitions) => {
                let started = Instant::now();
                let restored = self.assignment.assign(&self.consumer, &partitions, &self.stats)?;
                let (stage, millis) = (self.stage.name, started.elapsed().as_millis() as u64);
                tracing::info!(stage, ?partitions, restored, millis, "assigned");
                self.metrics.restored(restored, started.elapsed());
                self.last_input = Instant::now();
            }
            Change::Revoked(partitions) => {
                tracing::info!(stage = self.stage.name, ?partitions, "revoked");
                if self.consumer.assignment_lost() {
                    self.recover(Err(Setback::Abort("the assignment was lost".to_owned())))?;
                } else {
                    let committed = self.commit();
                    self.recover(committed)?;
                }
                for (topic, partition) in self.assignment.revoke(&self.consumer, &partitions, &self.stats)? {
                    self.input.remove(&topic, partition);
                }
            }
        }
        Ok(())
    }

    fn setback(&self, failure: Failure) -> Setback {
        match failure {
            Failure::Retry(why) => Setback::Abort(why),
            Failure::Poison { code, message } => Setback::Stop(StreamError::Fatal {
                stage: self.stage.name.to_owned(),
                detail: format!("{code}: {message}"),
            }),
            Failure::Fatal(detail) => Setback::Stop(StreamError::Fatal { stage: self.stage.name.to_owned(), detail }),
        }
    }
}

fn setback_of(error: TransactionError) -> Setback {
    match error {
        TransactionError::Abort(error) => Setback::Abort(error.to_string()),
        TransactionError::Fatal(source) => Setback::Stop(StreamError::kafka("in a transaction")(source)),
    }
}

/// The record in a message of the client.
pub(crate) fn to_record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
    });
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
