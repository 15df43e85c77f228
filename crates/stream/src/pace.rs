//! When a stage commits.
//!
//! A commit costs the broker and the client about the same whatever is in it. Stages that others wait for commit as soon as
//! they have read what was there; those that nobody waits for may gather for a while first. Whoever had much to do in its
//! last transaction reads in bursts: what comes next is a moment away, and is waited for.

use std::time::Duration;

use crate::settings::KafkaSettings;

/// A transaction with so many records is one of a stage under load.
const MANY_RECORDS: u64 = 250;
/// Under load a transaction is open for this part of the longest time before it ends for want of more.
const PART_UNDER_LOAD: u32 = 2;

/// When the transactions of one stage end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    interval: Duration,
    records: u64,
    gather: Duration,
    is_under_load: bool,
}

impl Pace {
    /// As the settings have it for `stage`.
    pub(crate) fn new(settings: &KafkaSettings, stage: &str) -> Self {
        let gather = Duration::from_millis(settings.gather_ms.get(stage).copied().unwrap_or(0));
        Self {
            interval: Duration::from_millis(settings.commit_interval_ms).max(gather),
            records: settings.commit_records,
            gather,
            is_under_load: false,
        }
    }

    /// A transaction with so many records has ended.
    pub(crate) fn ended(&mut self, records: u64) {
        self.is_under_load = records >= MANY_RECORDS;
    }

    /// How long a transaction stays open at least.
    fn least(&self) -> Duration {
        if self.is_under_load { self.gather.max(self.interval / PART_UNDER_LOAD) } else { self.gather }
    }

    /// Whether a transaction that has been open for so long, with so many records, ends now.
    pub(crate) fn is_due(&self, open_for: Duration, records: u64, is_drained: bool) -> bool {
        let least = if is_drained { self.least() } else { self.interval };
        open_for >= least || records >= self.records
    }

    /// How long a transaction that has been open for so long waits for more.
    pub(crate) fn patience(&self, open_for: Duration) -> Duration {
        self.least().saturating_sub(open_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pace(stage: &str) -> Pace {
        let gather_ms = [("slow".to_owned(), 200)].into();
        Pace::new(
            &KafkaSettings { commit_interval_ms: 100, commit_records: 10, gather_ms, ..Default::default() },
            stage,
        )
    }

    #[test]
    fn a_stage_that_others_wait_for_commits_as_soon_as_nothing_is_left() {
        let pace = pace("fast");
        assert!(pace.is_due(Duration::ZERO, 1, true));
        assert!(!pace.is_due(99 * MS, 9, false));
        assert!(pace.is_due(100 * MS, 1, false) && pace.is_due(MS, 10, false));
        assert_eq!(pace.patience(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn under_load_the_next_burst_is_waited_for_and_no_longer_than_that() {
        let mut pace = Pace::new(&KafkaSettings { commit_interval_ms: 100, ..Default::default() }, "fast");
        pace.ended(MANY_RECORDS);
        assert!(!pace.is_due(49 * MS, 9, true) && pace.is_due(50 * MS, 9, true));
        assert_eq!(pace.patience(20 * MS), 30 * MS);
        pace.ended(MANY_RECORDS - 1);
        assert!(pace.is_due(Duration::ZERO, 1, true), "nobody waits once there is little to do");
    }

    #[test]
    fn a_stage_that_nobody_waits_for_gathers_first_within_the_same_bounds() {
        let pace = pace("slow");
        assert!(!pace.is_due(199 * MS, 9, true) && !pace.is_due(199 * MS, 9, false));
        assert!(pace.is_due(200 * MS, 1, true) && pace.is_due(200 * MS, 1, false) && pace.is_due(MS, 10, true));
        assert_eq!((pace.patience(50 * MS), pace.patience(300 * MS)), (150 * MS, Duration::ZERO));
    }
}
