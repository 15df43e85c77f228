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
        help: "Changelog records read to restore state.",
        labels: &["stage"],
    },
    MetricDescription {
        name: "tributary_stream_restore_seconds",
        kind: "histogram",
        help: "Time from assignment of partitions to being back in service.",
        labels: &["stage"],
    },
];

/// Handles of one worker.
pub(crate) struct StageMetrics {
    stage: &'static str,
    committed: Counter,
    aborted: Counter,
    commit_seconds: Histogram,
    records: Counter,
    restored: Counter,
    restore_seconds: Histogram,
}

impl StageMetrics {
    pub(crate) fn new(stage: &'static str) -> Self {
        Self {
            stage,
            committed: counter!("tributary_stream_transactions_total", "stage" => stage, "result" => "committed"),
            aborted: counter!("tributary_stream_transactions_total", "stage" => stage, "result" => "aborted"),
            commit_seconds: histogram!("tributary_stream_commit_seconds", "stage" => stage),
            records: counter!("tributary_stream_transaction_records_total", "stage" => stage),
            restored: counter!("tributary_stream_restored_records_total", "stage" => stage),
            restore_seconds: histogram!("tributary_stream_restore_seconds", "stage" => stage),
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

    pub(crate) fn restored(&self, records: u64, took: Duration) {
        self.restored.increment(records);
        self.restore_seconds.record(took.as_secs_f64());
    }
}
