//! Watching the inputs of the stages of this process: how far they lag behind, and whether one stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use metrics::gauge;

use crate::error::StreamError;
use crate::peek::Peek;
use crate::positions::{InputPosition, Positions};
use crate::processor::Stage;
use crate::settings::KafkaSettings;
use crate::stall::{Reader, Seen, StalledInput, Standstill};
use crate::watch::Pulses;

/// Looks are that far apart, or a quarter of the limit if that is less.
const CADENCE: Duration = Duration::from_secs(15);
const SHORTEST_CADENCE: Duration = Duration::from_millis(500);
/// So many cadences without a look, and for no shorter time than this: nobody knows what happened meanwhile.
const MISSED_LOOKS: u32 = 4;
const SHORTEST_GAP: Duration = Duration::from_secs(20);

/// One stage that is watched.
#[derive(Debug)]
struct Watched {
    stage: &'static str,
    topics: Vec<String>,
    positions: Positions,
    standstill: Standstill,
}

/// Watches the inputs of stages. It only looks; what it finds is told to who asks, and shown on gauges.
#[derive(Debug)]
pub struct InputWatch {
    limit: Duration,
    stuck_after: Duration,
    peek: Peek,
    stages: Vec<Watched>,
}

impl InputWatch {
    /// A watch over the inputs of these stages, with connections of its own.
    ///
    /// # Errors
    /// [`StreamError`] when a client cannot be made from these settings.
    pub fn new<'a>(settings: &KafkaSettings, stages: impl IntoIterator<Item = &'a Stage>) -> Result<Self, StreamError> {
        let limit = Duration::from_millis(settings.stalled_after_ms);
        let longest_gap = (cadence(limit) * MISSED_LOOKS).max(SHORTEST_GAP);
        let watched = stages.into_iter().map(|stage| {
            Ok(Watched {
                stage: stage.name,
                topics: stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect(),
                positions: Positions::new(settings, &stage.group())?,
                standstill: Standstill::new(limit, longest_gap),
            })
        });
        Ok(Self {
            limit,
            stuck_after: Duration::from_millis(settings.stuck_after_ms),
            peek: Peek::new(settings)?,
            stages: watched.collect::<Result<_, StreamError>>()?,
        })
    }

    /// How far apart looks should be.
    #[must_use]
    pub fn cadence(&self) -> Duration {
        cadence(self.limit)
    }

    /// Looks at all inputs, `now` on any clock that only goes forward. Gives for each stage those that stand still; stages
    /// whose workers have not begun yet are left out. `missing` are the topics and stages between which records are missing
    /// by the accounts.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer: the time until it does counts for nothing.
    pub fn look(
        &mut self,
        now: Duration,
        pulses: &Pulses,
        missing: &BTreeSet<(String, String)>,
    ) -> Result<BTreeMap<&'static str, Vec<StalledInput>>, StreamError> {
        let found = self.look_at_all(now, pulses, missing);
        if found.is_err() {
            self.stages.iter_mut().for_each(|watched| watched.standstill.interrupted());
        }
        found
    }

    fn look_at_all(
        &mut self,
        now: Duration,
        pulses: &Pulses,
        missing: &BTreeSet<(String, String)>,
    ) -> Result<BTreeMap<&'static str, Vec<StalledInput>>, StreamError> {
        let mut found = BTreeMap::new();
        for Watched { stage, topics, positions, standstill } in &mut self.stages {
            let positions = positions.read(topics)?;
            show_lag(stage, &positions);
            let Some(readers) = pulses.readers(stage, self.stuck_after).filter(|_| !self.limit.is_zero()) else {
                continue;
            };
            let seen = |position: InputPosition| Seen {
                reader: readers.get(&position.input).copied().unwrap_or(Reader::Elsewhere),
                next: position.next(),
                end: position.end,
                input: position.input,
            };
            standstill.look(now, &positions.into_iter().map(seen).collect::<Vec<_>>());
            for suspect in standstill.suspects(now) {
                let sight = self.peek.look(&suspect)?;
                standstill.judge(now, &suspect, sight);
            }
            let is_missing = |topic: &str| missing.iter().any(|(of, reader)| of == topic && reader == stage);
            let stalled = standstill.stalled(now, stage, is_missing);
            gauge!("tributary_stream_input_stalled_partitions", "stage" => *stage).set(stalled.len() as f64);
            found.insert(*stage, stalled);
        }
        Ok(found)
    }
}

fn cadence(limit: Duration) -> Duration {
    if limit.is_zero() { CADENCE } else { (limit / 4).clamp(SHORTEST_CADENCE, CADENCE) }
}

fn show_lag(stage: &'static str, positions: &[InputPosition]) {
    let mut by_topic: BTreeMap<&str, i64> = BTreeMap::new();
    for position in positions {
        *by_topic.entry(&position.input.0).or_insert(0) += position.lag();
    }
    for (topic, offsets) in by_topic {
        gauge!("tributary_stream_lag_records", "stage" => stage, "topic" => topic.to_owned()).set(offsets as f64);
    }
}
