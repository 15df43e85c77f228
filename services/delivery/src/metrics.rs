//! The metrics of deliveries: names, labels and descriptions.

use ::metrics::{counter, gauge, histogram};
use tributary_service::metrics::{Kind, Metric};

use crate::breaker::BreakerState;
use crate::log::{DeliveryEvent, LogEntry};
use crate::queue::DestinationOverview;

const STEPS: &str = "tributary_delivery_steps_total";
const FAILURES: &str = "tributary_delivery_failures_total";
const ATTEMPT: &str = "tributary_delivery_attempt_seconds";
const WAITING: &str = "tributary_delivery_waiting_messages";
const GIVEN_UP: &str = "tributary_delivery_given_up_messages";
const IN_FLIGHT: &str = "tributary_delivery_in_flight_messages";
const OLDEST_DUE: &str = "tributary_delivery_overdue_seconds";
const BLOCKED: &str = "tributary_delivery_blocked_state";

/// The metrics of this crate.
pub const CATALOGUE: &[Metric] = &[
    Metric {
        name: STEPS,
        kind: Kind::Counter,
        help: "Steps of deliveries as in the delivery log.",
        labels: &["destination", "step"],
    },
    Metric {
        name: FAILURES,
        kind: Kind::Counter,
        help: "Failed attempts by class.",
        labels: &["destination", "class"],
    },
    Metric {
        name: ATTEMPT,
        kind: Kind::Histogram,
        help: "Time of an attempt, from resolving the name to the answer.",
        labels: &["destination"],
    },
    Metric {
        name: WAITING,
        kind: Kind::Gauge,
        help: "Deliveries that wait to be sent, those that wait for a retry among them.",
        labels: &["destination"],
    },
    Metric {
        name: GIVEN_UP,
        kind: Kind::Gauge,
        help: "Deliveries whose retries are used up and that nobody has asked for again.",
        labels: &["destination"],
    },
    Metric { name: IN_FLIGHT, kind: Kind::Gauge, help: "Deliveries on their way.", labels: &["destination"] },
    Metric {
        name: OLDEST_DUE,
        kind: Kind::Gauge,
        help: "For how long the first delivery has been due; 0 when none is.",
        labels: &["destination"],
    },
    Metric {
        name: BLOCKED,
        kind: Kind::Gauge,
        help: "1 when nothing is sent to the destination for the reason given: disabled, held by Retry-After, or breaker.",
        labels: &["destination", "reason"],
    },
];

/// Counts entries of the log that are committed.
pub fn count(entries: &[LogEntry]) {
    for entry in entries {
        if let LogEntry::Delivery(event) = entry {
            count_step(event);
        }
    }
}

fn count_step(event: &DeliveryEvent) {
    let destination = || event.destination.to_string();
    counter!(STEPS, "destination" => destination(), "step" => event.step.name()).increment(1);
    let Some(result) = event.result else { return };
    let seconds = std::time::Duration::from_millis(result.duration_ms).as_secs_f64();
    histogram!(ATTEMPT, "destination" => destination()).record(seconds);
    if let Some(class) = result.failure {
        counter!(FAILURES, "destination" => destination(), "class" => class.name()).increment(1);
    }
}

/// Shows how destinations stand at `now_at`.
pub fn show(overview: &[DestinationOverview], now_at: i64) {
    for one in overview {
        let destination = || one.name.to_string();
        gauge!(WAITING, "destination" => destination()).set(one.waiting as f64);
        gauge!(GIVEN_UP, "destination" => destination()).set(one.given_up as f64);
        gauge!(IN_FLIGHT, "destination" => destination()).set(one.in_flight as f64);
        let overdue_ms = one.first_due_at.map_or(0, |at| now_at.saturating_sub(at).max(0));
        gauge!(OLDEST_DUE, "destination" => destination()).set(overdue_ms as f64 / 1000.0);
        let reasons = [
            ("disabled", one.disabled.is_some()),
            ("held", one.hold_until_at.is_some()),
            ("breaker", one.breaker != BreakerState::Closed),
        ];
        for (reason, holds) in reasons {
            gauge!(BLOCKED, "destination" => destination(), "reason" => reason).set(f64::from(u8::from(holds)));
        }
    }
}

/// Shows nothing of a destination any more: its queue is somewhere else.
pub fn hide(name: &str) {
    for metric in [WAITING, GIVEN_UP, IN_FLIGHT, OLDEST_DUE] {
        gauge!(metric, "destination" => name.to_owned()).set(0.0);
    }
    for reason in ["disabled", "held", "breaker"] {
        gauge!(BLOCKED, "destination" => name.to_owned(), "reason" => reason).set(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_named_by_the_rule() {
        assert_eq!(tributary_service::metrics::naming_faults(CATALOGUE), [] as [String; 0]);
    }
}
