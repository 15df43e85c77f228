//! From a reader to a sink: encode, send, flush, and only then remember.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tributary_schema::Contracts;
use tributary_stream::{BulkPublisher, OutRecord};

use super::error::LoadError;
use super::progress::{Progress, ProgressFile};
use super::tally::Tally;
use super::{ByteCounter, Load};

/// Where records go; the stream crate's bulk publisher is one.
pub trait Sink {
    /// Takes one record; it may still be on its way when this returns.
    ///
    /// # Errors
    /// Why the record was not taken; loading stops.
    fn send(&mut self, record: OutRecord) -> Result<(), SinkError>;

    /// Returns when every record taken so far is acknowledged.
    ///
    /// # Errors
    /// Why some were not; loading stops and nothing since the last flush counts as acknowledged.
    fn flush(&mut self) -> Result<(), SinkError>;
}

/// Why a sink did not take or acknowledge records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// A broker as a sink.
#[derive(Debug)]
pub struct BrokerSink {
    publisher: BulkPublisher,
    timeout: Duration,
}

impl BrokerSink {
    /// A sink that waits for acknowledgements no longer than `timeout`.
    #[must_use]
    pub fn new(publisher: BulkPublisher, timeout: Duration) -> Self {
        Self { publisher, timeout }
    }
}

impl Sink for BrokerSink {
    fn send(&mut self, record: OutRecord) -> Result<(), SinkError> {
        self.publisher.send(&record).map_err(|error| SinkError(error.to_string()))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.publisher.flush(self.timeout).map_err(|error| SinkError(error.to_string()))
    }
}

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Where progress is kept; without one, loading always starts at the beginning.
    pub progress: Option<ProgressFile>,
    /// The receive time that the raw events carry.
    pub received_at: i64,
    /// After how many events the sink is flushed and progress saved.
    pub flush_every: u64,
}

impl LoadOptions {
    /// Events between two flushes when nothing else is said.
    pub const FLUSH_EVERY: u64 = 10_000;

    /// Options without resuming.
    #[must_use]
    pub fn new(received_at: i64) -> Self {
        Self { progress: None, received_at, flush_every: Self::FLUSH_EVERY }
    }
}

/// How far a load is; given to the observer with every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Events read from the start of the input.
    pub events: u64,
    /// Bytes of the files read so far.
    pub bytes: u64,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// The data set or source.
    pub what: String,
    /// Events in the input.
    pub events: u64,
    /// Events that an earlier run had already brought to acknowledgement.
    pub skipped: u64,
    /// Events sent and acknowledged now.
    pub sent: u64,
    /// Rows by file, events by kind, facts.
    pub tally: Tally,
}

/// Brings all events of `load` to `sink`, skipping those that an earlier run saw acknowledged.
///
/// Progress is saved only behind a flush, so that a crash repeats at most `flush_every` events, which the normaliser
/// knows by their ids; it never skips one.
///
/// # Errors
/// [`LoadError`] with file and line, or what the sink said and how many events are safe.
pub fn run(
    load: Load,
    sink: &mut dyn Sink,
    contracts: &Arc<Contracts>,
    options: &LoadOptions,
    observe: &mut dyn FnMut(Step),
) -> Result<LoadReport, LoadError> {
    let fingerprint = load.fingerprint()?;
    let skipped = match &options.progress {
        Some(file) => file.acknowledged(load.what(), &fingerprint)?,
        None => 0,
    };
    let bytes: ByteCounter = load.bytes();
    let (what, mut reader) = load.into_parts();
    let save = |acknowledged: u64, complete: bool| match &options.progress {
        None => Ok(()),
        Some(file) => {
            file.save(&Progress { what: what.clone(), fingerprint: fingerprint.clone(), acknowledged, complete })
        }
    };
    let mut tally = Tally::default();
    let (mut events, mut sent, mut acknowledged) = (0, 0_u64, skipped);
    let refused = |acknowledged, error: SinkError| LoadError::Sink { acknowledged, detail: error.0 };
    while let Some(event) = reader.advance(&mut tally)? {
        events += 1;
        observe(Step { events, bytes: bytes.bytes() });
        if events <= skipped {
            continue;
        }
        let record = event.to_record(options.received_at, contracts)?;
        sink.send(record).map_err(|error| refused(acknowledged, error))?;
        sent += 1;
        if sent.is_multiple_of(options.flush_every.max(1)) {
            sink.flush().map_err(|error| refused(acknowledged, error))?;
            acknowledged = events;
            save(acknowledged, false)?;
        }
    }
    sink.flush().map_err(|error| refused(acknowledged, error))?;
    save(events, true)?;
    Ok(LoadReport { what: what.clone(), events, skipped, sent, tally })
}
