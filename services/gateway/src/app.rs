//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tributary_schema::Contracts;
use tributary_stream::{OutRecord, PublishError};

use crate::body::Budget;
use crate::config::Config;
use crate::directory::{Source, SourceDirectory};
use crate::event::{self, Event};
use crate::limits::Rules;
use crate::metrics::GatewayMetrics;
use crate::publish::Publish;
use crate::refusal::Refusal;

/// A failing broker is logged this often.
const LOG_EVERY_MS: i64 = 10_000;

pub(crate) struct App<P> {
    pub(crate) config: Config,
    pub(crate) sources: SourceDirectory,
    pub(crate) budget: Budget,
    pub(crate) metrics: GatewayMetrics,
    contracts: Arc<Contracts>,
    publisher: P,
    last_logged_at: AtomicI64,
    failures_since: AtomicU64,
}

impl<P: Publish> App<P> {
    pub(crate) fn new(config: Config, sources: SourceDirectory, contracts: Arc<Contracts>, publisher: P) -> Arc<Self> {
        Arc::new(Self {
            budget: Budget::new(&config),
            metrics: GatewayMetrics::new(&sources),
            config,
            sources,
            contracts,
            publisher,
            last_logged_at: AtomicI64::new(i64::MIN),
            failures_since: AtomicU64::new(0),
        })
    }

    pub(crate) fn rules(&self, source: &Source, received_at: i64) -> Rules<'_> {
        let limits = &self.config.limits;
        Rules { limits, received_at, max_age_ms: source.max_age.unwrap_or(limits.age).as_millis_i64() }
    }

    pub(crate) fn show_in_flight(&self) {
        let taken = self.config.in_flight.as_usize().saturating_sub(self.budget.free_bytes());
        self.metrics.in_flight.set(taken as f64);
    }

    /// Publishes the events; `Ok` means that the broker has them.
    pub(crate) async fn publish(
        &self,
        events: Vec<Event>,
        source: &Source,
        received_at: i64,
        traceparent: Option<&[u8]>,
    ) -> Result<usize, Refusal> {
        let count = events.len();
        if count == 0 {
            return Ok(0);
        }
        let records: Result<Vec<OutRecord>, _> = events
            .into_iter()
            .map(|event| event::record(event, source, received_at, traceparent, &self.contracts))
            .collect();
        let records = records.map_err(|error| {
            tracing::error!(source = source.name, %error, "events that were accepted could not be encoded");
            Refusal::Internal
        })?;
        let started = Instant::now();
        let timeout = self.config.publish_timeout;
        let outcome = tokio::time::timeout(timeout.into(), self.publisher.publish(records)).await;
        self.metrics.publish.record(started.elapsed().as_secs_f64());
        match outcome {
            Ok(Ok(())) => {
                self.metrics.accepted(&source.name, count);
                Ok(count)
            }
            Ok(Err(error)) => {
                self.log_failure(&error.to_string());
                match error {
                    PublishError::QueueFull => Err(Refusal::Busy { limit: self.config.in_flight }),
                    PublishError::NotAcknowledged { .. } => Err(Refusal::NotAcknowledged),
                }
            }
            Err(_) => {
                self.log_failure("no acknowledgement in time");
                Err(Refusal::PublishTimeout { limit: timeout })
            }
        }
    }

    fn log_failure(&self, error: &str) {
        let failures = self.failures_since.fetch_add(1, Ordering::Relaxed) + 1;
        let now = now_ms();
        let last = self.last_logged_at.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(last) >= LOG_EVERY_MS;
        // Of several at once, the one that exchanges logs.
        if is_due && self.last_logged_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.failures_since.fetch_sub(failures, Ordering::Relaxed);
            tracing::warn!(
                error,
                requests = failures,
                "the broker did not take events; their senders were told to try again"
            );
        }
    }
}

/// The clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
