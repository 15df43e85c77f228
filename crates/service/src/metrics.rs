//! Metrics: the catalogue by which each crate describes its own, and the Prometheus recorder.

use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

pub use metrics_exporter_prometheus::PrometheusHandle;

use crate::error::ServiceError;

/// Upper bounds of histograms that end in `_seconds`.
pub const SECONDS_BUCKETS: &[f64] =
    &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Upper bounds of histograms that end in `_bytes`.
pub const BYTES_BUCKETS: &[f64] =
    &[256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];

/// Upper bounds of all other histograms: sizes of batches.
pub const COUNT_BUCKETS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0];

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution; its name ends in its unit, usually `_seconds`.
    Histogram,
}

/// One metric as its crate's `metrics.rs` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// `tributary_<service>_<noun>_<unit>[_total]`.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// What it says, in one sentence.
    pub help: &'static str,
    /// Its label names; values come from enums or configuration, never from ids or keys.
    pub labels: &'static [&'static str],
}

/// Gives the help texts of a crate's metrics to the recorder.
pub fn describe(catalogue: &[Metric]) {
    for metric in catalogue {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// What breaks the naming rules in a catalogue, one line each; empty is good. For the tests of each crate.
#[must_use]
pub fn naming_faults(catalogue: &[Metric]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, metric) in catalogue.iter().enumerate() {
        let name = metric.name;
        if !name.starts_with("tributary_") {
            faults.push(format!("{name} does not start with tributary_"));
        }
        if (metric.kind == Kind::Counter) != name.ends_with("_total") {
            faults.push(format!("{name}: counters, and only they, end in _total"));
        }
        if metric.help.is_empty() {
            faults.push(format!("{name} has no help text"));
        }
        if catalogue[..index].iter().any(|earlier| earlier.name == name) {
            faults.push(format!("{name} is listed twice"));
        }
    }
    faults
}

/// The recorder is one for the process, as the `metrics` crate has it; tests of several services share it.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the Prometheus recorder for the whole process; again gives the same handle.
///
/// Make metric handles after this: those made before go nowhere.
///
/// # Errors
/// [`ServiceError::Recorder`] when another kind of recorder is installed.
pub fn install_prometheus() -> Result<PrometheusHandle, ServiceError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let refused = |error: metrics_exporter_prometheus::BuildError| ServiceError::Recorder(error.to_string());
    let handle = PrometheusBuilder::new()
        .set_buckets(COUNT_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS_BUCKETS))
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), BYTES_BUCKETS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(refused)?;
    Ok(installed.insert(handle).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &[Metric] = &[
        Metric {
            name: "tributary_service_test_events_total",
            kind: Kind::Counter,
            help: "Events of the test.",
            labels: &["kind"],
        },
        Metric {
            name: "tributary_service_test_wait_seconds",
            kind: Kind::Histogram,
            help: "Waiting of the test.",
            labels: &[],
        },
    ];

    #[test]
    fn described_metrics_are_rendered_with_buckets_in_seconds() {
        let handle = install_prometheus().unwrap();
        describe(CATALOGUE);
        metrics::counter!("tributary_service_test_events_total", "kind" => "a").increment(2);
        metrics::histogram!("tributary_service_test_wait_seconds").record(0.004);
        let text = install_prometheus().unwrap().render();
        assert!(text.contains("# HELP tributary_service_test_events_total Events of the test."), "{text}");
        assert!(text.contains("tributary_service_test_events_total{kind=\"a\"} 2"), "{text}");
        assert!(text.contains("tributary_service_test_wait_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        drop(handle);
    }

    #[test]
    fn naming_faults_are_found() {
        assert!(naming_faults(CATALOGUE).is_empty());
        let wrong = Metric { name: "events", kind: Kind::Counter, help: "", labels: &[] };
        assert_eq!(naming_faults(&[wrong, wrong]).len(), 7);
    }
}
