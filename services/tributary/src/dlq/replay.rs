//! Writing dead letters back, each once: the event and the note that it was replayed are one transaction.
//!
//! Two who replay at the same time cannot both: they share the name of one transactional writer, so the second ends what
//! the first had open and fences it, and reads the list of replays only after that. What is on the list then is all that
//! was ever written back, and what is not on it never was.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_model::{Replay, topics};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, OutRecord, TransactionalWriter, list_topics};

use super::correction::Correction;
use super::ledger::Ledger;
use super::letter::{Letter, Place};
use crate::error::CliError;

/// The name that whoever replays writes under.
const TRANSACTIONAL_ID: &str = "tributary.dlq.replay";
/// Letters in one transaction.
const BATCH: usize = 200;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Letters that were written back now.
    pub replayed: u64,
    /// Letters that had been written back before.
    pub replayed_before: u64,
    /// Letters that cannot be written back.
    pub skipped: Vec<Skipped>,
}

/// A letter that cannot be written back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its place.
    pub place: Place,
    /// Why, and what to do.
    pub why: String,
}

/// Writes back those of `letters` that never were; tells `progress` how many are settled. `now_ms` is noted as the time.
///
/// # Errors
/// [`CliError`] when the broker refuses or somebody else begins to replay: then the message says how many were written
/// back, and the same command goes on behind them.
pub fn replay(
    settings: &KafkaSettings,
    contracts: &Contracts,
    letters: &[Letter],
    correction: &Correction,
    now_ms: i64,
    mut progress: impl FnMut(u64),
) -> Result<Replayed, CliError> {
    let partitions: BTreeMap<String, u32> = list_topics(settings)?.into_iter().collect();
    if !partitions.contains_key(topics::REPLAYS) {
        let detail = format!("topic {} does not exist; run `tributary topics apply`", topics::REPLAYS);
        return Err(CliError::Definition { what: "the list of replays", detail });
    }
    // In this order: what the list says is only final once nobody else can write.
    let mut writer = TransactionalWriter::new(settings, TRANSACTIONAL_ID)?;
    let ledger = Ledger::read(settings, contracts)?;
    let mut done = Replayed::default();
    for batch in letters.chunks(BATCH) {
        let mut records = Vec::new();
        let mut written = 0;
        for letter in batch {
            if ledger.of(letter.place).is_some() {
                done.replayed_before += 1;
                continue;
            }
            match write_back(letter, &partitions, contracts, correction, now_ms) {
                Ok(pair) => {
                    records.extend(pair);
                    written += 1;
                }
                Err(why) => done.skipped.push(Skipped { place: letter.place, why }),
            }
        }
        if written > 0 {
            writer.write(&records).map_err(|error| CliError::Replay { replayed: done.replayed, error })?;
            done.replayed += written;
        }
        progress(batch.len() as u64);
    }
    Ok(done)
}

/// The event for its old partition, and the note for the list.
fn write_back(
    letter: &Letter,
    partitions: &BTreeMap<String, u32>,
    contracts: &Contracts,
    correction: &Correction,
    now_ms: i64,
) -> Result<[(OutRecord, Option<i32>); 2], String> {
    let input = &letter.letter.input;
    let count = partitions.get(&input.topic).copied().unwrap_or(0);
    if !(0..i64::from(count)).contains(&i64::from(input.partition)) {
        return Err(format!(
            "it came from {}-{}, which does not exist any more: bring the topic back with that many partitions",
            input.topic, input.partition
        ));
    }
    let mut event = letter.letter.replay(&letter.place.in_full());
    event.value = correction.value(letter, contracts)?;
    let note = Replay {
        letter_partition: letter.place.partition,
        letter_offset: letter.place.offset,
        topic: input.topic.clone(),
        partition: input.partition,
        stage: letter.letter.stage.clone(),
        code: letter.letter.code.clone(),
        corrected: !matches!(correction, Correction::None),
        replayed_at: now_ms,
    };
    let value = contracts.encode(topics::REPLAYS, &note).map_err(|error| error.to_string())?;
    let note =
        OutRecord { topic: topics::REPLAYS.to_owned(), key: note.key(), value: Some(value), headers: Vec::new() };
    // The same partition as before, whoever chose it: there its duplicates are known.
    Ok([(event, Some(input.partition)), (note, None)])
}
