//! What the process says of the hub as a whole, and the catalogue of what all parts of it export.

use metrics::{counter, gauge};
use tributary_service::metrics::{Kind, Metric};

use crate::reconcile::Audit;

const UNEXPLAINED: &str = "tributary_tributary_unexplained_records";
const IN_FLIGHT: &str = "tributary_tributary_in_flight_records";
const DELETED_UNREAD: &str = "tributary_tributary_deleted_unread_records";
const AUDITS: &str = "tributary_tributary_audits_total";
const DEFINITIONS: &str = "tributary_tributary_trigger_definitions_total";
const TRIGGERS: &str = "tributary_tributary_running_triggers";
const STARTED: &str = "tributary_tributary_start_time_seconds";

/// All metrics of this package.
pub const METRICS: &[Metric] = &[
    Metric {
        name: UNEXPLAINED,
        kind: Kind::Gauge,
        help: "Records of the whole hub that the last audit of the accounts could not explain.",
        labels: &[],
    },
    Metric {
        name: IN_FLIGHT,
        kind: Kind::Gauge,
        help: "Records written and not yet read at the last audit, by topic and reading stage.",
        labels: &["topic", "stage"],
    },
    Metric {
        name: DELETED_UNREAD,
        kind: Kind::Gauge,
        help: "Records that retention took before they were read, at most, by topic and reading stage.",
        labels: &["topic", "stage"],
    },
    Metric {
        name: AUDITS,
        kind: Kind::Counter,
        help: "Audits of the accounts by this process: done, or failed because the broker did not answer.",
        labels: &["result"],
    },
    Metric {
        name: DEFINITIONS,
        kind: Kind::Counter,
        help: "Trigger definitions read from their topic: taken over, or refused, so that what was known before stayed.",
        labels: &["result"],
    },
    Metric {
        name: TRIGGERS,
        kind: Kind::Gauge,
        help: "Triggers in force: those of files, and what was applied and switched off since.",
        labels: &[],
    },
    Metric {
        name: STARTED,
        kind: Kind::Gauge,
        help: "When this process started, in seconds since 1970: how often it changes is how often it was restarted.",
        labels: &[],
    },
];

/// The metrics of the runtime, as the services list theirs.
pub(crate) fn of_runtime() -> Vec<Metric> {
    let metrics = tributary_stream::METRICS.iter().map(|metric| Metric {
        name: metric.name,
        kind: match metric.kind {
            "counter" => Kind::Counter,
            "histogram" => Kind::Histogram,
            _ => Kind::Gauge,
        },
        help: metric.help,
        labels: metric.labels,
    });
    metrics.collect()
}

/// Every metric of the hub, by what exports it.
#[must_use]
pub fn catalogue() -> Vec<(&'static str, Vec<Metric>)> {
    vec![
        ("gateway", tributary_gateway::metrics::CATALOGUE.to_vec()),
        ("normalizer", tributary_normalizer::metrics::CATALOGUE.to_vec()),
        ("identity", tributary_identity::METRICS.to_vec()),
        ("journey", tributary_journey::metrics::CATALOGUE.to_vec()),
        ("triggers", tributary_triggers::metrics::CATALOGUE.to_vec()),
        ("insight", tributary_insight::metrics::METRICS.to_vec()),
        ("delivery", tributary_delivery::metrics::CATALOGUE.to_vec()),
        ("stream", of_runtime()),
        ("tributary", METRICS.to_vec()),
    ]
}

/// Gives the help texts to the recorder, and shows when the process started.
pub(crate) fn describe() {
    tributary_service::metrics::describe(METRICS);
    for result in ["done", "failed"] {
        counter!(AUDITS, "result" => result).increment(0);
    }
    for result in ["taken_over", "refused"] {
        counter!(DEFINITIONS, "result" => result).increment(0);
    }
    gauge!(STARTED).set(crate::commands::now_ms() as f64 / 1000.0);
}

/// Shows the result of an audit.
pub(crate) fn audited(audit: &Audit) {
    counter!(AUDITS, "result" => "done").increment(1);
    gauge!(UNEXPLAINED).set(audit.unexplained as f64);
    for flow in &audit.flows {
        let of_flow = |name: &'static str| gauge!(name, "topic" => flow.topic.clone(), "stage" => flow.reader.clone());
        of_flow(IN_FLIGHT).set(flow.in_flight as f64);
        of_flow(DELETED_UNREAD).set(flow.deleted_unread as f64);
    }
}

/// Counts a trigger definition that was taken over, or refused.
pub(crate) fn definition_read(is_good: bool) {
    counter!(DEFINITIONS, "result" => if is_good { "taken_over" } else { "refused" }).increment(1);
}

/// Shows how many triggers run.
pub(crate) fn triggers_running(count: usize) {
    gauge!(TRIGGERS).set(count as f64);
}

/// Counts an audit that could not be done.
pub(crate) fn audit_failed() {
    counter!(AUDITS, "result" => "failed").increment(1);
}

#[cfg(test)]
mod tests;
