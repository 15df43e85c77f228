//! Which dead letters were replayed.

use std::collections::BTreeMap;

use tributary_model::{Replay, topics};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, list_topics, read_to_end};

use super::letter::Place;
use crate::error::CliError;

/// The replays that were committed, by the letter's place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    replays: BTreeMap<Place, Replay>,
}

impl Ledger {
    /// Reads the replays from their topic; none when the topic does not exist yet.
    ///
    /// # Errors
    /// [`CliError`] when no broker answers or a record is no replay: then nothing may be replayed, lest it be twice.
    pub fn read(settings: &KafkaSettings, contracts: &Contracts) -> Result<Self, CliError> {
        let mut ledger = Self::default();
        if !list_topics(settings)?.iter().any(|(name, _)| name == topics::REPLAYS) {
            return Ok(ledger);
        }
        let mut broken = None;
        read_to_end(settings, topics::REPLAYS, |record| {
            let Some(value) = record.value.as_deref() else { return };
            match contracts.decode(value) {
                Ok(replay) => ledger.add(replay),
                Err(error) => drop(broken.get_or_insert_with(|| format!("{}: {error}", record.position()))),
            }
        })?;
        match broken {
            Some(detail) => Err(CliError::Definition { what: "the list of replays cannot be read", detail }),
            None => Ok(ledger),
        }
    }

    /// Adds a replay.
    pub fn add(&mut self, replay: Replay) {
        self.replays.insert(Place { partition: replay.letter_partition, offset: replay.letter_offset }, replay);
    }

    /// The replay of the letter at this place.
    #[must_use]
    pub fn of(&self, place: Place) -> Option<&Replay> {
        self.replays.get(&place)
    }

    /// How many events were written back, by topic.
    #[must_use]
    pub fn written_back(&self) -> BTreeMap<String, i64> {
        let mut by_topic = BTreeMap::new();
        for replay in self.replays.values() {
            *by_topic.entry(replay.topic.clone()).or_insert(0) += 1;
        }
        by_topic
    }

    /// How many letters of each stage were replayed.
    #[must_use]
    pub fn by_stage(&self) -> BTreeMap<String, i64> {
        let mut by_stage = BTreeMap::new();
        for replay in self.replays.values() {
            *by_stage.entry(replay.stage.clone()).or_insert(0) += 1;
        }
        by_stage
    }
}
