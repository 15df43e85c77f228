//! Watching the stages of this process from outside their threads: whether the broker answers, whether an output is stuck,
//! how far the inputs lag behind. Shows it on metrics; who asks gets it in words. Whether inputs stand still is in
//! `input_watch`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::gauge;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::client::Partition;
use crate::error::StreamError;
use crate::positions::Positions;
use crate::processor::Stage;
use crate::pulse::{Held, Pulse};
use crate::quiet::Quiet;
use crate::settings::KafkaSettings;
use crate::stall::Reader;

/// How long the broker may take to answer the question whether it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A broker that has not answered for so long is gone.
const GONE_AFTER: Duration = Duration::from_secs(5);

/// The pulses of all workers of a process, by stage. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Pulses {
    of: Arc<Mutex<BTreeMap<&'static str, Vec<Pulse>>>>,
}

impl Pulses {
    /// Adds the pulse of one more worker of `stage`.
    pub fn add(&self, stage: &'static str, pulse: Pulse) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).entry(stage).or_default().push(pulse);
    }

    /// For each stage whether an output has been stuck for longer than `limit`, and why; shows it on a gauge.
    #[must_use]
    pub fn look(&self, limit: Duration) -> BTreeMap<&'static str, Option<String>> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = BTreeMap::new();
        for (stage, pulses) in of.iter() {
            let stuck: Vec<String> = pulses.iter().filter_map(|pulse| pulse.state().stuck(limit)).collect();
            gauge!("tributary_stream_output_stuck_workers", "stage" => *stage).set(stuck.len() as f64);
            found.insert(*stage, stuck.into_iter().next());
        }
        found
    }

    /// Who has which input of `stage` in this process; `None` when none of its workers has begun. Workers whose output has
    /// been stuck for longer than `stuck_after` are marked.
    pub(crate) fn readers(&self, stage: &str, stuck_after: Duration) -> Option<BTreeMap<Partition, Reader>> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readers = BTreeMap::new();
        for (number, pulse) in of.get(stage)?.iter().enumerate() {
            let working =
                if pulse.state().stuck(stuck_after).is_some() { Reader::Stuck } else { Reader::Worker(number) };
            readers.extend(pulse.held().into_iter().map(|(input, held)| match held {
                Held::Working => (input, working),
                Held::TakingOver => (input, Reader::Restoring),
            }));
        }
        Some(readers)
    }
}

/// Asks the broker now and then whether it is there.
pub struct BrokerProbe {
    consumer: BaseConsumer<Quiet>,
    bootstrap: String,
    answered: Instant,
}

impl std::fmt::Debug for BrokerProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerProbe").field("bootstrap", &self.bootstrap).finish_non_exhaustive()
    }
}

impl BrokerProbe {
    /// A probe with a connection of its own.
    ///
    /// # Errors
    /// [`StreamError`] when the client cannot be made from these settings.
    pub fn new(settings: &KafkaSettings) -> Result<Self, StreamError> {
        let consumer = settings
            .reader("probe")
            .create_with_context(Quiet)
            .map_err(StreamError::kafka("making the broker probe"))?;
        Ok(Self { consumer, bootstrap: settings.bootstrap.clone(), answered: Instant::now() })
    }

    /// Why the broker counts as gone: it has answered nothing for a while, so that one slow answer is none. Waits a few seconds
    /// at most, and shows the answer on a gauge.
    pub fn ask(&mut self) -> Option<String> {
        let answer = self.consumer.fetch_metadata(None, PROBE_TIMEOUT);
        if answer.is_ok() {
            self.answered = Instant::now();
        }
        let silent = self.answered.elapsed();
        let gone = answer.err().filter(|_| silent >= GONE_AFTER);
        gauge!("tributary_stream_broker_up").set(f64::from(u8::from(gone.is_none())));
        let (bootstrap, seconds) = (&self.bootstrap, silent.as_secs());
        gone.map(|error| format!("no Kafka broker has answered at {bootstrap} for {seconds} s: {error}"))
    }
}

/// How far a stage lags behind on one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicLag {
    /// The stage.
    pub stage: &'static str,
    /// One of its inputs.
    pub topic: String,
    /// Offsets that it has not read yet; ends of transactions count too.
    pub offsets: i64,
}

/// Asks how far the inputs of stages lag behind.
#[derive(Debug)]
pub struct LagWatch {
    stages: Vec<(&'static str, Vec<String>, Positions)>,
}

impl LagWatch {
    /// A watch over the inputs of these stages.
    ///
    /// # Errors
    /// [`StreamError`] when a client cannot be made from these settings.
    pub fn new<'a>(settings: &KafkaSettings, stages: impl IntoIterator<Item = &'a Stage>) -> Result<Self, StreamError> {
        let watched = stages.into_iter().map(|stage| {
            let topics = stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect();
            Ok((stage.name, topics, Positions::new(settings, &stage.group())?))
        });
        Ok(Self { stages: watched.collect::<Result<_, StreamError>>()? })
    }

    /// How far each stage lags behind on each of its topics.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer.
    pub fn read(&self) -> Result<Vec<TopicLag>, StreamError> {
        let mut lags = Vec::new();
        for (stage, topics, positions) in &self.stages {
            let mut by_topic: BTreeMap<String, i64> = BTreeMap::new();
            for position in positions.read(topics)? {
                *by_topic.entry(position.input.0.clone()).or_insert(0) += position.lag();
            }
            lags.extend(by_topic.into_iter().map(|(topic, offsets)| TopicLag { stage, topic, offsets }));
        }
        Ok(lags)
    }
}
