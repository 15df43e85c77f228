//! How the data sets write instants, as milliseconds since the epoch.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use tributary_model::time::to_rfc3339;

/// Reads `2017-01-01 12:26:30`, with or without a fraction and an offset such as `+00:00` or ` UTC`; without one it is UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let civil: DateTime = text.parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// The first instant of a date such as `2017-03-03` in a time zone.
pub(super) fn day_start(text: &str, zone: &TimeZone) -> Option<i64> {
    let date: Date = text.parse().ok()?;
    date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// The instant as events carry it.
pub(super) fn text(at: i64) -> String {
    to_rfc3339(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_utc_unless_they_say_otherwise() {
        let at = instant("2017-01-01 12:26:30").unwrap();
        assert_eq!(text(at), "2017-01-01T12:26:30Z");
        for same in ["2017-01-01 12:26:30.000 UTC", "2017-01-01 12:26:30.000000+00:00", "2017-01-01T14:26:30+02:00"] {
            assert_eq!(instant(same), Some(at), "{same}");
        }
        for wrong in ["", "2017-13-01 12:26:30", "yesterday"] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_starts_at_midnight_of_its_zone() {
        let new_york = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        assert_eq!(text(day_start("2017-03-03", &new_york).unwrap()), "2017-03-03T05:00:00Z");
        assert_eq!(text(day_start("2017-07-12", &new_york).unwrap()), "2017-07-12T04:00:00Z");
        assert_eq!(day_start("2017-02-30", &TimeZone::UTC), None);
    }
}
