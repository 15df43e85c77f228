//! Instants and spans in milliseconds, and their RFC 3339 form.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One second in milliseconds.
pub const SECOND_MS: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The first millisecond of the UTC day that holds `at`.
#[must_use]
pub fn day_start(at: i64) -> i64 {
    at.div_euclid(DAY_MS) * DAY_MS
}

/// The first millisecond of the week, from Monday in UTC, that holds `at`.
#[must_use]
pub fn week_start(at: i64) -> i64 {
    // 1970-01-01 was a Thursday, three days after a Monday.
    at.saturating_add(3 * DAY_MS).div_euclid(7 * DAY_MS) * 7 * DAY_MS - 3 * DAY_MS
}

/// The first millisecond of the month in UTC that holds `at`; an instant outside the calendar stands for itself.
#[must_use]
pub fn month_start(at: i64) -> i64 {
    let date =
        Timestamp::from_millisecond(at).map(|timestamp| timestamp.to_zoned(TimeZone::UTC).date().first_of_month());
    let start = date.and_then(|date| date.to_zoned(TimeZone::UTC));
    start.map_or(at, |start| start.timestamp().as_millisecond())
}

/// `at` as RFC 3339 in UTC, such as `2026-11-22T07:40:00Z`; instants outside the calendar print as the number.
#[must_use]
pub fn to_rfc3339(at: i64) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => at.to_string(),
    }
}

/// Reads an RFC 3339 instant with its offset; `None` when `text` is not one.
#[must_use]
pub fn from_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|timestamp| timestamp.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_round_trips_and_days_start_at_midnight() {
        let at = from_rfc3339("2026-11-22T07:40:01.250Z").unwrap();
        assert_eq!(to_rfc3339(at), "2026-11-22T07:40:01.25Z");
        assert_eq!(to_rfc3339(day_start(at)), "2026-11-22T00:00:00Z");
        assert_eq!(day_start(-1), -DAY_MS);
        assert_eq!(to_rfc3339(week_start(at)), "2026-11-16T00:00:00Z", "a Sunday belongs to the Monday before");
        assert_eq!(week_start(week_start(at)), week_start(at));
        assert_eq!(to_rfc3339(month_start(at)), "2026-11-01T00:00:00Z");
        assert_eq!(month_start(month_start(at)), month_start(at));
        assert_eq!(to_rfc3339(month_start(-1)), "1969-12-01T00:00:00Z");
        assert_eq!(month_start(i64::MAX), i64::MAX);
        assert_eq!(from_rfc3339("yesterday"), None);
    }
}
