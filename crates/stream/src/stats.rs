//! The accounts of a stage in this process, as of the last commits; metrics and reports read them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::metrics::Restored;
use crate::processor::TaskInfo;
use crate::runtime_state::Count;

/// What a stage has accepted and what became of it, summed over its tasks since its state began.
///
/// `accepted` (over topics) = `processed` + `dead_lettered` + `dropped` (over reasons), exactly: the counts are written in
/// the transactions they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageCounts {
    /// Input records by topic.
    pub accepted: BTreeMap<String, i64>,
    /// Input records that were handled.
    pub processed: i64,
    /// Input records on the dead-letter topic.
    pub dead_lettered: i64,
    /// Input records dropped, by reason.
    pub dropped: BTreeMap<String, i64>,
    /// Output records by topic, changelogs aside.
    pub emitted: BTreeMap<String, i64>,
    /// Timers that fired.
    pub timers_fired: i64,
    /// Timers that failed for good.
    pub timers_poisoned: i64,
}

impl StageCounts {
    /// Adds one count.
    pub fn add(&mut self, count: &Count, by: i64) {
        let slot = match count {
            Count::Accepted(topic) => self.accepted.entry(topic.clone()).or_insert(0),
            Count::Dropped(reason) => self.dropped.entry(reason.clone()).or_insert(0),
            Count::Emitted(topic) => self.emitted.entry(topic.clone()).or_insert(0),
            Count::Processed => &mut self.processed,
            Count::DeadLettered => &mut self.dead_lettered,
            Count::TimersFired => &mut self.timers_fired,
            Count::TimersPoisoned => &mut self.timers_poisoned,
        };
        *slot += by;
    }

    /// Input records of all topics.
    #[must_use]
    pub fn accepted_total(&self) -> i64 {
        self.accepted.values().sum()
    }

    /// Input records dropped for any reason.
    #[must_use]
    pub fn dropped_total(&self) -> i64 {
        self.dropped.values().sum()
    }
}

/// The counts of each task, by leader topic index and partition.
type TaskCounts = BTreeMap<(usize, i32), BTreeMap<Count, i64>>;

/// Where the state of this process came from, and what was kept of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Entries that were read from checkpoints.
    pub checkpoint_entries: u64,
    /// Records that were read from changelogs.
    pub changelog_records: u64,
    /// Time spent on reading checkpoints; takeovers that went on at the same time count each.
    pub checkpoints_took: Duration,
    /// Time spent on reading changelogs.
    pub changelogs_took: Duration,
    /// Checkpoints that were written.
    pub checkpoints_written: u64,
    /// How often copies of the state of others were brought up to date.
    pub standby_passes: u64,
}

/// The accounts of a stage's tasks in this process. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct StageStats {
    tasks: Arc<Mutex<TaskCounts>>,
    recovery: Arc<Mutex<Recovery>>,
    /// What was committed since [`StageStats::take_progress`].
    progress: Arc<Mutex<BTreeMap<Count, i64>>>,
}

impl StageStats {
    /// The sum over the tasks that this process has now.
    #[must_use]
    pub fn counts(&self) -> StageCounts {
        let mut sum = StageCounts::default();
        for (count, by) in self.sums() {
            sum.add(&count, by);
        }
        sum
    }

    /// Each count, summed over the tasks that this process has now.
    pub(crate) fn sums(&self) -> BTreeMap<Count, i64> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums = BTreeMap::new();
        for (count, by) in tasks.values().flatten() {
            match sums.get_mut(count) {
                Some(sum) => *sum += by,
                None => drop(sums.insert(count.clone(), *by)),
            }
        }
        sums
    }

    /// How many tasks this process has now.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Where the state of this process came from since it began.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        *self.recovery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_restored(&self, restored: &Restored) {
        let mut recovery = self.recovery.lock().unwrap_or_else(PoisonError::into_inner);
        recovery.checkpoint_entries += restored.checkpoint.0;
        recovery.changelog_records += restored.changelog.0;
        recovery.checkpoints_took += restored.checkpoint.1;
        recovery.changelogs_took += restored.changelog.1;
    }

    pub(crate) fn add_checkpoint(&self) {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner).checkpoints_written += 1;
    }

    pub(crate) fn add_standby_pass(&self) {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner).standby_passes += 1;
    }

    /// Notes the counts of a task: those it came with when it is new here, else those as of its latest commit.
    pub(crate) fn set(&self, info: TaskInfo, counts: BTreeMap<Count, i64>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = tasks.get(&(info.topic_index, info.partition)) {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            for (count, now) in &counts {
                let by = now - before.get(count).unwrap_or(&0);
                if by != 0 {
                    *progress.entry(count.clone()).or_insert(0) += by;
                }
            }
        }
        tasks.insert((info.topic_index, info.partition), counts);
    }

    /// What was committed in this process since the last call.
    pub(crate) fn take_progress(&self) -> BTreeMap<Count, i64> {
        std::mem::take(&mut *self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn remove(&self, info: TaskInfo) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(&(info.topic_index, info.partition));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_what_was_committed_here_and_not_what_a_task_came_with() {
        let stats = StageStats::default();
        let info = TaskInfo { topic_index: 0, partition: 2 };
        let processed = |count: i64| BTreeMap::from([(Count::Processed, count)]);
        stats.set(info, processed(1_000));
        assert_eq!(stats.take_progress(), BTreeMap::new(), "another process counted these");
        stats.set(info, processed(1_003));
        stats.set(info, processed(1_005));
        assert_eq!(stats.take_progress(), processed(5));
        assert_eq!(stats.take_progress(), BTreeMap::new());
        stats.remove(info);
        stats.set(info, processed(2_000));
        assert_eq!(stats.take_progress(), BTreeMap::new(), "it was away and came back");
        assert_eq!(stats.counts().processed, 2_000);
    }
}
