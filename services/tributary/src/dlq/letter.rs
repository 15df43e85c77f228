//! One dead letter with its place and its source.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use tributary_model::identity::Resolved;
use tributary_model::{Domain, JourneyEvent, RawEvent, Touchpoint, topics};
use tributary_normalizer::HEADER_SOURCE;
use tributary_schema::Contracts;
use tributary_stream::{DeadLetter, KafkaSettings, Record, read_to_end};

use crate::error::CliError;

/// Where a letter is on the dead-letter topic; written `partition/offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let prefix = format!("{}/", topics::DEAD_LETTERS);
        let numbers = text.strip_prefix(&prefix).unwrap_or(text).split_once('/');
        let place = numbers.and_then(|(partition, offset)| {
            let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
            (partition >= 0 && offset >= 0).then_some(Self { partition, offset })
        });
        place.ok_or_else(|| "give the letter's place as `tributary dlq list --each` shows it, as 3/17".to_owned())
    }
}

impl Place {
    /// With the topic in front, as it stands in headers.
    #[must_use]
    pub fn in_full(&self) -> String {
        format!("{}/{self}", topics::DEAD_LETTERS)
    }
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where it is.
    pub place: Place,
    /// When it was written there.
    pub lettered_at: Option<i64>,
    /// What was refused, by whom, and why.
    pub letter: DeadLetter,
    /// The source of the event, when the record tells it.
    pub source: Option<String>,
}

impl Letter {
    /// Reads a record of the dead-letter topic; `None` when the hub did not write it.
    #[must_use]
    pub fn read(record: &Record, contracts: &Contracts) -> Option<Self> {
        let letter = DeadLetter::read(record)?;
        let source = source(&letter.input, contracts);
        let place = Place { partition: record.partition, offset: record.offset };
        Some(Self { place, lettered_at: record.timestamp_ms, letter, source })
    }

    /// Where the refused record was read, as `topic/partition/offset`.
    #[must_use]
    pub fn origin(&self) -> String {
        let Record { topic, partition, offset, .. } = &self.letter.input;
        format!("{topic}/{partition}/{offset}")
    }

    /// True when the refused record is an event as its source sent it.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        Domain::ALL.into_iter().any(|domain| topics::raw(domain) == self.letter.input.topic)
    }
}

/// The source that a record's header or value names.
fn source(input: &Record, contracts: &Contracts) -> Option<String> {
    if let Some(source) = input.header(HEADER_SOURCE) {
        return Some(source.to_owned());
    }
    let value = input.value.as_deref()?;
    match input.topic.as_str() {
        topics::TOUCHPOINTS => contracts.decode::<Touchpoint>(value).ok().map(|touchpoint| touchpoint.source),
        topics::RESOLVED => contracts.decode::<Resolved>(value).ok().map(|resolved| resolved.touchpoint.source),
        topics::JOURNEYS | topics::ACCOUNT_TOUCHES => {
            contracts.decode::<JourneyEvent>(value).ok().map(|event| event.touchpoint.source)
        }
        _ => contracts.decode::<RawEvent>(value).ok().map(|event| event.source),
    }
}

/// Hands every dead letter that is there now to `each`, and gives the number of records that the hub did not write.
///
/// # Errors
/// [`CliError`] when no broker answers or the topic does not exist.
pub fn read_letters(
    settings: &KafkaSettings,
    contracts: &Contracts,
    mut each: impl FnMut(Letter),
) -> Result<u64, CliError> {
    let mut foreign = 0;
    read_to_end(settings, topics::DEAD_LETTERS, |record| match Letter::read(&record, contracts) {
        Some(letter) => each(letter),
        None => foreign += 1,
    })?;
    Ok(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = Place { partition: 3, offset: 17 };
        assert_eq!("3/17".parse(), Ok(place));
        assert_eq!(place.in_full().parse(), Ok(place));
        for wrong in ["", "3", "3/x", "-1/2", "1/-2", "tributary.journeys/3/17", "3/17/2"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
