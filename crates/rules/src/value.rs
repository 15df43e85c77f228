//! The values rules work on.

use chrono::DateTime;
pub use vrl::value::{KeyString, ObjectMap, Value};

use crate::shape::Shape;

/// Reads JSON text straight into a rule's value; numbers beyond 64 bits become floats.
///
/// # Errors
/// What is wrong with the text, with line and column, without quoting it.
pub fn parse_json(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| json_fault(&error))
}

/// What is wrong with a JSON text, with line and column, without quoting it.
#[must_use]
pub fn json_fault(error: &serde_json::Error) -> String {
    let what = if error.is_eof() { "ends too early" } else { "is not JSON" };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

/// The value as JSON; instants become RFC 3339 texts.
#[must_use]
pub fn to_json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The instant at `at_ms` milliseconds since the Unix epoch; null outside the calendar.
#[must_use]
pub fn instant(at_ms: i64) -> Value {
    DateTime::from_timestamp_millis(at_ms).map_or(Value::Null, Value::Timestamp)
}

/// Milliseconds since the Unix epoch of an instant (finer parts are cut off); `None` for other kinds of value.
#[must_use]
pub fn instant_ms(value: &Value) -> Option<i64> {
    value.as_timestamp().map(DateTime::timestamp_millis)
}

impl From<Shape> for vrl::value::Kind {
    fn from(shape: Shape) -> Self {
        shape.0
    }
}
