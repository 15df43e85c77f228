//! What the ledger says, record for record, and where two of them differ.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tributary_model::{Decision, DecisionOutcome, Enrolment, TriggerIntent, WithheldReason, topics};
use tributary_schema::{AvroRecord, Contracts, SchemaError};

use crate::log::{SimLog, Stored};
use crate::run::Lived;

/// Differences told of each topic.
const MAX_TOLD: usize = 5;

/// The ledger: what was decided, what teams were asked to do, what happened after, and who takes part in which experiment. Of each topic and partition the
/// records in their order, with all their fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    records: BTreeMap<(String, i32), Vec<String>>,
    counts: BTreeMap<String, u64>,
}

impl Told {
    /// The ledger of a world.
    ///
    /// # Errors
    /// [`SchemaError`] for a record that is not as its schema says.
    pub fn read(lived: &Lived) -> anyhow::Result<Self> {
        let (log, contracts) = (lived.world.log(), Contracts::single_object()?);
        let mut told = BTreeMap::new();
        for topic in log.topics() {
            let text: fn(&Contracts, &Stored) -> Result<String, SchemaError> = match topic.as_str() {
                topics::DECISIONS => text::<Decision>,
                topics::OUTCOMES => text::<DecisionOutcome>,
                topics::ENROLMENTS => text::<Enrolment>,
                name if name.starts_with(&topics::triggers("")) => text::<TriggerIntent>,
                _ => continue,
            };
            read(log, &topic, &mut told, |stored| text(&contracts, stored))?;
        }
        let mut counts = BTreeMap::new();
        let mut count = |name: &str, by: usize| *counts.entry(name.to_owned()).or_default() += by as u64;
        for ((topic, _), records) in &told {
            count(if topic.starts_with(&topics::triggers("")) { "intents" } else { topic }, records.len());
        }
        for decision in &lived.outputs.decisions {
            count(decision.reason.map_or("sent", WithheldReason::name), 1);
        }
        count("persons merged", lived.outputs.aliases.len());
        Ok(Self { records: told, counts })
    }

    /// What was compared: records by topic, decisions by what became of them.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }
}

fn read(
    log: &SimLog,
    topic: &str,
    told: &mut BTreeMap<(String, i32), Vec<String>>,
    text: impl Fn(&Stored) -> Result<String, SchemaError>,
) -> Result<(), SchemaError> {
    for (partition, _, stored) in log.committed(topic) {
        told.entry((topic.to_owned(), partition)).or_default().push(text(&stored)?);
    }
    Ok(())
}

/// A record with its key and headers, in words.
fn text<T: AvroRecord + Debug>(contracts: &Contracts, stored: &Stored) -> Result<String, SchemaError> {
    let value: Option<T> = stored.value.as_deref().map(|value| contracts.decode(value)).transpose()?;
    Ok(format!("{} {:?} {value:?}", String::from_utf8_lossy(&stored.key), stored.headers))
}

/// Where the second differs from the first, a line each.
#[must_use]
pub fn differences(expected: &Told, found: &Told) -> Vec<String> {
    let mut lines = Vec::new();
    let places =
        expected.records.keys().chain(found.records.keys().filter(|place| !expected.records.contains_key(*place)));
    for place in places {
        let of = |told: &Told| told.records.get(place).cloned().unwrap_or_default();
        let (expected, found) = (of(expected), of(found));
        if expected == found {
            continue;
        }
        let (topic, partition) = place;
        lines.push(format!("{topic}-{partition}: {} records expected, {} found", expected.len(), found.len()));
        let missing = expected.iter().filter(|record| !found.contains(record)).map(|record| ("expected", record));
        let more = found.iter().filter(|record| !expected.contains(record)).map(|record| ("found", record));
        lines.extend(missing.take(MAX_TOLD).chain(more.take(MAX_TOLD)).map(|(what, one)| format!("  {what} {one}")));
    }
    lines
}
