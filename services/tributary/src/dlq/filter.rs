//! Choosing among dead letters.

use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned, civil};

use super::letter::{Letter, Place};

/// A topic, or one partition of it, or one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    topic: String,
    partition: Option<i32>,
    offset: Option<i64>,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give TOPIC, TOPIC/PARTITION or TOPIC/PARTITION/OFFSET, as tributary.raw.store/3/17".to_owned();
        let mut parts = text.split('/');
        let topic = parts.next().filter(|topic| !topic.is_empty()).ok_or_else(wrong)?.to_owned();
        let partition = parts.next().map(|part| part.parse().map_err(|_| wrong())).transpose()?;
        let offset = parts.next().map(|part| part.parse().map_err(|_| wrong())).transpose()?;
        if parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self { topic, partition, offset })
    }
}

/// What letters have to be like; what is empty or `None` asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Reason codes, one of them.
    pub codes: Vec<String>,
    /// Sources, one of them.
    pub sources: Vec<String>,
    /// Stages, one of them.
    pub stages: Vec<String>,
    /// Where the refused record was read, one of them.
    pub origins: Vec<Origin>,
    /// Places of letters, one of them.
    pub places: Vec<Place>,
    /// Dead-lettered at this time or later.
    pub since_at: Option<i64>,
    /// Dead-lettered before this time.
    pub until_at: Option<i64>,
}

impl Filter {
    /// Whether a letter is like that.
    #[must_use]
    pub fn takes(&self, letter: &Letter) -> bool {
        let among = |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == found);
        let input = &letter.letter.input;
        let is_from = |origin: &Origin| {
            origin.topic == input.topic
                && origin.partition.is_none_or(|partition| partition == input.partition)
                && origin.offset.is_none_or(|offset| offset == input.offset)
        };
        among(&self.codes, &letter.letter.code)
            && among(&self.sources, letter.source.as_deref().unwrap_or_default())
            && among(&self.stages, &letter.letter.stage)
            && (self.origins.is_empty() || self.origins.iter().any(is_from))
            && (self.places.is_empty() || self.places.contains(&letter.place))
            && self.since_at.is_none_or(|since| letter.lettered_at.is_some_and(|at| at >= since))
            && self.until_at.is_none_or(|until| letter.lettered_at.is_some_and(|at| at < until))
    }
}

/// Reads an instant, a day, or a time span back from now, in milliseconds since 1970.
///
/// # Errors
/// What to write instead.
pub fn parse_instant(text: &str) -> Result<i64, String> {
    instant_before(text, &Zoned::now().with_time_zone(TimeZone::UTC))
}

fn instant_before(text: &str, now: &Zoned) -> Result<i64, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_millisecond());
    }
    let day = || text.parse::<civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    let back = || now.checked_sub(text.parse::<Span>().ok()?).ok();
    let instant = day().or_else(back).map(|zoned| zoned.timestamp().as_millisecond());
    instant
        .ok_or_else(|| "give an instant (2026-03-01T09:00:00Z), a day (2026-03-01, UTC) or a span (2h, 3d)".to_owned())
}

#[cfg(test)]
mod tests {
    use tributary_stream::{DeadLetter, Record};

    use super::*;

    fn letter() -> Letter {
        let input = Record {
            topic: "in".to_owned(),
            partition: 2,
            offset: 40,
            timestamp_ms: Some(5),
            key: Vec::new(),
            value: None,
            headers: Vec::new(),
        };
        let text = |text: &str| text.to_owned();
        Letter {
            place: Place { partition: 1, offset: 9 },
            lettered_at: Some(1_000),
            letter: DeadLetter { input, stage: text("normalizer"), code: text("too_old"), message: text("m") },
            source: Some(text("shop")),
        }
    }

    #[test]
    fn each_filter_takes_what_is_so_and_leaves_what_is_not() {
        assert!(Filter::default().takes(&letter()));
        let list = |text: &str| vec![text.to_owned()];
        let origins = |text: &str| vec![text.parse().unwrap()];
        let place = |offset: i64| vec![Place { partition: 1, offset }];
        let any = Filter::default;
        for (good, bad) in [
            (Filter { codes: list("too_old"), ..any() }, Filter { codes: list("panic"), ..any() }),
            (Filter { sources: list("shop"), ..any() }, Filter { sources: list("till"), ..any() }),
            (Filter { stages: list("normalizer"), ..any() }, Filter { stages: list("journey"), ..any() }),
            (Filter { origins: origins("in"), ..any() }, Filter { origins: origins("out"), ..any() }),
            (Filter { origins: origins("in/2"), ..any() }, Filter { origins: origins("in/3"), ..any() }),
            (Filter { origins: origins("in/2/40"), ..any() }, Filter { origins: origins("in/2/41"), ..any() }),
            (Filter { places: place(9), ..any() }, Filter { places: place(8), ..any() }),
            (Filter { since_at: Some(1_000), ..any() }, Filter { since_at: Some(1_001), ..any() }),
            (Filter { until_at: Some(1_001), ..any() }, Filter { until_at: Some(1_000), ..any() }),
        ] {
            assert!(good.takes(&letter()), "{good:?}");
            assert!(!bad.takes(&letter()), "{bad:?}");
        }
    }

    #[test]
    fn times_are_instants_days_and_spans() {
        let now: Zoned = "2026-03-03T12:00:00[UTC]".parse().unwrap();
        let at = |text: &str| instant_before(text, &now);
        assert_eq!(at("2026-03-01T09:00:00Z"), Ok(1_772_355_600_000));
        assert_eq!(at("2026-03-01"), Ok(1_772_323_200_000));
        assert_eq!(at("2d"), at("2026-03-01T12:00:00Z"));
        assert_eq!(at("90m"), at("2026-03-03T10:30:00Z"));
        assert!(at("yesterday").is_err());
        assert!("in/x".parse::<Origin>().is_err() && "in/1/2/3".parse::<Origin>().is_err());
    }
}
