//! Whether a contender's output is right.

use anyhow::Result;
use serde::Deserialize;
use tributary_stream::{KafkaSettings, Record, read_to_end};

use super::events::{STAGES, said, touched};
use super::{Events, Expected, OUTPUT, Work};

/// The first thing that is wrong with an output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

#[derive(Debug, Deserialize)]
struct Said<'a> {
    id: &'a str,
    person: &'a str,
    at: i64,
    r#type: &'a str,
    channel: &'a str,
    campaign: &'a str,
    url: &'a str,
    referrer: &'a str,
    agent: &'a str,
}

#[derive(Debug, Deserialize)]
struct Enriched<'a> {
    count: u32,
    session: u32,
    stage: &'a str,
    #[serde(borrow)]
    touches: Vec<(i64, &'a str, &'a str)>,
}

/// Reads the whole output, committed records only, and compares each with what has to be there: each event once, under its
/// person, with every value.
///
/// # Errors
/// The first difference, or that the broker does not answer.
pub fn check(settings: &KafkaSettings, work: Work, events: Events) -> Result<()> {
    let expected = events.expected();
    let mut seen = vec![false; expected.len()];
    let mut fault = None;
    read_to_end(settings, OUTPUT, |record| {
        if fault.is_none() {
            fault = judge(work, &record, &expected, &mut seen).err();
        }
    })?;
    if let Some(missing) = seen.iter().position(|seen| !seen).filter(|_| fault.is_none()) {
        let count = seen.iter().filter(|seen| !**seen).count();
        fault = Some(Fault(format!("{count} events did not come out, the first is number {missing}")));
    }
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}

fn judge(work: Work, record: &Record, expected: &[Expected], seen: &mut [bool]) -> Result<(), Fault> {
    let position = record.position();
    let wrong = |what: String| Fault(format!("{position}: {what}"));
    let value = record.value.as_deref().ok_or_else(|| wrong("has no value".to_owned()))?;
    let unread = |error: serde_json::Error| wrong(format!("is not what was asked for: {error}"));
    let said_here: Said<'_> = serde_json::from_slice(value).map_err(unread)?;
    let Said { id, person, at, r#type, channel, campaign, url, referrer, agent } = said_here;
    let number = id.strip_prefix('e').and_then(|number| number.parse::<usize>().ok());
    let known = number.and_then(|number| Some((number, expected.get(number)?)));
    let (number, wanted) = known.ok_or_else(|| wrong(format!("{id} is no event that was sent")))?;
    if std::mem::replace(&mut seen[number], true) {
        return Err(wrong(format!("{id} is there twice")));
    }
    if record.key != person.as_bytes() {
        return Err(wrong(format!("{id} is under another key than {person}")));
    }
    if said(id, person, at, [r#type, channel, campaign, url, referrer, agent]) != wanted.said {
        return Err(wrong(format!("{id} does not say what was sent")));
    }
    if work == Work::Copy {
        return Ok(());
    }
    let Enriched { count, session, stage, touches } = serde_json::from_slice(value).map_err(unread)?;
    let found = (count, session, stage, touched(touches.iter().copied()));
    let wanted = (wanted.count, wanted.session, STAGES[usize::from(wanted.stage)], wanted.touches);
    if found != wanted {
        return Err(wrong(format!("{id} has count, session, stage and touches {found:?} instead of {wanted:?}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: &str, key: &str) -> Record {
        Record {
            topic: OUTPUT.to_owned(),
            partition: 0,
            offset: 3,
            timestamp_ms: None,
            key: key.as_bytes().to_vec(),
            value: Some(value.as_bytes().to_vec()),
            headers: Vec::new(),
        }
    }

    #[test]
    fn what_is_right_passes_and_everything_else_is_told() {
        let events = Events { count: 1, persons: 10 };
        let event = events.iter().next().unwrap();
        let expected = events.expected();
        let stage = STAGES[usize::from(expected[0].stage)];
        let added = format!(
            ",\"count\":1,\"session\":1,\"stage\":\"{stage}\",\"touches\":[[{},\"{}\",\"{}\"]]}}",
            event.at, event.kind, event.channel
        );
        let right = event.json().trim_end_matches('}').to_owned() + &added;
        let verdict = |work, value: &str, key: &str| {
            let outcome = judge(work, &record(value, key), &expected, &mut [false]);
            outcome.err().map(|fault| fault.to_string()).unwrap_or_default()
        };
        assert_eq!(verdict(Work::Enrich, &right, &event.person), "");
        assert_eq!(verdict(Work::Copy, &event.json(), &event.person), "");
        assert!(verdict(Work::Enrich, &event.json(), &event.person).contains("missing field"));
        assert!(verdict(Work::Enrich, &right, "p9").contains("another key"));
        assert!(
            verdict(Work::Enrich, &right.replace("\"count\":1", "\"count\":2"), &event.person).contains("instead of")
        );
        assert!(verdict(Work::Enrich, &right.replace("spring-", "autumn-"), &event.person).contains("does not say"));
        assert!(verdict(Work::Enrich, &right.replace("e00000000", "e00000009"), &event.person).contains("no event"));
        let twice = judge(Work::Enrich, &record(&right, &event.person), &expected, &mut [true]);
        assert!(twice.unwrap_err().to_string().contains("twice"));
    }
}
