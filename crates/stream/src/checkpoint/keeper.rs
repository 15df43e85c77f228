//! Keeps the checkpoints of a worker's tasks fresh, one task at a time, in slices between its other work.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::format::{BLOCK_BYTES, Header, Mark, push_entry};
use super::writer::{Job, Writer};
use super::{Checkpoints, name_of};
use crate::disk::Database;
use crate::metrics::StageMetrics;
use crate::processor::{Stage, TaskInfo};
use crate::stats::StageStats;
use crate::takeover::changelog_partition;
use crate::task::Task;

/// Entries that are encoded before the clock is looked at.
const ENTRIES_A_STEP: usize = 64;
/// A slice ends after so much time, if not after so many entries as [`Checkpoints`] says.
const SLICE: Duration = Duration::from_millis(1);
/// After a slice the worker does other things for so many times as long.
const REST: u32 = 4;
/// Pause between two looks at whether a checkpoint is due.
const LOOK: Duration = Duration::from_millis(250);
/// A new file is worth it once the changelogs have grown by this part of the entries.
const WORTHWHILE_PART: i64 = 10;

/// What the last checkpoint of a task is good for.
#[derive(Debug, Clone)]
struct Kept {
    created_at_ms: i64,
    /// Offsets by index of the store.
    next: BTreeMap<usize, i64>,
}

impl Kept {
    fn of(header: &Header) -> Self {
        let next = header.changelogs.iter().enumerate().filter_map(|(store, mark)| Some((store, mark.next?)));
        Self { created_at_ms: header.created_at_ms, next: next.collect() }
    }
}

/// When a task is to be looked at.
struct Plan {
    due: Duration,
    kept: Option<Kept>,
}

/// A checkpoint on its way.
struct Pass {
    number: u64,
    info: TaskInfo,
    kept: Kept,
    started: Duration,
    next_slice: Duration,
    payload: Vec<u8>,
    entries: u64,
    /// Nothing was left to visit, but a transaction was open.
    is_exhausted: bool,
    is_finishing: bool,
    /// What the writer had no room for yet.
    waiting: VecDeque<Job>,
}

/// The checkpoints of a worker's tasks.
pub(crate) struct Keeper {
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) cluster_id: String,
    stage: Stage,
    leader_partitions: i32,
    writer: Writer,
    plans: BTreeMap<TaskInfo, Plan>,
    pass: Option<Pass>,
    next_look: Duration,
    next_tend: Duration,
    passes: u64,
}

impl Keeper {
    pub(crate) fn new(
        checkpoints: Arc<Checkpoints>,
        cluster_id: String,
        stage: &Stage,
        leader_partitions: i32,
    ) -> io::Result<Self> {
        Ok(Self {
            writer: checkpoints.writer()?,
            checkpoints,
            cluster_id,
            stage: stage.clone(),
            leader_partitions,
            plans: BTreeMap::new(),
            pass: None,
            next_look: Duration::ZERO,
            next_tend: Duration::ZERO,
            passes: 0,
        })
    }

    /// A task is worked on from now on; `header` is that of the checkpoint it came from. Without one the first is written
    /// as soon as there is something to write.
    pub(crate) fn begin(&mut self, info: TaskInfo, header: Option<&Header>, now: Duration) {
        let kept = header.map(Kept::of);
        let date = kept.as_ref().map_or_else(|| self.checkpoints.files.clock_ms(), |kept| kept.created_at_ms);
        self.checkpoints.date(info, date);
        let due = if kept.is_some() { now + self.checkpoints.interval } else { now };
        self.plans.insert(info, Plan { due, kept });
    }

    /// A task is not worked on any more. Its file stays: it is good for its offsets.
    pub(crate) fn forget(&mut self, info: TaskInfo) {
        self.plans.remove(&info);
        self.checkpoints.forget(info);
        if self.pass.as_ref().is_some_and(|pass| pass.info == info) {
            self.pass = None;
            // Without room for it the next file takes its place.
            drop(self.writer.take(Job::Abandon));
        }
    }

    /// How long the worker may wait for something else to do, at most `wait`.
    pub(crate) fn patience(&self, now: Duration, wait: Duration) -> Duration {
        match &self.pass {
            Some(pass) if !pass.is_finishing => pass.next_slice.saturating_sub(now).min(wait),
            _ => wait,
        }
    }

    /// How old something may be that is still used.
    pub(crate) fn max_age(&self) -> Duration {
        self.checkpoints.max_age
    }

    /// Where the state itself is, if it is on disk.
    pub(crate) fn database(&self) -> Option<&Arc<Database>> {
        self.checkpoints.database()
    }

    /// The wall clock in milliseconds since 1970.
    pub(crate) fn clock(&self) -> Box<dyn Fn() -> i64 + Send + Sync> {
        let files = Arc::clone(&self.checkpoints.files);
        Box::new(move || files.clock_ms())
    }

    /// What says of something that it is of `task`, and that there is nothing in it.
    pub(crate) fn blank_header(&self, task: &mut Task) -> Header {
        let mut header = self.header(task);
        header.changelogs.iter_mut().for_each(|mark| mark.next = None);
        header
    }

    /// What a checkpoint of `task` has to say about itself if it is made now.
    pub(super) fn header(&self, task: &mut Task) -> Header {
        let info = task.info();
        let changelogs = self.stage.changelogs().into_iter().zip(task.store_versions()).enumerate();
        Header {
            cluster_id: self.cluster_id.clone(),
            stage: self.stage.name.to_owned(),
            topic_index: info.topic_index,
            partition: info.partition,
            created_at_ms: self.checkpoints.files.clock_ms(),
            changelogs: changelogs
                .map(|(store, (topic, store_version))| Mark {
                    topic,
                    partition: changelog_partition(info, self.leader_partitions),
                    store_version,
                    next: task.in_memory_next().find(|(own, _)| *own == store).map(|(_, next)| next),
                })
                .collect(),
        }
    }

    /// Goes on, for about a millisecond. `is_clean`: no transaction is open.
    pub(crate) fn turn(
        &mut self,
        clock: &dyn Fn() -> Duration,
        is_clean: bool,
        tasks: &mut BTreeMap<TaskInfo, Task>,
        stats: &StageStats,
        metrics: &StageMetrics,
    ) {
        let now = clock();
        if self.checkpoints.database().is_some() && self.next_tend <= now {
            self.next_tend = now + LOOK;
            tasks.values().for_each(Task::tend_disk);
        }
        match &self.pass {
            Some(pass) if pass.is_finishing || pass.next_slice <= now || (pass.is_exhausted && is_clean) => {
                self.go_on(clock, tasks, stats, metrics);
            }
            Some(_) => {}
            None if self.next_look <= now => {
                self.next_look = now + LOOK;
                metrics.checkpoint_age(self.checkpoints.oldest_age_ms());
                self.look(now, tasks);
            }
            None => {}
        }
    }

    /// Begins a checkpoint if one is due.
    fn look(&mut self, now: Duration, tasks: &mut BTreeMap<TaskInfo, Task>) {
        let due = self.plans.iter().filter(|(_, plan)| plan.due <= now);
        let info = due.map(|(info, plan)| (*info, plan)).find_map(|(info, plan)| {
            let task = tasks.get_mut(&info)?;
            self.is_worthwhile(plan.kept.as_ref(), task).then_some(info)
        });
        let Some(task) = info.and_then(|info| tasks.get_mut(&info)) else { return };
        let header = self.header(task);
        task.begin_walk();
        self.passes += 1;
        let begin = Job::Begin(self.passes, name_of(task.info()), Box::new(header.clone()));
        self.pass = Some(Pass {
            number: self.passes,
            info: task.info(),
            kept: Kept::of(&header),
            started: now,
            next_slice: now,
            payload: Vec::with_capacity(BLOCK_BYTES),
            entries: 0,
            is_exhausted: false,
            is_finishing: false,
            waiting: VecDeque::from([begin]),
        });
    }

    /// Writing all of the state is worth it when that saves enough replaying, or when the last file is getting old.
    fn is_worthwhile(&self, kept: Option<&Kept>, task: &mut Task) -> bool {
        let Some(kept) = kept else { return task.in_memory_next().next().is_some() };
        let age_ms = self.checkpoints.files.clock_ms().saturating_sub(kept.created_at_ms);
        let grown: i64 =
            task.in_memory_next().map(|(store, next)| next - kept.next.get(&store).copied().unwrap_or(0)).sum();
        let is_old = age_ms.unsigned_abs() > self.checkpoints.max_age.as_millis() as u64 / 2;
        is_old || (grown > 0 && grown * WORTHWHILE_PART >= task.in_memory_len() as i64)
    }

    fn go_on(
        &mut self,
        clock: &dyn Fn() -> Duration,
        tasks: &mut BTreeMap<TaskInfo, Task>,
        stats: &StageStats,
        metrics: &StageMetrics,
    ) {
        let Some(pass) = &mut self.pass else { return };
        let started = clock();
        if !pass.is_finishing
            && pass.waiting.is_empty()
            && let Some(task) = tasks.get_mut(&pass.info)
        {
            pass.slice(clock, task, self.checkpoints.entries_a_slice);
        }
        while let Some(job) = pass.waiting.pop_front() {
            if let Err(job) = self.writer.take(job) {
                pass.waiting.push_front(job);
                break;
            }
        }
        let ended = clock();
        pass.next_slice = ended + (ended.saturating_sub(started) * REST).max(SLICE);
        let Some(outcome) = self.writer.outcome(pass.number) else { return };
        let (info, kept, took) = (pass.info, pass.kept.clone(), ended.saturating_sub(pass.started));
        self.pass = None;
        let Some(plan) = self.plans.get_mut(&info) else { return };
        plan.due = ended + self.checkpoints.interval;
        match outcome {
            Ok(bytes) => {
                self.checkpoints.date(info, kept.created_at_ms);
                self.checkpoints.written(self.stage.name);
                plan.kept = Some(kept);
                metrics.checkpointed(bytes, took);
                stats.add_checkpoint();
            }
            Err(error) => {
                let reason = self.checkpoints.failed(self.stage.name, &name_of(info), &error);
                metrics.checkpoint_failed(reason);
            }
        }
    }
}

impl Pass {
    /// Encodes entries for about a millisecond.
    fn slice(&mut self, clock: &dyn Fn() -> Duration, task: &mut Task, most: usize) {
        let (started, before) = (clock(), self.entries);
        loop {
            let entries = self.entries;
            let is_over = task.walk(ENTRIES_A_STEP.min(most), |store, key, value| {
                push_entry(&mut self.payload, store, key, value);
                self.entries += 1;
            });
            if is_over || self.payload.len() >= BLOCK_BYTES {
                let payload = std::mem::replace(&mut self.payload, Vec::with_capacity(BLOCK_BYTES));
                self.waiting.push_back(Job::Entries(payload));
            }
            if is_over {
                self.is_finishing = true;
                self.waiting.push_back(Job::Finish(self.entries));
                return;
            }
            self.is_exhausted = entries == self.entries;
            let is_enough = self.entries - before >= most as u64;
            if self.is_exhausted || is_enough || clock().saturating_sub(started) >= SLICE {
                return;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.plans.keys().for_each(|info| self.checkpoints.forget(*info));
    }
}
