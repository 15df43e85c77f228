//! Dead letters keep the original bytes, key and headers, and say in further headers where, why and what to do.

use tributary_model::topics;

use crate::record::{OutRecord, Record};

/// Header: topic the record was read from.
pub const HEADER_TOPIC: &str = "__connect.errors.topic";
/// Header: partition it was read from.
pub const HEADER_PARTITION: &str = "__connect.errors.partition";
/// Header: its offset there.
pub const HEADER_OFFSET: &str = "__connect.errors.offset";
/// Header: the stage that refused it.
pub const HEADER_STAGE: &str = "__connect.errors.stage";
/// Header: the reason code, from a fixed set.
pub const HEADER_CODE: &str = "__connect.errors.exception.class.name";
/// Header: the reason in words.
pub const HEADER_MESSAGE: &str = "__connect.errors.exception.message";
/// Header: the record's own timestamp in milliseconds.
pub const HEADER_TIMESTAMP: &str = "__connect.errors.timestamp";

/// Header of a replayed record: the dead letter it was, as `topic/partition/offset`.
pub const HEADER_REPLAYED_FROM: &str = "tributary.replayed-from";
/// Header of a replayed record: the timestamp in milliseconds that it had before it was refused. The record itself is as old
/// as its replay, so that retention does not take it away at once.
pub const HEADER_ORIGINAL_TIMESTAMP: &str = "tributary.original-timestamp";

/// The dead letter for `input`.
#[must_use]
pub fn dead_letter(input: &Record, stage: &str, code: &str, message: &str) -> OutRecord {
    let mut headers = input.headers.clone();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value.into_bytes()));
    add(HEADER_TOPIC, input.topic.clone());
    add(HEADER_PARTITION, input.partition.to_string());
    add(HEADER_OFFSET, input.offset.to_string());
    add(HEADER_STAGE, stage.to_owned());
    add(HEADER_CODE, code.to_owned());
    add(HEADER_MESSAGE, message.to_owned());
    if let Some(timestamp_ms) = input.timestamp_ms {
        add(HEADER_TIMESTAMP, timestamp_ms.to_string());
    }
    OutRecord { topic: topics::DEAD_LETTERS.to_owned(), key: input.key.clone(), value: input.value.clone(), headers }
}

/// A dead letter taken apart: what was refused, as it was, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record that was refused: its place, key, value, headers and timestamp.
    pub input: Record,
    /// The stage that refused it.
    pub stage: String,
    /// The reason code.
    pub code: String,
    /// The reason in words.
    pub message: String,
}

impl DeadLetter {
    /// Reads a record of the dead-letter topic; `None` when it was not made by [`dead_letter`].
    #[must_use]
    pub fn read(record: &Record) -> Option<Self> {
        // A record may have come with headers of these names from elsewhere; ours are the last.
        let first_of_ours = record.headers.iter().rposition(|(name, _)| name == HEADER_TOPIC)?;
        let text = |name: &str| record.header(name).map(str::to_owned);
        let input = Record {
            topic: text(HEADER_TOPIC)?,
            partition: text(HEADER_PARTITION)?.parse().ok()?,
            offset: text(HEADER_OFFSET)?.parse().ok()?,
            timestamp_ms: record.headers[first_of_ours..]
                .iter()
                .find(|(name, _)| name == HEADER_TIMESTAMP)
                .and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok()),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers[..first_of_ours].to_vec(),
        };
        Some(Self { input, stage: text(HEADER_STAGE)?, code: text(HEADER_CODE)?, message: text(HEADER_MESSAGE)? })
    }

    /// The record that goes back to where the input came from; `place` is the letter's own, as `topic/partition/offset`.
    #[must_use]
    pub fn replay(&self, place: &str) -> OutRecord {
        let Record { topic, key, value, headers, timestamp_ms, .. } = self.input.clone();
        let mut headers: Vec<_> = headers.into_iter().filter(|(name, _)| name != HEADER_REPLAYED_FROM).collect();
        headers.push((HEADER_REPLAYED_FROM.to_owned(), place.as_bytes().to_vec()));
        // A record that was replayed before carries its first timestamp already.
        if self.input.header(HEADER_ORIGINAL_TIMESTAMP).is_none()
            && let Some(timestamp_ms) = timestamp_ms
        {
            headers.push((HEADER_ORIGINAL_TIMESTAMP.to_owned(), timestamp_ms.to_string().into_bytes()));
        }
        OutRecord { topic, key, value, headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_gives_back_what_was_refused_also_when_that_was_a_letter_of_somebody_else() {
        let strange = vec![
            (HEADER_TOPIC.to_owned(), b"their.topic".to_vec()),
            (HEADER_TIMESTAMP.to_owned(), b"7".to_vec()),
            ("traceparent".to_owned(), vec![0, 159]),
        ];
        for timestamp_ms in [None, Some(1_772_355_602_000)] {
            let input = Record {
                topic: topics::TOUCHPOINTS.to_owned(),
                partition: 3,
                offset: 17,
                timestamp_ms,
                key: b"k".to_vec(),
                value: Some(vec![1, 2, 3]),
                headers: strange.clone(),
            };
            let letter = dead_letter(&input, "identity", "undecodable", "it is not Avro");
            let on_topic = Record {
                topic: letter.topic,
                partition: 0,
                offset: 5,
                timestamp_ms: Some(9),
                key: letter.key,
                value: letter.value,
                headers: letter.headers,
            };
            let read = DeadLetter::read(&on_topic).unwrap();
            assert_eq!(read.input, input);
            assert_eq!((&*read.stage, &*read.code, &*read.message), ("identity", "undecodable", "it is not Avro"));
            let again = read.replay("tributary.dead-letters/0/5");
            assert_eq!((&again.topic, &again.key, &again.value), (&input.topic, &input.key, &input.value));
            assert_eq!(again.headers[..3], strange);
            let second =
                DeadLetter { input: Record { headers: again.headers, timestamp_ms: Some(99), ..input }, ..read };
            let replayed = second.replay("tributary.dead-letters/0/8");
            let values = |name: &str| -> Vec<_> {
                let of_name = replayed.headers.iter().filter(|(header, _)| header == name);
                of_name.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
            };
            assert_eq!(values(HEADER_REPLAYED_FROM), ["tributary.dead-letters/0/8"]);
            let first_timestamp = timestamp_ms.unwrap_or(99).to_string();
            assert_eq!(values(HEADER_ORIGINAL_TIMESTAMP), [first_timestamp]);
            let foreign = Record { headers: strange.clone(), ..on_topic };
            assert_eq!(DeadLetter::read(&foreign), None);
        }
    }
}
