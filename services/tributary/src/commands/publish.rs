//! Writing one record that somebody asks for.

use std::time::Duration;

use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::{BulkPublisher, KafkaSettings, OutRecord};

use crate::error::CliError;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Writes `value` to `topic` under `key`, and returns when the broker has it.
///
/// # Errors
/// [`CliError`] when no broker answers or takes it.
pub(super) fn publish_one<T: AvroRecord>(
    settings: &KafkaSettings,
    contracts: &Contracts,
    topic: &str,
    key: Vec<u8>,
    value: &T,
) -> Result<(), CliError> {
    // Says so at once when nobody answers, instead of after the first flush.
    tributary_stream::list_topics(settings)?;
    let value = Some(contracts.encode(topic, value)?);
    let publisher = BulkPublisher::new(settings, TIMEOUT)?;
    publisher.send(&OutRecord { topic: topic.to_owned(), key, value, headers: Vec::new() })?;
    publisher.flush(TIMEOUT)?;
    Ok(())
}
