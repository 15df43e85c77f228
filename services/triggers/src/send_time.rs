//! When an eligible decision is acted on: at once, after a time, or at a time of the person's day.

use jiff::ToSpan;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::fields::{Fields, Report};
use crate::span::Span;
use crate::zone::{instant_of, local};

/// When to act on a decision: `after` a time, and then at the next wall-clock time `at` on one of the weekdays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendTime {
    /// How long after it became eligible.
    pub after: Option<Span>,
    /// At which time of the person's day.
    pub at: Option<Time>,
    /// On which days, Monday first; empty for every day.
    pub weekdays: Vec<Weekday>,
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl SendTime {
    /// The instant to act at on what became eligible at `eligible_at`.
    #[must_use]
    pub fn due_at(&self, eligible_at: i64, zone: &TimeZone) -> i64 {
        let from_at = eligible_at.saturating_add(self.after.map_or(0, Span::as_ms));
        let Some(time) = self.at else { return from_at };
        let today = local(from_at, zone).date();
        // Eight days hold each weekday once more after today's time has passed.
        let days = (0..=8).filter_map(|days: i64| today.checked_add(days.days()).ok());
        days.filter(|day| self.weekdays.is_empty() || self.weekdays.contains(&day.weekday()))
            .filter_map(|day| instant_of(day.to_datetime(time), zone))
            .find(|at| *at >= from_at)
            .unwrap_or(from_at)
    }

    pub(crate) fn read(report: &Report, value: Value) -> Self {
        let mut fields = Fields::of(report, "send", value);
        let says_when = fields.has("after") || fields.has("at");
        let after = fields.parsed("after", "write a duration such as 2h");
        let at = fields.parsed("at", "write a wall-clock time such as 09:00");
        let mut weekdays = Vec::new();
        for name in fields.texts("weekdays") {
            match WEEKDAYS.iter().find(|(known, _)| *known == name) {
                Some((_, day)) => weekdays.push(*day),
                None => fields.problem("weekdays", format!("\"{name}\" is not a weekday"), "use mon to sun"),
            }
        }
        if at.is_none() && !weekdays.is_empty() {
            fields.problem("weekdays", "has no effect without a time", "add `at: \"09:00\"`");
        }
        if !says_when {
            fields.problem("after", "is missing, and `at` too", "write `send: {after: 2h}` or `send: {at: \"09:00\"}`");
        }
        fields.finish();
        Self { after, at, weekdays }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tributary_model::time::{from_rfc3339, to_rfc3339};

    use super::*;
    use crate::zone::zone_by_name;

    fn due(rule: Value, eligible: &str) -> String {
        let report = Report::new("test");
        let rule = SendTime::read(&report, rule);
        assert_eq!(report.into_problems(), []);
        to_rfc3339(rule.due_at(from_rfc3339(eligible).unwrap(), &zone_by_name("Europe/Berlin").unwrap()))
    }

    #[test]
    fn it_is_due_after_a_time_or_at_the_next_time_of_the_persons_day() {
        assert_eq!(due(json!({"after": "2h"}), "2026-01-10T12:00:00Z"), "2026-01-10T14:00:00Z");
        assert_eq!(due(json!({"at": "09:00"}), "2026-01-10T07:59:00Z"), "2026-01-10T08:00:00Z");
        assert_eq!(due(json!({"at": "09:00"}), "2026-01-10T08:00:00Z"), "2026-01-10T08:00:00Z");
        assert_eq!(due(json!({"at": "09:00"}), "2026-01-10T08:00:01Z"), "2026-01-11T08:00:00Z");
        assert_eq!(due(json!({"after": "1d", "at": "09:00"}), "2026-01-10T07:00:00Z"), "2026-01-11T08:00:00Z");
    }

    #[test]
    fn weekdays_skip_the_others_and_summer_time_moves_the_instant() {
        // The tenth of January 2026 is a Saturday.
        let week = json!({"at": "09:00", "weekdays": ["mon", "tue", "wed", "thu", "fri"]});
        assert_eq!(due(week, "2026-01-10T07:00:00Z"), "2026-01-12T08:00:00Z");
        assert_eq!(due(json!({"at": "09:00", "weekdays": ["sat"]}), "2026-01-10T09:00:00Z"), "2026-01-17T08:00:00Z");
        assert_eq!(due(json!({"at": "09:00"}), "2026-03-28T20:00:00Z"), "2026-03-29T07:00:00Z");
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (rule, told) in [
            (json!({}), "send.after is missing, and `at` too"),
            (json!({"weekdays": ["mon"]}), "send.weekdays has no effect without a time"),
            (json!({"at": "09:00", "weekdays": ["monday"]}), "send.weekdays \"monday\" is not a weekday"),
            (json!({"at": "nine"}), "send.at "),
        ] {
            let report = Report::new("test");
            SendTime::read(&report, rule);
            let problems = report.into_problems();
            let first = format!("{} {}", problems[0].key, problems[0].what);
            assert!(first.starts_with(told), "{first}");
        }
    }
}
