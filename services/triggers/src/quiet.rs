//! Quiet hours: when not to disturb a person, on the person's own clock.

use jiff::ToSpan;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::fields::{Fields, Report};
use crate::zone::{instant_of, local};

/// What happens to a decision in quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuietPolicy {
    /// It is withheld.
    Discard,
    /// It waits for the end of the quiet hours, if it is still valid then.
    Queue,
}

/// A daily span of the wall clock; over midnight when `from` is later than `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// First quiet moment.
    pub from: Time,
    /// First moment that is not quiet any more.
    pub to: Time,
    /// What happens to decisions.
    pub policy: QuietPolicy,
}

impl QuietHours {
    /// The end of the quiet hours that hold `at`; `None` when it is not quiet.
    #[must_use]
    pub fn ends_at(&self, at: i64, zone: &TimeZone) -> Option<i64> {
        let now = local(at, zone);
        let time = now.time();
        let over_midnight = self.from > self.to;
        let is_quiet =
            if over_midnight { time >= self.from || time < self.to } else { (self.from..self.to).contains(&time) };
        if !is_quiet {
            return None;
        }
        let ends_tomorrow = over_midnight && time >= self.from;
        let day = if ends_tomorrow { now.date().checked_add(1.day()).ok()? } else { now.date() };
        instant_of(day.to_datetime(self.to), zone).filter(|end| *end > at)
    }

    pub(crate) fn read(report: &Report, path: &str, value: Value) -> Option<Self> {
        let mut fields = Fields::of(report, path, value);
        let clock = "write a wall-clock time such as 21:00";
        for key in ["from", "to"] {
            if !fields.has(key) {
                fields.problem(key, "is missing", clock);
            }
        }
        let from: Option<Time> = fields.parsed("from", clock);
        let to: Option<Time> = fields.parsed("to", clock);
        let policies = [("discard", QuietPolicy::Discard), ("queue", QuietPolicy::Queue)];
        let policy = fields.one_of("policy", &policies).unwrap_or(QuietPolicy::Discard);
        if from.is_some() && from == to {
            fields.problem("to", "is the same as from", "give quiet hours a length, or leave them out");
        }
        fields.finish();
        Some(Self { from: from?, to: to?, policy })
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::time::{from_rfc3339, to_rfc3339};

    use super::*;
    use crate::zone::zone_by_name;

    fn end(from: &str, to: &str, zone: &str, at: &str) -> Option<String> {
        let hours = QuietHours { from: from.parse().unwrap(), to: to.parse().unwrap(), policy: QuietPolicy::Discard };
        hours.ends_at(from_rfc3339(at).unwrap(), &zone_by_name(zone).unwrap()).map(to_rfc3339)
    }

    #[test]
    fn quiet_hours_follow_the_persons_clock_over_midnight() {
        let berlin = |at| end("21:00", "08:00", "Europe/Berlin", at);
        assert_eq!(berlin("2026-01-10T19:59:00Z"), None);
        assert_eq!(berlin("2026-01-10T20:00:00Z"), Some("2026-01-11T07:00:00Z".to_owned()));
        assert_eq!(berlin("2026-01-11T06:59:59Z"), Some("2026-01-11T07:00:00Z".to_owned()));
        assert_eq!(berlin("2026-01-11T07:00:00Z"), None);
        assert_eq!(end("12:00", "13:30", "UTC", "2026-01-11T13:00:00Z"), Some("2026-01-11T13:30:00Z".to_owned()));
        assert_eq!(end("12:00", "13:30", "UTC", "2026-01-11T13:30:00Z"), None);
    }

    #[test]
    fn a_changed_clock_moves_the_end() {
        // Summer time starts in Berlin on 2026-03-29 at 02:00: the night is an hour shorter.
        assert_eq!(
            end("21:00", "08:00", "Europe/Berlin", "2026-03-28T21:00:00Z"),
            Some("2026-03-29T06:00:00Z".to_owned())
        );
        // 02:30 does not exist that night; quiet ends just after the gap.
        assert_eq!(
            end("21:00", "02:30", "Europe/Berlin", "2026-03-28T21:00:00Z"),
            Some("2026-03-29T01:30:00Z".to_owned())
        );
    }
}
