//! The person's time zone and calendar. Zone rules come from the database compiled in, so that every machine agrees.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};

use crate::pattern::History;

/// The IANA zone with this name, from the database compiled in.
#[must_use]
pub fn zone_by_name(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The person's zone: the newest touch that states one we know, else the default.
#[must_use]
pub(crate) fn zone_of(history: &History<'_>, property: &str, default: &TimeZone) -> TimeZone {
    let stated = history.iter().rev().filter_map(|touch| touch.property(property));
    stated.filter_map(zone_by_name).next().unwrap_or_else(|| default.clone())
}

/// The wall clock at an instant; instants outside the calendar are taken to its nearest end.
#[must_use]
pub fn local(at: i64, zone: &TimeZone) -> Zoned {
    let nearest = if at < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at).unwrap_or(nearest).to_zoned(zone.clone())
}

/// The first instant of the local day that holds `at`.
#[must_use]
pub fn local_day_start(at: i64, zone: &TimeZone) -> i64 {
    local(at, zone).start_of_day().map_or(at, |start| start.timestamp().as_millisecond())
}

/// The instant of a wall-clock time; in a gap of the clock the moment just after it.
#[must_use]
pub fn instant_of(wall_clock: DateTime, zone: &TimeZone) -> Option<i64> {
    zone.to_ambiguous_zoned(wall_clock).compatible().ok().map(|zoned| zoned.timestamp().as_millisecond())
}
