//! What the hub has written, read as anybody would: committed records only, decoded by their schemas.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::identity::{Alias, IdentityChange, IdentityChangeKind};
use tributary_model::{Decision, JourneyEvent, Scorecard, Touchpoint, TriggerIntent, topics};
use tributary_schema::{AvroRecord, Contracts, SchemaError};

use crate::log::{SimLog, Stored};
use crate::pills::is_pill;

/// The hub's output topics.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Touchpoints.
    pub touchpoints: Vec<Touchpoint>,
    /// The journey stream; records of one person are in order.
    pub journeys: Vec<JourneyEvent>,
    /// The alias table's records in order.
    pub aliases: Vec<Alias>,
    /// Numbers of the splits of persons.
    pub splits: BTreeSet<i64>,
    /// The decision ledger.
    pub decisions: Vec<Decision>,
    /// What teams are asked to do.
    pub intents: Vec<TriggerIntent>,
    /// The latest scorecard of each key.
    pub scorecards: BTreeMap<Vec<u8>, Scorecard>,
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
        let splits = changes.into_iter().filter(|change| change.kind == IdentityChangeKind::Unmerged);
        let mut outputs = Self {
            splits: splits.filter_map(|change| change.sequence).collect(),
            touchpoints: decoded(log, contracts, topics::TOUCHPOINTS)?,
            journeys: decoded(log, contracts, topics::JOURNEYS)?,
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
            } else if topic == topics::DEAD_LETTERS {
                outputs.dead_letters = records.into_iter().map(|(_, _, stored)| stored).collect();
            }
        }
        Ok(outputs)
    }
}

fn decoded<T: AvroRecord>(log: &SimLog, contracts: &Contracts, topic: &str) -> Result<Vec<T>, SchemaError> {
    let records = log.committed(topic).into_iter();
    let records = records.filter(|(_, _, stored)| !is_pill(&stored.key));
    records.filter_map(|(_, _, stored)| stored.value).map(|value| contracts.decode(&value)).collect()
}
