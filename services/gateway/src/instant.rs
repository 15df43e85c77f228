//! Reading the times that senders write.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::value::RawValue;

/// Numbers below this are seconds since 1970, others milliseconds: as milliseconds it is March 1973, as seconds the year 5138.
const SECONDS_BELOW: f64 = 1e11;

/// An ISO 8601 date and time in milliseconds; without an offset it is UTC, as Segment has it.
pub(crate) fn from_iso(text: &str) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let civil = text.parse::<DateTime>().ok()?;
    Offset::UTC.to_timestamp(civil).ok().map(|timestamp| timestamp.as_millisecond())
}

/// A time in JSON: ISO 8601 text, or seconds or milliseconds since 1970.
pub(crate) fn from_json(raw: &RawValue) -> Option<i64> {
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return from_iso(&text);
    }
    let number = serde_json::from_str::<f64>(raw.get()).ok()?;
    Some(if number.abs() < SECONDS_BELOW { (number * 1000.0) as i64 } else { number as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_senders_write_them() {
        let noon = 1_772_366_400_000;
        for text in
            ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z", "2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00"]
        {
            assert_eq!(from_iso(text), Some(noon), "{text}");
        }
        assert_eq!(from_iso("2026-03-01"), Some(noon - 43_200_000));
        assert_eq!(from_iso("2026-03-01T12:00:00.123456+00:00"), Some(noon + 123));
        for text in ["yesterday", "", "2026-13-01T00:00:00Z", "1772366400"] {
            assert_eq!(from_iso(text), None, "{text}");
        }
        let read = |json: &str| from_json(&RawValue::from_string(json.to_owned()).unwrap());
        assert_eq!(read("\"2026-03-01T12:00:00Z\""), Some(noon));
        assert_eq!(read("1772366400"), Some(noon));
        assert_eq!(read("1772366400000"), Some(noon));
        assert_eq!(read("true"), None);
    }
}
