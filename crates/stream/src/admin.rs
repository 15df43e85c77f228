//! Making and checking topics.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use tributary_model::topics::{Cleanup, Partitions, TopicDefinition, changelog};

use crate::error::StreamError;
use crate::processor::Stage;
use crate::settings::KafkaSettings;

const BROKER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a compacted topic tells of a deleted key: checkpoints of state may not get as old.
const TOMBSTONE_RETENTION_MS: &str = "86400000";
/// Topics made in one request.
const BATCH: usize = 32;

/// What `topics apply` found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicState {
    /// It did not exist and was made.
    Created,
    /// It exists as it has to be.
    Present,
    /// It exists with another number of partitions; nothing was changed.
    Differs {
        /// Partitions it has.
        partitions: u32,
    },
}

/// One line of the report of `topics apply`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicReport {
    /// The topic.
    pub topic: String,
    /// Partitions it has to have.
    pub partitions: u32,
    /// What was found or done.
    pub state: TopicState,
}

/// The changelog topics of a stage.
#[must_use]
pub fn changelog_definitions(stage: &Stage) -> Vec<TopicDefinition> {
    let partitions = Partitions::ConfiguredTimes(stage.leader_topics.len() as u32);
    let fixed_leader = stage.leader_topics.iter().any(|topic| topic == tributary_model::topics::MERGES);
    let partitions = if fixed_leader { Partitions::Fixed(1) } else { partitions };
    let stores = stage.stores.iter().copied().chain([crate::runtime_state::STORE]);
    stores
        .map(|store| TopicDefinition { name: changelog(stage.name, store), partitions, cleanup: Cleanup::Compact })
        .collect()
}

fn partition_number(settings: &KafkaSettings, partitions: Partitions) -> u32 {
    match partitions {
        Partitions::Configured => settings.partitions,
        Partitions::ConfiguredTimes(times) => settings.partitions * times,
        Partitions::Fixed(count) => count,
    }
}

/// Topics that exist, with their number of partitions, in order of name.
///
/// # Errors
/// [`StreamError::Unreachable`] when no broker answers.
pub fn list_topics(settings: &KafkaSettings) -> Result<Vec<(String, u32)>, StreamError> {
    let admin: AdminClient<DefaultClientContext> =
        settings.client().create().map_err(StreamError::kafka("making the admin client"))?;
    let metadata = admin.inner().fetch_metadata(None, Duration::from_secs(10)).map_err(|error| {
        StreamError::Unreachable { bootstrap: settings.bootstrap.clone(), detail: error.to_string() }
    })?;
    let mut topics: Vec<(String, u32)> =
        metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len() as u32)).collect();
    topics.sort();
    Ok(topics)
}

/// Makes the topics that are missing and reports on all. Never changes or removes one that exists.
///
/// # Errors
/// [`StreamError`] when no broker answers or it refuses to make a topic.
pub fn apply_topics(
    settings: &KafkaSettings,
    definitions: &[TopicDefinition],
) -> Result<Vec<TopicReport>, StreamError> {
    let existing = list_topics(settings)?;
    let mut reports = Vec::new();
    let mut missing = Vec::new();
    for definition in definitions {
        let partitions = partition_number(settings, definition.partitions);
        let state = match existing.iter().find(|(name, _)| *name == definition.name) {
            Some((_, found)) if *found == partitions => TopicState::Present,
            Some((_, found)) => TopicState::Differs { partitions: *found },
            None => {
                missing.push((definition, partitions));
                TopicState::Created
            }
        };
        reports.push(TopicReport { topic: definition.name.clone(), partitions, state });
    }
    for batch in missing.chunks(BATCH) {
        create(settings, batch)?;
    }
    Ok(reports)
}

fn create(settings: &KafkaSettings, batch: &[(&TopicDefinition, u32)]) -> Result<(), StreamError> {
    let retentions: Vec<String> = batch
        .iter()
        .map(|(definition, _)| match definition.cleanup {
            Cleanup::Compact => String::new(),
            Cleanup::DeleteAfterMs(ms) => ms.to_string(),
        })
        .collect();
    let topics: Vec<NewTopic<'_>> = batch
        .iter()
        .zip(&retentions)
        .map(|((definition, partitions), retention_ms)| {
            let replication = TopicReplication::Fixed(settings.replication_factor as i32);
            let topic = NewTopic::new(&definition.name, *partitions as i32, replication);
            match definition.cleanup {
                Cleanup::Compact => {
                    topic.set("cleanup.policy", "compact").set("delete.retention.ms", TOMBSTONE_RETENTION_MS)
                }
                Cleanup::DeleteAfterMs(_) => topic.set("cleanup.policy", "delete").set("retention.ms", retention_ms),
            }
        })
        .collect();
    let admin: AdminClient<DefaultClientContext> =
        settings.client().create().map_err(StreamError::kafka("making the admin client"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| StreamError::Fatal { stage: "topics".to_owned(), detail: error.to_string() })?;
    let options = AdminOptions::new().operation_timeout(Some(BROKER_TIMEOUT)).request_timeout(Some(BROKER_TIMEOUT));
    let results = runtime
        .block_on(admin.create_topics(&topics, &options))
        .map_err(StreamError::kafka(format!("making {} topics", topics.len())))?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(StreamError::Topic { topic, detail: format!("could not be made: {code}") });
            }
        }
    }
    Ok(())
}
