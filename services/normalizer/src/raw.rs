//! Raw records: Avro from the gateway, or bare JSON from own producers that name their source in a header.

use tributary_model::RawEvent;
use tributary_schema::Contracts;
use tributary_stream::{Failure, HEADER_ORIGINAL_TIMESTAMP, Record};

use crate::error::Refusal;

/// Why a record could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is no event: a dead letter.
    Refused(Refusal),
    /// It may be one; what decides that does not answer.
    Failed(Failure),
}

/// Header by which own producers of bare JSON name their source.
pub const HEADER_SOURCE: &str = "tributary.source";

/// Reads a record of a raw topic.
pub(crate) fn read(record: &Record, contracts: &Contracts) -> Result<RawEvent, Unread> {
    let Some(value) = record.value.as_deref() else {
        let why = "the record has no value: raw topics carry events only";
        return Err(Unread::Refused(Refusal::new("undecodable", why)));
    };
    match record.header(HEADER_SOURCE) {
        Some(source) => bare(record, source, value).map_err(Unread::Refused),
        None => contracts.decode(value).map_err(|error| match Failure::from(error) {
            Failure::Poison { code, message } => {
                let why = format!("{message}; send a raw_event, or JSON with the header {HEADER_SOURCE}");
                Unread::Refused(Refusal::new(code, why))
            }
            failure => Unread::Failed(failure),
        }),
    }
}

/// The record's timestamp is the receive time: the broker or the producer set it once, so a replay sees the same. A dead
/// letter that was written back carries its first one in a header.
fn bare(record: &Record, source: &str, value: &[u8]) -> Result<RawEvent, Refusal> {
    let original = record.header(HEADER_ORIGINAL_TIMESTAMP).and_then(|text| text.parse().ok());
    let Some(received_at) = original.or(record.timestamp_ms) else {
        return Err(Refusal::new("undecodable", "the record has no timestamp, so its receive time is unknown"));
    };
    Ok(RawEvent {
        source: source.to_owned(),
        event_id: None,
        received_at,
        content_type: "application/json".to_owned(),
        body: value.to_vec(),
    })
}
