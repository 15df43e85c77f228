//! Spans of time as people write them: `30m`, `1h`, `14d`, `1h30m`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

const WEEK_MS: i64 = 7 * DAY_MS;
/// The longest span accepted: 100 years, so that adding one to an instant never overflows.
const LONGEST_MS: i64 = 36_525 * DAY_MS;
const UNITS: [(&str, i64); 6] =
    [("ms", 1), ("s", SECOND_MS), ("m", MINUTE_MS), ("h", HOUR_MS), ("d", DAY_MS), ("w", WEEK_MS)];

/// A positive span of time in milliseconds; days are 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(i64);

/// A text that is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a duration: write a positive number and a unit of ms, s, m, h, d or w, such as 30m or 14d")]
pub struct SpanError {
    /// The text that was given.
    pub text: String,
}

impl Span {
    /// A span of whole days.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self(days as i64 * DAY_MS)
    }

    /// A span of whole hours.
    #[must_use]
    pub const fn hours(hours: u16) -> Self {
        Self(hours as i64 * HOUR_MS)
    }

    /// A span of whole minutes.
    #[must_use]
    pub const fn minutes(minutes: u16) -> Self {
        Self(minutes as i64 * MINUTE_MS)
    }

    /// Its length in milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let refuse = || SpanError { text: text.to_owned() };
        let mut rest = text.trim();
        let mut total_ms: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refuse)?;
            let part_ms = number.parse::<i64>().ok().and_then(|n| n.checked_mul(*unit_ms)).ok_or_else(refuse)?;
            total_ms = total_ms.checked_add(part_ms).ok_or_else(refuse)?;
            rest = tail.trim_start();
        }
        if total_ms <= 0 || total_ms > LONGEST_MS {
            return Err(refuse());
        }
        Ok(Self(total_ms))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest_ms = self.0;
        for (name, unit_ms) in UNITS.iter().rev() {
            // Weeks are read but written as days, which is how caps and windows are spoken of.
            if *name != "w" && rest_ms >= *unit_ms {
                write!(f, "{}{name}", rest_ms / unit_ms)?;
                rest_ms %= unit_ms;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;
    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        for (text, ms) in
            [("30m", 30 * MINUTE_MS), ("14d", 14 * DAY_MS), ("1h30m", 90 * MINUTE_MS), ("2 w", 14 * DAY_MS)]
        {
            assert_eq!(text.replace(' ', "").parse::<Span>().unwrap().as_ms(), ms, "{text}");
        }
        for text in ["", "0d", "5", "d", "-1d", "1 month", "99999999999w", "9223372036854775807ms"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert_eq!(Span::days(14).to_string(), "14d");
    }

    proptest! {
        #[test]
        fn printed_spans_read_back(ms in 1_i64..LONGEST_MS) {
            prop_assert_eq!(Span(ms).to_string().parse::<Span>().unwrap(), Span(ms));
        }
    }
}
