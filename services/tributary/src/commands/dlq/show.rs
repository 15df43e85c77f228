//! `tributary dlq show`.

use serde::Serialize;
use tributary_model::{RawEvent, Replay};
use tributary_normalizer::HEADER_SOURCE;
use tributary_schema::Contracts;
use tributary_stream::{HEADER_ORIGINAL_TIMESTAMP, HEADER_REPLAYED_FROM, Range, read_ranges};

use super::instant;
use crate::config::HubConfig;
use crate::dlq::args::ShowArgs;
use crate::dlq::{Ledger, Letter, remedy};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Headers whose values the hub knows to be harmless.
const SHOWN_HEADERS: [&str; 6] = [
    HEADER_SOURCE,
    HEADER_REPLAYED_FROM,
    HEADER_ORIGINAL_TIMESTAMP,
    "traceparent",
    "content-type",
    "tributary.rule_version",
];

#[derive(Serialize)]
struct Answer {
    place: String,
    at: Option<i64>,
    stage: String,
    source: Option<String>,
    code: String,
    message: String,
    remedy: &'static str,
    origin: String,
    timestamp: Option<i64>,
    replay: Option<Replay>,
    headers: Vec<(String, String)>,
    key_bytes: usize,
    value_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// Explains one letter.
pub(super) fn show(args: &ShowArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let ledger = Ledger::read(&settings, &contracts)?;
    let mut found = None;
    let range = Range { partition: args.place.partition, from: args.place.offset, to: args.place.offset + 1 };
    let nothing = |detail: &str| CliError::Argument {
        argument: "place",
        value: args.place.to_string(),
        remedy: format!("{detail}; `tributary dlq list --each` shows what there is"),
    };
    let known = tributary_stream::list_topics(&settings)?;
    let partitions =
        known.iter().find(|(name, _)| name == tributary_model::topics::DEAD_LETTERS).map_or(0, |(_, n)| *n);
    if i64::from(args.place.partition) >= i64::from(partitions) {
        return Err(nothing(&format!("the dead-letter topic has {partitions} partitions, counted from 0")));
    }
    let end = tributary_stream::end_of(&settings, tributary_model::topics::DEAD_LETTERS, args.place.partition)?;
    if args.place.offset < end {
        read_ranges(&settings, tributary_model::topics::DEAD_LETTERS, &[range], |record| {
            if record.offset == args.place.offset {
                found = Letter::read(&record, &contracts);
            }
        })?;
    }
    let letter = found.ok_or_else(|| nothing("no dead letter is there: it was never written, or retention took it"))?;
    let answer = answer(&letter, args.raw, ledger.of(letter.place).cloned(), &contracts);
    output.either(&answer, || text(&answer))?;
    Ok(Exit::Done)
}

fn answer(letter: &Letter, raw: bool, replay: Option<Replay>, contracts: &Contracts) -> Answer {
    let input = &letter.letter.input;
    let headers = input.headers.iter().map(|(name, value)| {
        let shown = raw || SHOWN_HEADERS.contains(&name.as_str());
        (name.clone(), if shown { readable(value) } else { format!("({} bytes)", value.len()) })
    });
    // The body of a raw event is what somebody wants to see; the envelope around it is binary.
    let body = |value: &Vec<u8>| contracts.decode::<RawEvent>(value).map_or_else(|_| value.clone(), |event| event.body);
    Answer {
        place: letter.place.in_full(),
        at: letter.lettered_at,
        stage: letter.letter.stage.clone(),
        source: letter.source.clone(),
        code: letter.letter.code.clone(),
        message: letter.letter.message.clone(),
        remedy: remedy(&letter.letter.code),
        origin: letter.origin(),
        timestamp: input.timestamp_ms,
        replay,
        headers: headers.collect(),
        key_bytes: input.key.len(),
        value_bytes: input.value.as_ref().map(Vec::len),
        key: raw.then(|| readable(&input.key)),
        value: if raw { input.value.as_ref().map(|value| readable(&body(value))) } else { None },
    }
}

/// Text as it is; other bytes in hexadecimal digits.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn text(answer: &Answer) -> String {
    let mut lines = vec![
        format!("dead letter  {}", answer.place),
        format!("at           {}", instant(answer.at)),
        format!("stage        {}", answer.stage),
        format!("source       {}", answer.source.as_deref().unwrap_or("the record does not tell")),
        format!("reason       {}: {}", answer.code, answer.message),
        format!("what to do   {}", answer.remedy),
        format!("came from    {}, written there {}", answer.origin, instant(answer.timestamp)),
        match &answer.replay {
            Some(replay) => {
                let how = if replay.corrected { " with a corrected value" } else { "" };
                format!("replayed     {}{how}", instant(Some(replay.replayed_at)))
            }
            None => "replayed     no".to_owned(),
        },
    ];
    for (name, value) in &answer.headers {
        lines.push(format!("header       {name}: {value}"));
    }
    match (&answer.key, &answer.value) {
        (Some(key), value) => {
            lines.push(format!("key          {key}"));
            lines.push(format!("value        {}", value.as_deref().unwrap_or("none: a tombstone")));
        }
        (None, _) => {
            let value = answer.value_bytes.map_or("no value".to_owned(), |bytes| format!("value of {bytes} bytes"));
            lines.push(format!("content      key of {} bytes, {value}: --raw shows them", answer.key_bytes));
        }
    }
    lines.join("\n")
}
