//! What the hub has written, read as anybody would: committed records only, decoded by their schemas.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::identity::{Alias, IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind};
use tributary_model::path::{PathCounts, PathStatistics};
use tributary_model::{Decision, Identifier, JourneyEvent, PersonId, Scorecard, Touchpoint, TriggerIntent, topics};
use tributary_schema::{AvroRecord, Contracts, SchemaError};

use crate::log::{SimLog, Stored};
use crate::pills::is_pill;

/// The hub's output topics.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Touchpoints.
    pub touchpoints: Vec<Touchpoint>,
    /// The journey stream; records of one person are in order. Those of somebody who was erased are left out.
    pub journeys: Vec<JourneyEvent>,
    /// The alias table's records in order.
    pub aliases: Vec<Alias>,
    /// Numbers of the splits of persons.
    pub splits: BTreeSet<i64>,
    /// Numbers of the erasures of persons.
    pub erasures: BTreeSet<i64>,
    /// Identifiers that were erased, with until when.
    pub erased: BTreeMap<Identifier, i64>,
    /// The decision ledger.
    pub decisions: Vec<Decision>,
    /// What teams are asked to do.
    pub intents: Vec<TriggerIntent>,
    /// The latest scorecard of each key.
    pub scorecards: BTreeMap<Vec<u8>, Scorecard>,
    /// The latest counts of each path.
    pub paths: BTreeMap<Vec<u8>, PathCounts>,
    /// Dead letters as they lie there.
    pub dead_letters: Vec<Stored>,
    /// Records on each topic, changelogs aside.
    pub counts: BTreeMap<String, i64>,
    /// Of these, the ones that the simulation put there.
    pub pills: BTreeMap<String, i64>,
}

impl Outputs {
    /// Reads all topics.
    ///
    /// # Errors
    /// [`SchemaError`] for a record that is not as its schema says.
    pub fn read(log: &SimLog, contracts: &Contracts) -> Result<Self, SchemaError> {
        let metrics = topics::metrics("");
        let triggers = topics::triggers("");
        let changes: Vec<IdentityChange> = decoded(log, contracts, topics::IDENTITY_CHANGES)?;
        let numbers = |kind| -> BTreeSet<i64> {
            changes.iter().filter(|change| change.kind == kind).filter_map(|change| change.sequence).collect()
        };
        let commands: Vec<IdentifierCommand> = decoded(log, contracts, topics::IDENTIFIERS)?;
        let forgotten = commands.into_iter().filter(|command| command.kind == IdentifierCommandKind::Forget);
        let mut outputs = Self {
            splits: numbers(IdentityChangeKind::Unmerged),
            erasures: numbers(IdentityChangeKind::Erased),
            erased: forgotten.map(|command| (command.identifier, command.received_at)).collect(),
            touchpoints: decoded(log, contracts, topics::TOUCHPOINTS)?,
            journeys: journeys(log, contracts)?,
            aliases: decoded(log, contracts, topics::ALIASES)?,
            decisions: decoded(log, contracts, topics::DECISIONS)?,
            ..Self::default()
        };
        for topic in log.topics().iter().filter(|topic| !topic.ends_with(".changelog")) {
            let records = log.committed(topic);
            outputs.counts.insert(topic.clone(), records.len() as i64);
            let pills = records.iter().filter(|(_, _, stored)| is_pill(&stored.key)).count();
            if topic != topics::DEAD_LETTERS {
                outputs.pills.insert(topic.clone(), pills as i64);
            }
            if topic.starts_with(&triggers) {
                outputs.intents.extend(decoded(log, contracts, topic)?);
            } else if topic.starts_with(&metrics) {
                for (_, _, stored) in &records {
                    let Some(value) = &stored.value else { continue };
                    outputs.scorecards.insert(stored.key.clone(), contracts.decode(value)?);
                }
            } else if topic == topics::PATHS {
                for (_, _, stored) in records {
                    match stored.value {
                        Some(value) => {
                            let PathStatistics { counts, .. } = contracts.decode(&value)?;
                            outputs.paths.insert(stored.key, counts);
                        }
                        None => drop(outputs.paths.remove(&stored.key)),
                    }
                }
            } else if topic == topics::DEAD_LETTERS {
                outputs.dead_letters = records.into_iter().map(|(_, _, stored)| stored).collect();
            }
        }
        Ok(outputs)
    }
}

/// The journey stream as its readers take it: a record without a value erases a person.
fn journeys(log: &SimLog, contracts: &Contracts) -> Result<Vec<JourneyEvent>, SchemaError> {
    let mut journeys: Vec<JourneyEvent> = Vec::new();
    for (_, _, stored) in log.committed(topics::JOURNEYS).into_iter().filter(|(_, _, stored)| !is_pill(&stored.key)) {
        match stored.value {
            Some(value) => journeys.push(contracts.decode(&value)?),
            None => {
                let erased = std::str::from_utf8(&stored.key).ok().and_then(|key| key.parse::<PersonId>().ok());
                journeys.retain(|event| Some(event.person_id) != erased);
            }
        }
    }
    Ok(journeys)
}

fn decoded<T: AvroRecord>(log: &SimLog, contracts: &Contracts, topic: &str) -> Result<Vec<T>, SchemaError> {
    let records = log.committed(topic).into_iter();
    let records = records.filter(|(_, _, stored)| !is_pill(&stored.key));
    records.filter_map(|(_, _, stored)| stored.value).map(|value| contracts.decode(&value)).collect()
}
