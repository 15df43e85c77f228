//! Days and weeks of the stores.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::load::clock;
use crate::load::error::LoadError;
use crate::load::rows::Rows;

/// The first day of the data; week 1 has two days, every later week begins on a Monday.
const FIRST_DAY: Date = date(2017, 1, 1);
const SECOND_WEEK: Date = date(2017, 1, 2);
/// The last week number that is believed: twenty years.
const LAST_WEEK: u64 = 1_040;

/// The stores' time zone by its rule, so that no time zone database is needed.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    pub(super) fn new() -> Self {
        // Eastern time since 2007; the rule is a constant, so the fallback is never taken (a test reads it).
        Self { zone: TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap_or(TimeZone::UTC) }
    }

    /// The first instant of a day written as `2017-03-03`.
    pub(super) fn day(&self, rows: &Rows, column: &'static str, place: usize) -> Result<i64, LoadError> {
        let text = &rows.row()[place];
        clock::day_start(text, &self.zone).ok_or_else(|| rows.bad_value(column, text, "a date such as 2017-03-03"))
    }

    /// The first instant of a week by its number, from 1.
    pub(super) fn week(&self, number: u64) -> Option<i64> {
        let day = match number {
            1 => FIRST_DAY,
            2..=LAST_WEEK => SECOND_WEEK.checked_add(i64::try_from(number - 2).ok()?.weeks()).ok()?,
            _ => return None,
        };
        day.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_in_new_york_but_the_first() {
        let calendar = Calendar::new();
        let week = |number| calendar.week(number).map(clock::text);
        assert_eq!(week(1).unwrap(), "2017-01-01T05:00:00Z");
        assert_eq!(week(2).unwrap(), "2017-01-02T05:00:00Z");
        assert_eq!(week(13).unwrap(), "2017-03-20T04:00:00Z", "summer time");
        assert_eq!(week(53).unwrap(), "2017-12-25T05:00:00Z");
        assert_eq!(week(0), None);
        assert_eq!(week(5_000), None);
    }
}
