//! Metrics of the runtime, counted per transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::runtime_state::Count;
use crate::stats::StageStats;

/// Name, kind and help of a metric, for the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricDescription {
    /// Its name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// What it says, in one sentence.
    pub help: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

/// All metrics of the runtime.
pub const METRICS: &[MetricDescription] = &[
    MetricDescription {
        name: "tributary_stream_records",
        kind: "gauge",
        help: "Input records of a stage since its state began, by what became of them; accepted equals the sum of the others.",
        labels: &["stage", "outcome", "reason"],
    },
    MetricDescription {
        name: "tributary_stream_emitted_records",
        kind: "gauge",
        help: "Output records of a stage since its state began, by topic.",
        labels: &["stage", "topic"],
    },
    MetricDescription {
        name: "tributary_stream_transactions_total",
        kind: "counter",
        help: "Transactions of a stage, committed or aborted.",
        labels: &["stage", "result"],
    },
    MetricDescription {
        name: "tributary_stream_commit_seconds",
        kind: "histogram",
        help: "Time from deciding to commit to the broker's word.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_accepted_records_total",
        kind: "counter",
        help: "Input records in committed transactions of this process, by topic.",
        labels: &["stage", "topic"],
    },
    MetricDescription {
        name: "tributary_stream_processed_records_total",
        kind: "counter",
        help: "Of the accepted records, those that were handled.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_dead_lettered_records_total",
        kind: "counter",
        help: "Of the accepted records, those on the dead-letter topic.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_dropped_records_total",
        kind: "counter",
        help: "Of the accepted records, those dropped, by reason.",
        labels: &["stage", "reason"],
    },
    MetricDescription {
        name: "tributary_stream_output_records_total",
        kind: "counter",
        help: "Output records in committed transactions of this process, by topic, changelogs aside.",
        labels: &["stage", "topic"],
    },
    MetricDescription {
        name: "tributary_stream_timers_total",
        kind: "counter",
        help: "Timers in committed transactions of this process: fired, or skipped because they are poisonous.",
        labels: &["stage", "result"],
    },
    MetricDescription {
        name: "tributary_stream_restored_records_total",
        kind: "counter",
        help: "Entries of checkpoints and records of changelogs read to restore state, by source.",
        labels: &["stage", "source"],
    },
    MetricDescription {
        name: "tributary_stream_restore_source_seconds",
        kind: "histogram",
        help: "Time spent reading checkpoints, and then changelogs, to restore state, by source.",
        labels: &["stage", "source"],
    },
    MetricDescription {
        name: "tributary_stream_restore_seconds",
        kind: "histogram",
        help: "Time from assignment of partitions to being back in service.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_checkpoint_age_seconds",
        kind: "gauge",
        help: "Age of the oldest checkpoint among a stage's partitions here; a partition without one counts from its takeover.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_standby_entries",
        kind: "gauge",
        help: "Entries of state in copies of partitions that others work on.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_checkpoint_seconds",
        kind: "histogram",
        help: "Time from beginning a checkpoint of one partition to its being durable.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_checkpoint_bytes_total",
        kind: "counter",
        help: "Bytes of complete checkpoints.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_checkpoint_failures_total",
        kind: "counter",
        help: "Checkpoints that could not be written, by reason.",
        labels: &["stage", "reason"],
    },
    MetricDescription {
        name: "tributary_stream_checkpoints_refused_total",
        kind: "counter",
        help: "Checkpoints that were not used to restore state, by reason; the changelog was read instead.",
        labels: &["stage", "reason"],
    },
    MetricDescription {
        name: "tributary_stream_disk_reads_total",
        kind: "counter",
        help: "Reads of state on disk, of what was not in memory.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_disk_failures_total",
        kind: "counter",
        help: "Writes of state on disk that failed, by reason; what they were to write is kept in memory.",
        labels: &["stage", "reason"],
    },
    MetricDescription {
        name: "tributary_stream_disk_refused_total",
        kind: "counter",
        help: "State on disk that was thrown away and read from the changelogs instead, by reason.",
        labels: &["stage", "reason"],
    },
    MetricDescription {
        name: "tributary_stream_lag_records",
        kind: "gauge",
        help: "Offsets that a stage has not read yet, by topic; ends of transactions count too.",
        labels: &["stage", "topic"],
    },
    MetricDescription {
        name: "tributary_stream_output_stuck_workers",
        kind: "gauge",
        help: "Workers of this process that have been unable to commit for longer than kafka.stuck_after_ms.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_input_stalled_partitions",
        kind: "gauge",
        help: "Input partitions of a stage that have something to read and were not read on for longer than kafka.stalled_after_ms.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_broker_up",
        kind: "gauge",
        help: "1 while the broker answers this process, else 0.",
        labels: &[],
    },
];

/// Handles of one worker.
pub(crate) struct StageMetrics {
    stage: &'static str,
    committed: Counter,
    aborted: Counter,
    commit_seconds: Histogram,
    restored: [Counter; 2],
    restore_source_seconds: [Histogram; 2],
    restore_seconds: Histogram,
    checkpoint_age: Gauge,
    checkpoint_seconds: Histogram,
    checkpoint_bytes: Counter,
    /// Gauges of the account; one that was shown is set to zero when its tasks have gone elsewhere.
    account: BTreeMap<Count, Gauge>,
    accepted: Gauge,
    progress: BTreeMap<Count, Counter>,
}

/// Where state comes from, in this order.
const SOURCES: [&str; 2] = ["checkpoint", "changelog"];

/// How state was restored.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Restored {
    /// From checkpoints: entries, and the time that took.
    pub(crate) checkpoint: (u64, Duration),
    /// From changelogs: records, and the time that took.
    pub(crate) changelog: (u64, Duration),
    /// From assignment to being back in service.
    pub(crate) took: Duration,
}

impl StageMetrics {
    pub(crate) fn new(stage: &'static str) -> Self {
        let transactions = |result: &'static str| counter!("tributary_stream_transactions_total", "stage" => stage, "result" => result);
        Self {
            stage,
            committed: transactions("committed"),
            aborted: transactions("aborted"),
            commit_seconds: histogram!("tributary_stream_commit_seconds", "stage" => stage),
            restored: SOURCES.map(
                |source| counter!("tributary_stream_restored_records_total", "stage" => stage, "source" => source),
            ),
            restore_source_seconds: SOURCES.map(
                |source| histogram!("tributary_stream_restore_source_seconds", "stage" => stage, "source" => source),
            ),
            restore_seconds: histogram!("tributary_stream_restore_seconds", "stage" => stage),
            checkpoint_age: gauge!("tributary_stream_checkpoint_age_seconds", "stage" => stage),
            checkpoint_seconds: histogram!("tributary_stream_checkpoint_seconds", "stage" => stage),
            checkpoint_bytes: counter!("tributary_stream_checkpoint_bytes_total", "stage" => stage),
            account: BTreeMap::new(),
            accepted: account_gauge(stage, "accepted", ""),
            progress: BTreeMap::new(),
        }
    }

    /// A transaction was committed in `took`.
    pub(crate) fn committed(&mut self, took: Duration, stats: &StageStats) {
        self.committed.increment(1);
        self.commit_seconds.record(took.as_secs_f64());
        for (count, by) in stats.take_progress() {
            let stage = self.stage;
            let counter = self.progress.entry(count).or_insert_with_key(|count| progress_counter(stage, count));
            counter.increment(u64::try_from(by).unwrap_or(0));
        }
        self.show_account(stats);
    }

    /// Shows the account of the tasks that this process has now.
    pub(crate) fn show_account(&mut self, stats: &StageStats) {
        let counts = stats.sums();
        for count in counts.keys().filter(|count| !matches!(count, Count::Accepted(_))) {
            if !self.account.contains_key(count)
                && let Some(gauge) = gauge_of(self.stage, count)
            {
                self.account.insert(count.clone(), gauge);
            }
        }
        for (count, gauge) in &self.account {
            gauge.set(counts.get(count).copied().unwrap_or(0) as f64);
        }
        let accepted: i64 =
            counts.iter().filter(|(count, _)| matches!(count, Count::Accepted(_))).map(|(_, by)| by).sum();
        self.accepted.set(accepted as f64);
    }

    pub(crate) fn aborted(&self) {
        self.aborted.increment(1);
    }

    pub(crate) fn restored(&self, restored: &Restored) {
        let by_source = [restored.checkpoint, restored.changelog];
        for (place, (records, took)) in by_source.into_iter().enumerate() {
            self.restored[place].increment(records);
            self.restore_source_seconds[place].record(took.as_secs_f64());
        }
        self.restore_seconds.record(restored.took.as_secs_f64());
    }

    pub(crate) fn stage(&self) -> &'static str {
        self.stage
    }

    pub(crate) fn checkpointed(&self, bytes: u64, took: Duration) {
        self.checkpoint_bytes.increment(bytes);
        self.checkpoint_seconds.record(took.as_secs_f64());
    }

    pub(crate) fn checkpoint_age(&self, oldest_ms: i64) {
        self.checkpoint_age.set(oldest_ms as f64 / 1_000.0);
    }

    /// The copies of one worker have grown by so many entries.
    pub(crate) fn standby_grew(&self, by: i64) {
        gauge!("tributary_stream_standby_entries", "stage" => self.stage).increment(by as f64);
    }

    pub(crate) fn checkpoint_failed(&self, reason: &'static str) {
        counter!("tributary_stream_checkpoint_failures_total", "stage" => self.stage, "reason" => reason).increment(1);
    }

    pub(crate) fn checkpoint_refused(&self, reason: &'static str) {
        counter!("tributary_stream_checkpoints_refused_total", "stage" => self.stage, "reason" => reason).increment(1);
    }
}

/// Counts the reads of state on disk.
pub(crate) fn disk_reads(stage: &str) -> Counter {
    counter!("tributary_stream_disk_reads_total", "stage" => stage.to_owned())
}

/// State could not be written to disk.
pub(crate) fn disk_failed(stage: &str, reason: &'static str) {
    counter!("tributary_stream_disk_failures_total", "stage" => stage.to_owned(), "reason" => reason).increment(1);
}

/// State on disk was thrown away.
pub(crate) fn disk_refused(stage: &str, reason: &'static str) {
    counter!("tributary_stream_disk_refused_total", "stage" => stage.to_owned(), "reason" => reason).increment(1);
}

fn account_gauge(stage: &'static str, outcome: &'static str, reason: &str) -> Gauge {
    gauge!("tributary_stream_records", "stage" => stage, "outcome" => outcome, "reason" => reason.to_owned())
}

/// The gauge of a count in the account of a stage.
fn gauge_of(stage: &'static str, count: &Count) -> Option<Gauge> {
    Some(match count {
        Count::Processed => account_gauge(stage, "processed", ""),
        Count::DeadLettered => account_gauge(stage, "dead_lettered", ""),
        Count::Dropped(reason) => account_gauge(stage, "dropped", reason),
        Count::Emitted(topic) => {
            gauge!("tributary_stream_emitted_records", "stage" => stage, "topic" => topic.clone())
        }
        Count::Accepted(_) | Count::TimersFired | Count::TimersPoisoned => return None,
    })
}

/// The counter of what this process has committed.
fn progress_counter(stage: &'static str, count: &Count) -> Counter {
    let timers = |result: &'static str| counter!("tributary_stream_timers_total", "stage" => stage, "result" => result);
    match count {
        Count::Accepted(topic) => {
            counter!("tributary_stream_accepted_records_total", "stage" => stage, "topic" => topic.clone())
        }
        Count::Processed => counter!("tributary_stream_processed_records_total", "stage" => stage),
        Count::DeadLettered => counter!("tributary_stream_dead_lettered_records_total", "stage" => stage),
        Count::Dropped(reason) => {
            counter!("tributary_stream_dropped_records_total", "stage" => stage, "reason" => reason.clone())
        }
        Count::Emitted(topic) => {
            counter!("tributary_stream_output_records_total", "stage" => stage, "topic" => topic.clone())
        }
        Count::TimersFired => timers("fired"),
        Count::TimersPoisoned => timers("poisonous"),
    }
}
