//! One task: a processor with its stores, timers and accounting, and no Kafka. The worker drives it on a broker, the
//! simulation on an in-memory log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tributary_schema::Contracts;

use crate::disk::{Shelf, TaskDisk};
use crate::effects::{Effects, Timer};
use crate::error::Failure;
use crate::open_counts::OpenCounts;
use crate::processor::{Processor, Stage, TaskInfo};
use crate::record::{OutRecord, Record};
use crate::runtime_state::{Count, RuntimeState};
use crate::store::{Change, RestoreError, StateStore};

/// A timer fires at most this often in a row before input is looked at again.
const TIMERS_IN_A_ROW: usize = 10_000;

/// One task.
pub struct Task {
    stage: &'static str,
    info: TaskInfo,
    processor: Box<dyn Processor>,
    state: RuntimeState,
    effects: Effects,
    /// Counts of the open transaction, added to the state before it is committed.
    open_counts: OpenCounts,
    /// Timers whose handling failed for good; they are skipped and counted when the transaction is tried again.
    poisoned_timers: BTreeSet<Timer>,
    /// True when something was handled since the last commit.
    dirty: bool,
    /// The offset behind the last committed record of each changelog, as far as this task has written or read it.
    changelog_next: BTreeMap<usize, i64>,
    /// Where the state is that is on disk.
    disk: Option<Arc<TaskDisk>>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("stage", &self.stage).field("info", &self.info).finish_non_exhaustive()
    }
}

/// The stores of a task while entries are taken over.
pub(crate) struct Restoring<'a> {
    stores: Vec<&'a mut dyn StateStore>,
    state: &'a mut RuntimeState,
    disk: Option<&'a TaskDisk>,
}

impl Restoring<'_> {
    /// True for a store that is on disk.
    pub(crate) fn is_on_disk(&self, store: usize) -> bool {
        self.disk.is_some_and(|disk| disk.has_store(store))
    }

    /// Takes over one entry; `store` is the index of the store, the runtime's own comes last.
    pub(crate) fn restore(&mut self, store: usize, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        match self.stores.get_mut(store) {
            Some(store) => store.restore(key, value),
            None => self.state.restore(key, value),
        }
    }
}

impl Task {
    /// A task without state.
    #[must_use]
    pub fn new(stage: &Stage, info: TaskInfo, contracts: Arc<Contracts>) -> Self {
        Self {
            stage: stage.name,
            info,
            processor: (stage.factory)(info),
            state: RuntimeState::new(stage.allowed_lateness_ms),
            effects: Effects::new(contracts),
            open_counts: OpenCounts::default(),
            poisoned_timers: BTreeSet::new(),
            dirty: false,
            changelog_next: BTreeMap::new(),
            disk: None,
        }
    }

    /// Gives the stores of a task without state their places on disk; false when none of them takes one.
    pub(crate) fn attach(&mut self, disk: &Arc<TaskDisk>) -> bool {
        let mut is_taken = false;
        for (index, store) in self.processor.stores().into_iter().enumerate() {
            if store.attach(Shelf::new(Arc::clone(disk), index)) {
                disk.add_store(index);
                is_taken = true;
            }
        }
        self.disk = is_taken.then(|| Arc::clone(disk));
        is_taken
    }

    /// Puts `empty` in the place of this task, with what is on disk and nothing else.
    pub(crate) fn begin_anew(&mut self, mut empty: Self) {
        if let Some(disk) = self.disk.take() {
            empty.attach(&disk);
        }
        std::mem::swap(self, &mut empty);
        let kept = empty.changelog_next.into_iter().filter(|(store, _)| self.is_on_disk(*store));
        self.changelog_next = kept.collect();
    }

    /// True for a store that is on disk.
    pub(crate) fn is_on_disk(&self, store: usize) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.has_store(store))
    }

    /// Why state that is on disk could not be read: the task must be built anew.
    pub(crate) fn disk_fault(&self) -> Option<String> {
        self.disk.as_ref()?.fault()
    }

    /// Puts on disk what was restored and is not there yet.
    pub(crate) fn flush_disk(&self) {
        if let Some(disk) = &self.disk {
            disk.flush(&self.changelog_next);
        }
    }

    /// Where the state is that is on disk.
    #[cfg(test)]
    pub(crate) fn disk(&self) -> Option<&Arc<TaskDisk>> {
        self.disk.as_ref()
    }

    /// Sees to it that what is on disk is whole, and does not look old.
    pub(crate) fn tend_disk(&self) {
        if let Some(disk) = &self.disk {
            disk.tend(&self.changelog_next);
        }
    }

    /// Which task it is.
    #[must_use]
    pub fn info(&self) -> TaskInfo {
        self.info
    }

    /// True when something was handled since the last commit.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The stores, to take entries over into many at a time.
    pub(crate) fn restoring(&mut self) -> Restoring<'_> {
        Restoring { stores: self.processor.stores(), state: &mut self.state, disk: self.disk.as_deref() }
    }

    /// Takes over one changelog record; `store` is the index of the store, the runtime's own comes last.
    ///
    /// # Errors
    /// [`RestoreError`] when it was written by another version or is corrupt.
    pub fn restore(&mut self, store: usize, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        self.restoring().restore(store, key, value)?;
        if self.disk.as_ref().is_some_and(|disk| disk.is_full()) {
            self.flush_disk();
        }
        Ok(())
    }

    /// Notes that the changelog of `store` has been written or read up to the offset `next`.
    pub fn note_changelog(&mut self, store: usize, next: i64) {
        self.changelog_next.insert(store, next);
    }

    /// The offset up to which each changelog is in this state, by index of the store.
    #[must_use]
    pub fn changelog_next(&self) -> &BTreeMap<usize, i64> {
        &self.changelog_next
    }

    /// The same without the stores that are on disk.
    pub(crate) fn in_memory_next(&self) -> impl Iterator<Item = (usize, i64)> {
        let all = self.changelog_next.iter().map(|(store, next)| (*store, *next));
        all.filter(|(store, _)| !self.is_on_disk(*store))
    }

    /// The versions of the stores, the runtime's own last.
    pub(crate) fn store_versions(&mut self) -> Vec<u8> {
        let own = self.state.version();
        self.processor.stores().iter().map(|store| store.version()).chain([own]).collect()
    }

    /// Begins a walk over the committed state that is in memory, which is that of [`Task::changelog_next`] now.
    pub fn begin_walk(&mut self) {
        let disk = self.disk.clone();
        let is_on_disk = |store: usize| disk.as_ref().is_some_and(|disk| disk.has_store(store));
        let stores = self.processor.stores().into_iter().enumerate();
        stores.filter(|(index, _)| !is_on_disk(*index)).for_each(|(_, store)| store.begin_walk());
        self.state.begin_walk();
    }

    /// Goes on with the walk: hands at most `limit` entries to `each` (index of the store, key, value), as in
    /// [`StateStore::walk`]. True when it is over: then no change is open.
    pub fn walk(&mut self, limit: usize, mut each: impl FnMut(usize, &[u8], &[u8])) -> bool {
        let mut left = limit;
        let disk = self.disk.clone();
        let is_on_disk = |store: usize| disk.as_ref().is_some_and(|disk| disk.has_store(store));
        let mut stores = self.processor.stores();
        stores.push(&mut self.state);
        for (index, store) in stores.into_iter().enumerate().filter(|(index, _)| !is_on_disk(*index)) {
            let mut handed = 0;
            let is_over = store.walk(left, &mut |key, value| {
                handed += 1;
                each(index, key, value);
            });
            left = left.saturating_sub(handed);
            if !is_over {
                return false;
            }
        }
        !self.dirty
    }

    /// Hands all entries to `each` as they are now (index of the store, the runtime's own last; key, value), wherever they are.
    pub fn each_entry(&mut self, mut each: impl FnMut(usize, &[u8], &[u8])) {
        let mut stores = self.processor.stores();
        stores.push(&mut self.state);
        for (index, store) in stores.into_iter().enumerate() {
            store.each_entry(&mut |key, value| each(index, key, value));
        }
    }

    /// Handles one input and then the timers that have become due; what is to be written goes to `out`.
    ///
    /// # Errors
    /// [`Failure`] of the processor; the caller has to abort.
    pub fn handle(&mut self, input: &Record, out: &mut Vec<OutRecord>) -> Result<(), Failure> {
        self.dirty = true;
        self.effects.clear();
        let result = self.processor.process(input, &mut self.effects);
        self.unless_unreadable(result)?;
        self.settle_input(&input.topic, out);
        self.fire_due(out)
    }

    /// Puts an input that was found to be poisonous on the dead-letter topic instead of handling it.
    pub fn dead_letter(&mut self, input: &Record, code: &str, message: &str, out: &mut Vec<OutRecord>) {
        self.dirty = true;
        self.effects.clear();
        self.effects.dead_letter(input, self.stage, code, message);
        self.settle_input(&input.topic, out);
    }

    /// Fires the timers that are due at the watermark.
    ///
    /// # Errors
    /// [`Failure`] of the processor; the caller has to abort.
    pub fn fire_due(&mut self, out: &mut Vec<OutRecord>) -> Result<(), Failure> {
        for _ in 0..TIMERS_IN_A_ROW {
            let Some(timer) = self.state.pop_due() else { return Ok(()) };
            self.dirty = true;
            if self.poisoned_timers.contains(&timer) {
                self.count(Count::TimersPoisoned);
                continue;
            }
            self.effects.clear();
            let result = self.processor.on_timer(&timer, &mut self.effects);
            match self.unless_unreadable(result) {
                Ok(()) => self.count(Count::TimersFired),
                Err(Failure::Poison { code, message }) => {
                    let detail = format!("timer at {} is poisonous and will be skipped: {code}: {message}", timer.at);
                    self.poisoned_timers.insert(timer);
                    return Err(Failure::Retry(detail));
                }
                Err(failure) => return Err(failure),
            }
            self.settle(out);
        }
        Ok(())
    }

    /// Moves event time on by the clock after `elapsed_ms` of silence, if timers wait for it; fires what becomes due.
    ///
    /// # Errors
    /// [`Failure`] of the processor; the caller has to abort.
    pub fn idle(&mut self, elapsed_ms: i64, out: &mut Vec<OutRecord>) -> Result<(), Failure> {
        if self.state.has_timers() {
            self.state.idle(elapsed_ms);
            self.dirty = true;
            self.fire_due(out)?;
        }
        Ok(())
    }

    /// True when the processor has something to do without any input; it is to be committed then.
    pub fn wake(&mut self) -> bool {
        let wakes = self.processor.has_work();
        self.dirty |= wakes;
        wakes
    }

    /// Lets the processor write what it gathered, and closes the accounts of the open transaction.
    ///
    /// # Errors
    /// [`Failure`] of the processor; the caller has to abort.
    pub fn before_commit(&mut self, out: &mut Vec<OutRecord>) -> Result<(), Failure> {
        self.effects.clear();
        let result = self.processor.before_commit(&mut self.effects);
        self.unless_unreadable(result)?;
        self.settle(out);
        for (count, by) in self.open_counts.take() {
            self.state.count(count, by);
        }
        Ok(())
    }

    /// What the changelogs have to say about the open transaction: index of the store and change.
    pub fn changes(&mut self) -> Vec<(usize, Change)> {
        let mut all = Vec::new();
        let stores = self.processor.stores();
        let own = stores.len();
        for (index, store) in stores.iter().enumerate() {
            all.extend(store.changes().into_iter().map(|change| (index, change)));
        }
        all.extend(self.state.changes().into_iter().map(|change| (own, change)));
        all
    }

    /// The open transaction is committed.
    pub fn commit(&mut self) {
        self.processor.stores().into_iter().for_each(StateStore::commit);
        self.state.commit();
        self.flush_disk();
        self.poisoned_timers.clear();
        self.dirty = false;
    }

    /// The open transaction is aborted.
    pub fn abort(&mut self) {
        self.processor.stores().into_iter().for_each(StateStore::abort);
        self.processor.on_abort();
        self.state.abort();
        self.open_counts.clear();
        self.dirty = false;
    }

    /// The task's accounts as of the last commit (or in the open transaction after [`Task::before_commit`]).
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Count, i64> {
        self.state.counts()
    }

    /// The watermark in milliseconds, once an event was seen.
    #[must_use]
    pub fn watermark(&self) -> Option<i64> {
        self.state.watermark()
    }

    /// Entries in all stores.
    pub fn state_len(&mut self) -> usize {
        self.processor.stores().iter().map(|store| store.len()).sum()
    }

    /// Entries in the stores that are in memory.
    pub(crate) fn in_memory_len(&mut self) -> usize {
        let disk = self.disk.clone();
        let is_on_disk = |store: usize| disk.as_ref().is_some_and(|disk| disk.has_store(store));
        let stores = self.processor.stores().into_iter().enumerate();
        stores.filter(|(index, _)| !is_on_disk(*index)).map(|(_, store)| store.len()).sum()
    }

    /// What came of a step, unless it was told that there is nothing where something could not be read.
    fn unless_unreadable<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        match self.disk_fault() {
            Some(why) => Err(Failure::Retry(why)),
            None => result,
        }
    }

    fn count(&mut self, count: Count) {
        self.open_counts.count(count);
    }

    fn settle_input(&mut self, topic: &str, out: &mut Vec<OutRecord>) {
        let outcome = match self.effects.drops.first() {
            _ if self.effects.dead_letters > 0 => Count::DeadLettered,
            Some(drops) => Count::Dropped(drops.reason.to_owned()),
            None => Count::Processed,
        };
        self.open_counts.accepted.add(topic);
        self.count(outcome);
        self.settle(out);
    }

    fn settle(&mut self, out: &mut Vec<OutRecord>) {
        if let Some(event_time) = self.effects.event_time {
            self.state.observe(event_time);
        }
        for key in self.effects.cancelled.drain(..) {
            self.state.cancel_timers(&key);
        }
        for Timer { at, key } in self.effects.timers.drain(..) {
            self.state.set_timer(Timer { at, key });
        }
        for record in self.effects.records.drain(..) {
            self.open_counts.emitted.add(&record.topic);
            out.push(record);
        }
    }
}
