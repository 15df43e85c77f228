//! Metrics of the runtime, counted per transaction.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

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
        name: "tributary_stream_transaction_records_total",
        kind: "counter",
        help: "Input records in committed transactions of this process.",
        labels: &["stage"],
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
];

/// Handles of one worker.
pub(crate) struct StageMetrics {
    stage: &'static str,
    committed: Counter,
    aborted: Counter,
    commit_seconds: Histogram,
    records: Counter,
    restored: [Counter; 2],
    restore_source_seconds: [Histogram; 2],
    restore_seconds: Histogram,
    checkpoint_age: Gauge,
    checkpoint_seconds: Histogram,
    checkpoint_bytes: Counter,
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
        Self {
            stage,
            committed: counter!("tributary_stream_transactions_total", "stage" => stage, "result" => "committed"),
            aborted: counter!("tributary_stream_transactions_total", "stage" => stage, "result" => "aborted"),
            commit_seconds: histogram!("tributary_stream_commit_seconds", "stage" => stage),
            records: counter!("tributary_stream_transaction_records_total", "stage" => stage),
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
        }
    }

    pub(crate) fn committed(&self, records: u64, took: Duration, stats: &StageStats) {
        self.committed.increment(1);
        self.records.increment(records);
        self.commit_seconds.record(took.as_secs_f64());
        let counts = stats.counts();
        let records = |outcome: &'static str, reason: String| -> Gauge {
            gauge!("tributary_stream_records", "stage" => self.stage, "outcome" => outcome, "reason" => reason)
        };
        records("accepted", String::new()).set(counts.accepted_total() as f64);
        records("processed", String::new()).set(counts.processed as f64);
        records("dead_lettered", String::new()).set(counts.dead_lettered as f64);
        for (reason, count) in counts.dropped {
            records("dropped", reason).set(count as f64);
        }
        for (topic, count) in counts.emitted {
            gauge!("tributary_stream_emitted_records", "stage" => self.stage, "topic" => topic).set(count as f64);
        }
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

    pub(crate) fn checkpoint_failed(&self, reason: &'static str) {
        counter!("tributary_stream_checkpoint_failures_total", "stage" => self.stage, "reason" => reason).increment(1);
    }

    pub(crate) fn checkpoint_refused(&self, reason: &'static str) {
        counter!("tributary_stream_checkpoints_refused_total", "stage" => self.stage, "reason" => reason).increment(1);
    }
}
