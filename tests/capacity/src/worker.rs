//! What one worker can do: it handles records until its input is drained or the interval is over, and then commits; how
//! much of Kafka that touches.

/// How a worker's time goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Microseconds for a record.
    pub thread_us: f64,
    /// A transaction ends at the latest after so many microseconds.
    pub interval_us: f64,
    /// Or after so many records.
    pub most_records: f64,
}

/// What a worker does under some load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// Commits a second.
    pub commits_per_s: f64,
    /// Records in each.
    pub records: f64,
    /// Microseconds of a commit.
    pub commit_us: f64,
}

impl Pace {
    /// Records a second when there is always one more; `commit_us` says how long the commit of so many takes.
    #[must_use]
    pub fn most_per_s(&self, commit_us: &dyn Fn(f64) -> f64) -> f64 {
        let records = (self.interval_us / self.thread_us).min(self.most_records).max(1.0);
        records / (records * self.thread_us + commit_us(records)) * 1e6
    }

    /// What the worker does with `per_s` records a second. While it commits, records gather; when these are handled the
    /// input is drained and it commits again. So the time that handling leaves is all spent on commits, until a cycle is
    /// as long as the interval.
    #[must_use]
    pub fn cycle(&self, per_s: f64, commit_us: &dyn Fn(f64) -> f64) -> Cycle {
        let busy = (per_s * self.thread_us / 1e6).min(1.0);
        let mut records: f64 = 1.0;
        let mut cycle = Cycle { commits_per_s: 0.0, records, commit_us: 0.0 };
        for _ in 0..50 {
            let commit = commit_us(records);
            let longest = self.interval_us.min(self.most_records * self.thread_us) + commit;
            let drained = if commit > 0.0 { (1.0 - busy) / commit * 1e6 } else { per_s };
            let commits = drained.max(1e6 / longest).min(per_s);
            cycle = Cycle { commits_per_s: commits, records: (per_s / commits.max(1e-9)).max(1.0), commit_us: commit };
            records = cycle.records;
        }
        cycle
    }
}

/// How many of `places` get at least one of so many records that fall anywhere.
pub(crate) fn spread_over(records: f64, places: f64) -> f64 {
    if places <= 1.0 { records.min(1.0) } else { places * (1.0 - libm::pow(1.0 - 1.0 / places, records)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_does_what_commits_leave_it() {
        // 90 ms of records of 100 µs are 900; with a commit of 10 ms that is 900 in 100 ms.
        let pace = Pace { thread_us: 100.0, interval_us: 90_000.0, most_records: 1e9 };
        assert!((pace.most_per_s(&|_| 10_000.0) - 9_000.0).abs() < 1e-6);
        // 300 records end a transaction after 30 ms: 300 in 40 ms.
        let short = Pace { most_records: 300.0, ..pace };
        assert!((short.most_per_s(&|_| 10_000.0) - 7_500.0).abs() < 1e-6);
        // At half its load 5,000 records take half of each second, and commits of 10 ms fill the rest: 50 of 100 records.
        let cycle = pace.cycle(5_000.0, &|_| 10_000.0);
        assert!((cycle.commits_per_s - 50.0).abs() < 1e-6 && (cycle.records - 100.0).abs() < 1e-6, "{cycle:?}");
        // Alone, each record is a transaction; in a flood the interval counts.
        assert!((pace.cycle(2.0, &|_| 10_000.0).commits_per_s - 2.0).abs() < 1e-6);
        assert!((pace.cycle(20_000.0, &|_| 10_000.0).commits_per_s - 10.0).abs() < 1e-6);
    }
}
