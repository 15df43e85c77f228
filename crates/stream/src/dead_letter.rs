//! Dead letters keep the original bytes, key and headers, and say in further headers where, why and what to do.

use tributary_model::topics;

use crate::record::{OutRecord, Record};

/// Header: topic the record was read from.
pub const HEADER_TOPIC: &str = "__connect.errors.topic";
/// Header: partition it was read from.
pub const HEADER_PARTITION: &str = "__connect.errors.partition";
/// Header: its offset there.
pub const HEADER_OFFSET: &str = "__connect.errors.offset";
/// Header: the stage that refused it.
pub const HEADER_STAGE: &str = "__connect.errors.stage";
/// Header: the reason code, from a fixed set.
pub const HEADER_CODE: &str = "__connect.errors.exception.class.name";
/// Header: the reason in words.
pub const HEADER_MESSAGE: &str = "__connect.errors.exception.message";
/// Header: the record's own timestamp in milliseconds.
pub const HEADER_TIMESTAMP: &str = "__connect.errors.timestamp";

/// The dead letter for `input`.
#[must_use]
pub fn dead_letter(input: &Record, stage: &str, code: &str, message: &str) -> OutRecord {
    let mut headers = input.headers.clone();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value.into_bytes()));
    add(HEADER_TOPIC, input.topic.clone());
    add(HEADER_PARTITION, input.partition.to_string());
    add(HEADER_OFFSET, input.offset.to_string());
    add(HEADER_STAGE, stage.to_owned());
    add(HEADER_CODE, code.to_owned());
    add(HEADER_MESSAGE, message.to_owned());
    if let Some(timestamp_ms) = input.timestamp_ms {
        add(HEADER_TIMESTAMP, timestamp_ms.to_string());
    }
    OutRecord { topic: topics::DEAD_LETTERS.to_owned(), key: input.key.clone(), value: input.value.clone(), headers }
}
