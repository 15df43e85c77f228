//! Raw records: Avro from the gateway, or bare JSON from own producers that name their source in a header.

use tributary_model::RawEvent;
use tributary_schema::Contracts;
use tributary_stream::Record;

use crate::error::Refusal;

/// Header by which own producers of bare JSON name their source.
pub const HEADER_SOURCE: &str = "tributary.source";

/// Reads a record of a raw topic.
pub(crate) fn read(record: &Record, contracts: &Contracts) -> Result<RawEvent, Refusal> {
    let undecodable = |why: String| Refusal::new("undecodable", why);
    let Some(value) = record.value.as_deref() else {
        return Err(undecodable("the record has no value: raw topics carry events only".to_owned()));
    };
    match record.header(HEADER_SOURCE) {
        Some(source) => bare(record, source, value),
        None => contracts.decode(value).map_err(|error| {
            undecodable(format!("{error}; send a raw_event, or JSON with the header {HEADER_SOURCE}"))
        }),
    }
}

/// The record's timestamp is the receive time: the broker or the producer set it once, so a replay sees the same.
fn bare(record: &Record, source: &str, value: &[u8]) -> Result<RawEvent, Refusal> {
    let Some(received_at) = record.timestamp_ms else {
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
