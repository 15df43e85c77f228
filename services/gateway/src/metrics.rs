//! The gateway's metrics: names, labels, meanings.

use ::metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use rustc_hash::FxHashMap;
use tributary_service::metrics::{Kind, Metric, describe};

use crate::directory::SourceDirectory;
use crate::refusal::FaultCode;

const REQUESTS: &str = "tributary_gateway_requests_total";
const ACCEPTED: &str = "tributary_gateway_events_accepted_total";
const REFUSED: &str = "tributary_gateway_events_refused_total";
const PUBLISH: &str = "tributary_gateway_publish_seconds";
const IN_FLIGHT: &str = "tributary_gateway_in_flight_bytes";

/// All metrics of the gateway.
pub const CATALOGUE: &[Metric] = &[
    Metric {
        name: REQUESTS,
        kind: Kind::Counter,
        help: "Requests by endpoint and outcome: accepted, partial, or the reason of the refusal.",
        labels: &["endpoint", "outcome"],
    },
    Metric { name: ACCEPTED, kind: Kind::Counter, help: "Events that the broker has, by source.", labels: &["source"] },
    Metric {
        name: REFUSED,
        kind: Kind::Counter,
        help: "Events that broke a limit, by the first limit that each broke.",
        labels: &["reason"],
    },
    Metric {
        name: PUBLISH,
        kind: Kind::Histogram,
        help: "Time from handing events to the producer to the broker's acknowledgement of all of them.",
        labels: &[],
    },
    Metric { name: IN_FLIGHT, kind: Kind::Gauge, help: "Memory that running requests have reserved.", labels: &[] },
];

/// The handles, made once.
pub(crate) struct GatewayMetrics {
    accepted: FxHashMap<String, Counter>,
    refused: [Counter; FaultCode::ALL.len()],
    pub(crate) publish: Histogram,
    pub(crate) in_flight: Gauge,
}

impl GatewayMetrics {
    pub(crate) fn new(sources: &SourceDirectory) -> Self {
        describe(CATALOGUE);
        let accepted = sources
            .names()
            .into_iter()
            .map(|source| (source.to_owned(), counter!(ACCEPTED, "source" => source.to_owned())))
            .collect();
        Self {
            accepted,
            refused: FaultCode::ALL.map(|code| counter!(REFUSED, "reason" => code.name())),
            publish: histogram!(PUBLISH),
            in_flight: gauge!(IN_FLIGHT),
        }
    }

    pub(crate) fn request(&self, endpoint: &'static str, outcome: &'static str) {
        counter!(REQUESTS, "endpoint" => endpoint, "outcome" => outcome).increment(1);
    }

    pub(crate) fn accepted(&self, source: &str, count: usize) {
        if let Some(counter) = self.accepted.get(source) {
            counter.increment(count as u64);
        }
    }

    /// Counts refused events by reason, in the order of [`FaultCode::ALL`].
    pub(crate) fn refused(&self, reasons: &[u64; FaultCode::ALL.len()]) {
        for (counter, count) in self.refused.iter().zip(reasons) {
            if *count > 0 {
                counter.increment(*count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_and_codes_find_their_counter() {
        assert_eq!(tributary_service::metrics::naming_faults(CATALOGUE), Vec::<String>::new());
        for (index, code) in FaultCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, index);
        }
    }
}
