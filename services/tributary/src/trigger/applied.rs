//! The topic of applied triggers: what it says now, and saying something new there.

use std::collections::BTreeSet;
use std::time::Duration;

use tributary_model::topics::{self, TopicDefinition};
use tributary_model::{DefinitionStatus, TriggerDefinition};
use tributary_schema::Contracts;
use tributary_stream::{BulkPublisher, KafkaSettings, OutRecord, TopicReport, TopicState, apply_topics, read_to_end};
use tributary_triggers::{Definitions, LiveDefinitions, TriggersError};

use crate::config::HubConfig;
use crate::error::CliError;

const PUBLISH_TIMEOUT: Duration = Duration::from_secs(30);

/// What is in force, and what on the topic is of no use.
#[derive(Debug, Default)]
pub struct Known {
    /// Files, and what was applied over them.
    pub definitions: LiveDefinitions,
    /// Why records of the topic are refused.
    pub refused: Vec<String>,
}

/// Reads what is in force by the files of this configuration and by the topic.
///
/// # Errors
/// [`CliError`] when a file is wrong, no broker answers, or the topic is not there.
pub fn read(config: &HubConfig, settings: &KafkaSettings, contracts: &Contracts) -> Result<Known, CliError> {
    let files = Definitions::of_files(&config.triggers)
        .map_err(|error| CliError::Definition { what: "triggers", detail: error.to_string() })?;
    let mut known = Known { definitions: LiveDefinitions::new(files, &config.triggers), refused: Vec::new() };
    read_to_end(settings, topics::TRIGGER_DEFINITIONS, |record| {
        let Some(value) = &record.value else {
            known.definitions.forget(&String::from_utf8_lossy(&record.key));
            return;
        };
        let said = contracts.decode::<TriggerDefinition>(value).map_err(|error| error.to_string());
        let applied = said.and_then(|said| {
            known.definitions.apply(said).map_err(|problems| TriggersError::Invalid(problems).to_string())
        });
        if let Err(reason) = applied {
            known.refused.push(format!("{}: {reason}", record.position()));
        }
    })?;
    Ok(known)
}

/// Says something of triggers on the topic, and waits until the broker has it.
///
/// # Errors
/// [`CliError`] when the broker does not take it.
pub fn publish(settings: &KafkaSettings, contracts: &Contracts, said: &[TriggerDefinition]) -> Result<(), CliError> {
    let publisher = BulkPublisher::new(settings, PUBLISH_TIMEOUT)?;
    for one in said {
        let value = Some(contracts.encode(topics::TRIGGER_DEFINITIONS, one)?);
        let topic = topics::TRIGGER_DEFINITIONS.to_owned();
        publisher.send(&OutRecord { topic, key: one.key(), value, headers: Vec::new() })?;
    }
    publisher.flush(PUBLISH_TIMEOUT)?;
    Ok(())
}

/// Makes the topics of these teams that are missing, and that of the definitions; gives their names.
///
/// # Errors
/// [`CliError`] when no broker answers or it refuses.
pub fn make_topics(settings: &KafkaSettings, teams: &BTreeSet<String>) -> Result<Vec<String>, CliError> {
    let needed = |topic: &TopicDefinition| {
        topic.name == topics::TRIGGER_DEFINITIONS || teams.iter().any(|team| is_of_team(&topic.name, team))
    };
    let all = topics::definitions(&teams.iter().cloned().collect::<Vec<_>>());
    let reports = apply_topics(settings, &all.into_iter().filter(needed).collect::<Vec<_>>())?;
    let made = |report: TopicReport| (report.state == TopicState::Created).then_some(report.topic);
    Ok(reports.into_iter().filter_map(made).collect())
}

fn is_of_team(topic: &str, team: &str) -> bool {
    topic == topics::triggers(team) || topic == topics::metrics(team)
}

/// The same of a trigger with another status, as of `now_ms`.
#[must_use]
pub fn restated(known: &tributary_triggers::InForce, status: DefinitionStatus, now_ms: i64) -> TriggerDefinition {
    TriggerDefinition {
        trigger_id: known.summary.trigger_id.clone(),
        version: known.summary.version,
        text: known.summary.text.clone(),
        status,
        applied_at: now_ms,
    }
}
