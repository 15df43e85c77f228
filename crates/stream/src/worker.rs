//! One worker: one thread, one group member, one transactional producer, and the tasks it is assigned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tributary_schema::Contracts;

use crate::assignment::Assignment;
use crate::checkpoint::Checkpoints;
use crate::client::{Client, GroupChange, Slot, TransactionError};
use crate::error::{Failure, StreamError};
use crate::input::InputBuffer;
use crate::kafka_client::KafkaClient;
use crate::metrics::StageMetrics;
use crate::pace::Pace;
use crate::processor::Stage;
use crate::pulse::Pulse;
use crate::record::{OutRecord, Record};
use crate::setback::Setback;
use crate::settings::KafkaSettings;
use crate::standby::StandbySettings;
use crate::stats::StageStats;

/// How long an idle worker waits for a record before it looks at its other duties.
const IDLE_POLL: Duration = Duration::from_millis(20);
/// Records fetched at most between two that are handled.
const FETCHES_IN_A_ROW: usize = 1_000;
/// Pause after an abort, so that a lasting fault does not spin.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Acknowledgements are looked at once for so many records; a commit takes all that are left.
const SERVE_EVERY: u64 = 32;

/// Where a record was read.
type Position = (String, i32, i64);

/// One worker of a stage.
pub struct Worker<C: Client = KafkaClient> {
    stage: Stage,
    settings: KafkaSettings,
    pace: Pace,
    client: C,
    assignment: Assignment<C>,
    input: InputBuffer,
    stats: StageStats,
    metrics: StageMetrics,
    out: Vec<OutRecord>,
    /// When the open transaction began.
    open_since: Option<Duration>,
    records_in_transaction: u64,
    /// Inputs that were found to be poisonous, with their reason; they are dead-lettered when they come again.
    poisoned: FxHashMap<Position, (String, String)>,
    last_input: Duration,
    /// Partitions on their way are not gone on with before this time while others are worked on.
    next_takeover: Duration,
    /// Nothing is handled before this time: the last transaction was aborted for a cause that may last.
    paused_until: Option<Duration>,
    /// The broker has not yet taken the abort of the last transaction.
    abort_is_due: bool,
    pulse: Pulse,
}

impl<C: Client> std::fmt::Debug for Worker<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Worker<KafkaClient> {
    /// Joins the stage's group on Kafka as member `worker` of this instance.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer, a topic is missing or not co-partitioned.
    pub fn start(
        stage: Stage,
        settings: &KafkaSettings,
        contracts: Arc<Contracts>,
        worker: u32,
        stats: StageStats,
    ) -> Result<Self, StreamError> {
        let client = KafkaClient::new(settings, &stage, worker)?;
        Self::new(client, stage, settings, contracts, stats)
    }
}

impl<C: Client> Worker<C> {
    /// A worker on `client`; joins the stage's group.
    ///
    /// # Errors
    /// [`StreamError`] when the log does not answer, a topic is missing or not co-partitioned.
    pub fn new(
        mut client: C,
        stage: Stage,
        settings: &KafkaSettings,
        contracts: Arc<Contracts>,
        stats: StageStats,
    ) -> Result<Self, StreamError> {
        let assignment = Assignment::new(&stage, &mut client, contracts)?;
        client.subscribe(&stage.leader_topics)?;
        Ok(Self {
            metrics: StageMetrics::new(stage.name),
            pace: Pace::new(settings, stage.name),
            stage,
            settings: settings.clone(),
            last_input: client.now(),
            client,
            assignment,
            input: InputBuffer::default(),
            stats,
            out: Vec::new(),
            open_since: None,
            records_in_transaction: 0,
            poisoned: FxHashMap::default(),
            next_takeover: Duration::ZERO,
            paused_until: None,
            abort_is_due: false,
            pulse: Pulse::default(),
        })
    }

    /// Keeps checkpoints, and takes partitions over from them instead of reading whole changelogs.
    #[must_use]
    pub fn with_checkpoints(mut self, checkpoints: Arc<Checkpoints>) -> Self {
        self.assignment.keep_checkpoints(&mut self.client, checkpoints);
        self
    }

    /// Keeps copies of the state of partitions that others work on, to take them over quickly.
    #[must_use]
    pub fn with_standby(mut self, settings: StandbySettings) -> Self {
        self.assignment.keep_standby(settings);
        self
    }

    /// Works until told to stop; commits what is open before it ends.
    ///
    /// # Errors
    /// [`StreamError`] when going on would be wrong: the process should end and be started again.
    pub fn run(mut self, stop: &AtomicBool) -> Result<(), StreamError> {
        while !stop.load(Ordering::Acquire) {
            self.turn()?;
        }
        self.finish()
    }

    /// Commits what is open and leaves.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub fn finish(mut self) -> Result<(), StreamError> {
        let committed = self.commit();
        self.recover(committed)?;
        self.assignment.clear(&self.stats);
        self.client.close();
        Ok(())
    }

    /// The client, for those who drive the worker turn by turn.
    pub fn client(&mut self) -> &mut C {
        &mut self.client
    }

    /// Hands all state that it works on to `each` (where its changes are written to, key, value), for those who compare it
    /// with what is there.
    pub fn each_entry(&mut self, mut each: impl FnMut(Slot, &[u8], &[u8])) {
        self.assignment.each_entry(&mut each);
    }

    /// What its output is waiting for, for those who watch it.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// One turn of the loop: a record or silence, then a commit when it is time.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub fn turn(&mut self) -> Result<(), StreamError> {
        self.fetch()?;
        while let Some(change) = self.client.next_change() {
            self.rebalance(change)?;
            self.pulse.holds(self.assignment.held());
        }
        self.take_over()?;
        if self.is_paused()? {
            return Ok(());
        }
        let record = self.input.pop();
        let drained = record.is_none();
        let result = match record {
            Some(record) => self.handle(&record),
            None => self.idle(),
        };
        self.recover(result)?;
        if self.open_for().is_some_and(|time| self.pace.is_due(time, self.records_in_transaction, drained)) {
            let committed = self.commit();
            self.recover(committed)?;
        }
        let is_clean = self.open_since.is_none();
        self.assignment.tend_checkpoints(&self.client, is_clean, &self.stats, &self.metrics);
        self.assignment.tend_standby(&mut self.client, &self.stats, &self.metrics);
        Ok(())
    }

    /// For how long a transaction has been open, if one is.
    fn open_for(&self) -> Option<Duration> {
        self.open_since.map(|since| self.client.now().saturating_sub(since))
    }

    /// Buffers what the broker has sent; waits a little when there is nothing at all to do.
    fn fetch(&mut self) -> Result<(), StreamError> {
        let bound = self.settings.input_buffer_kbytes as usize * 1024;
        for _ in 0..FETCHES_IN_A_ROW {
            if self.input.bytes() >= bound {
                return Ok(());
            }
            let is_busy = !self.input.is_empty() || self.assignment.is_taking_over();
            let wait = match self.open_since {
                _ if is_busy => Duration::ZERO,
                Some(since) => self.pace.patience(self.client.now().saturating_sub(since)).min(IDLE_POLL),
                None => IDLE_POLL,
            };
            let wait = if wait.is_zero() { wait } else { self.assignment.patience(&self.client, wait) };
            match self.client.poll(wait)? {
                Some(_) if self.paused_until.is_some() => {} // It is read again after the pause.
                Some(record) => self.input.push(record),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Goes on with the partitions that are being taken over. Waits for the broker only while there is nothing else to do;
    /// partitions that are worked on get as much time as those on their way.
    fn take_over(&mut self) -> Result<(), StreamError> {
        let is_working = self.assignment.is_working();
        let started = self.client.now();
        if !self.assignment.is_taking_over() || (is_working && started < self.next_takeover) {
            return Ok(());
        }
        let wait = if is_working { Duration::from_millis(1) } else { IDLE_POLL };
        let begun = self.assignment.take_over(&mut self.client, wait, &self.stats, &self.metrics)?;
        let ended = self.client.now();
        self.next_takeover = ended + ended.saturating_sub(started);
        if !begun.is_empty() {
            self.pulse.holds(self.assignment.held());
            self.metrics.show_account(&self.stats);
            self.last_input = self.client.now();
        }
        Ok(())
    }

    /// True while handling waits for a cause to pass; reads again from the last commit once it has.
    fn is_paused(&mut self) -> Result<bool, StreamError> {
        match self.paused_until {
            None => Ok(false),
            Some(until) if self.client.now() < until => Ok(true),
            Some(_) if self.abort_is_due => {
                self.abort()?;
                self.paused_until = Some(self.client.now() + RETRY_PAUSE);
                Ok(true)
            }
            Some(_) => {
                self.paused_until = None;
                self.assignment.rewind(&mut self.client)?;
                self.assignment.pause(&mut self.client, false)?;
                Ok(false)
            }
        }
    }

    fn handle(&mut self, record: &Record) -> Result<(), Setback> {
        self.last_input = self.client.now();
        let Some(task) = self.assignment.task_for(&record.topic, record.partition) else {
            return Ok(()); // Prefetched before the partition was given back.
        };
        self.out.clear();
        let position = || (record.topic.clone(), record.partition, record.offset);
        let known = if self.poisoned.is_empty() { None } else { self.poisoned.get(&position()) };
        if let Some((code, message)) = known {
            task.dead_letter(record, code, message, &mut self.out);
        } else {
            match catch_unwind(AssertUnwindSafe(|| task.handle(record, &mut self.out))) {
                Ok(Ok(())) => {}
                Ok(Err(Failure::Poison { code, message })) => {
                    let why = format!("{} is poisonous: {code}: {message}", record.position());
                    self.poisoned.insert(position(), (code.to_owned(), message));
                    return Err(Setback::Poisoned(why));
                }
                Ok(Err(failure)) => return Err(self.setback(failure)),
                Err(_) if self.assignment.disk_fault().is_some() => {
                    return Err(self.setback(Failure::Retry("the step panicked".to_owned())));
                }
                Err(_) => {
                    let why = format!("the step panicked on {}", record.position());
                    self.poisoned.insert(position(), ("panic".to_owned(), "the step panicked".to_owned()));
                    return Err(Setback::Rebuild(why));
                }
            }
        }
        self.assignment.advance(&record.topic, record.partition, record.offset + 1);
        self.records_in_transaction += 1;
        self.write_out()
    }

    /// Nothing came: tasks do what they have to do by themselves, and the clock moves event time on where timers wait.
    fn idle(&mut self) -> Result<(), Setback> {
        if self.open_since.is_none() && self.assignment.wake() {
            self.out.clear();
            return self.write_out();
        }
        let silent = self.client.now().saturating_sub(self.last_input);
        if self.open_since.is_some() || silent < Duration::from_millis(self.settings.idle_after_ms) {
            return Ok(());
        }
        self.last_input = self.client.now();
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
        if self.open_since.is_none() {
            self.client.begin().map_err(|error| self.setback_of(error))?;
            self.open_since = Some(self.client.now());
            self.pulse.opened();
        }
        let sent = self.out.drain(..).try_for_each(|record| self.client.send(record, None));
        sent.map_err(|error| self.setback_of(error))?;
        if self.records_in_transaction.is_multiple_of(SERVE_EVERY) {
            self.client.serve();
        }
        Ok(())
    }

    /// Closes the open transaction: what the processors gathered, the changelogs, the offsets.
    fn commit(&mut self) -> Result<(), Setback> {
        if self.open_since.is_none() {
            return Ok(());
        }
        let started = self.client.now();
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
        self.write_changelogs()?;
        let written = self.client.commit(&self.assignment.offsets()).map_err(|error| self.setback_of(error))?;
        self.open_since = None;
        self.pulse.settled();
        self.assignment.commit(&written, &self.stats);
        self.poisoned.clear();
        let took = self.client.now().saturating_sub(started);
        self.metrics.committed(took, &self.stats);
        self.pace.ended(self.records_in_transaction);
        self.records_in_transaction = 0;
        Ok(())
    }

    fn write_changelogs(&mut self) -> Result<(), Setback> {
        let changelogs = self.stage.changelogs();
        let mut changes = Vec::new();
        for task in self.assignment.tasks().filter(|task| task.is_dirty()) {
            let info = task.info();
            changes.extend(task.changes().into_iter().map(|(store, change)| (info, store, change)));
        }
        for (info, store, (key, value)) in changes {
            let Some(topic) = changelogs.get(store) else { continue };
            let record = OutRecord { topic: topic.clone(), key, value, headers: Vec::new() };
            let slot = self.assignment.slot(info, store);
            self.client.send(record, Some(slot)).map_err(|error| self.setback_of(error))?;
        }
        Ok(())
    }

    /// Acts on a setback: rolls back, and rewinds input and state to the last commit.
    fn recover(&mut self, result: Result<(), Setback>) -> Result<(), StreamError> {
        let (why, rebuild, pause) = match result {
            Ok(()) => return Ok(()),
            Err(Setback::Stop(error)) => {
                if self.client.abort().is_err() {
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
        self.pulse.aborted(&why);
        self.abort()?;
        self.open_since = None;
        self.records_in_transaction = 0;
        self.input.clear();
        if rebuild {
            self.assignment.rebuild(&mut self.client, &self.stats)?;
            self.pulse.holds(self.assignment.held());
        } else {
            self.assignment.abort();
        }
        if pause || self.abort_is_due {
            self.assignment.pause(&mut self.client, true)?;
            self.paused_until = Some(self.client.now() + RETRY_PAUSE);
            Ok(())
        } else if rebuild {
            Ok(())
        } else {
            self.assignment.rewind(&mut self.client)
        }
    }

    /// Ends the open transaction; when the broker does not answer, nothing is handled before it has.
    fn abort(&mut self) -> Result<(), StreamError> {
        match self.client.abort() {
            Ok(()) => self.abort_is_due = false,
            Err(TransactionError::Abort(why)) => {
                tracing::warn!(stage = self.stage.name, why, "the broker does not take an abort; asking again");
                self.abort_is_due = true;
            }
            Err(error @ TransactionError::Fatal(_)) => return Err(self.fenced(&error)),
        }
        Ok(())
    }

    fn rebalance(&mut self, change: GroupChange) -> Result<(), StreamError> {
        match change {
            GroupChange::Assigned(partitions) => {
                tracing::info!(stage = self.stage.name, ?partitions, "assigned");
                self.assignment.assign(&mut self.client, &partitions)
            }
            GroupChange::Revoked(partitions) => {
                let lost = self.client.is_assignment_lost();
                tracing::info!(stage = self.stage.name, ?partitions, lost, "revoked");
                let closed = if lost && self.open_since.is_some() {
                    Err(Setback::Abort("the assignment was lost".to_owned()))
                } else {
                    self.commit()
                };
                self.recover(closed)?;
                for (topic, partition) in self.assignment.revoke(&mut self.client, &partitions, &self.stats)? {
                    self.input.remove(&topic, partition);
                }
                // What waited may belong to somebody else now; what stayed waits anew.
                self.pulse.settled();
                self.metrics.show_account(&self.stats);
                Ok(())
            }
        }
    }

    fn setback(&self, failure: Failure) -> Setback {
        if let Some(why) = self.assignment.disk_fault() {
            return Setback::Rebuild(why);
        }
        match failure {
            Failure::Retry(why) => Setback::Abort(why),
            Failure::Poison { code, message } => Setback::Stop(StreamError::Fatal {
                stage: self.stage.name.to_owned(),
                detail: format!("{code}: {message}"),
            }),
            Failure::Fatal(detail) => Setback::Stop(StreamError::Fatal { stage: self.stage.name.to_owned(), detail }),
        }
    }

    fn setback_of(&self, error: TransactionError) -> Setback {
        match error {
            TransactionError::Abort(why) => Setback::Abort(why),
            TransactionError::Fatal(_) => Setback::Stop(self.fenced(&error)),
        }
    }

    fn fenced(&self, error: &TransactionError) -> StreamError {
        StreamError::Fenced { stage: self.stage.name.to_owned(), detail: error.to_string() }
    }
}
