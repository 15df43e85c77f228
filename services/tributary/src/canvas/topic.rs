//! The canvas on its topic: read, published from files, and changed by people as one transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use tributary_model::canvas::Kind;
use tributary_model::topics::{self, TopicDefinition};
use tributary_model::{Canvas, CanvasEntry};
use tributary_schema::Contracts;
use tributary_stream::{
    BulkPublisher, KafkaSettings, OutRecord, Record, TopicReport, TopicState, TransactionalWriter, WriteError,
    apply_topics, list_topics, read_to_end,
};

use super::fold;
use crate::compose::canvas_entries;
use crate::config::HubConfig;
use crate::error::CliError;

const PUBLISH_TIMEOUT: Duration = Duration::from_secs(30);
/// The name that whoever applies a canvas writes under.
const TRANSACTIONAL_ID: &str = "tributary.canvas.apply";

/// Puts the entries on the canvas topic and waits until the broker has them.
///
/// # Errors
/// [`CliError`] when an entry does not fit its contract or the broker does not take it.
pub fn publish(settings: &KafkaSettings, entries: &[CanvasEntry]) -> Result<(), CliError> {
    let contracts = settings.contracts()?;
    let publisher = BulkPublisher::new(settings, PUBLISH_TIMEOUT)?;
    for entry in entries {
        publisher.send(&record(&contracts, entry)?)?;
    }
    publisher.flush(PUBLISH_TIMEOUT)?;
    Ok(())
}

fn record(contracts: &Contracts, entry: &CanvasEntry) -> Result<OutRecord, CliError> {
    let value = Some(contracts.encode(topics::CANVAS, entry)?);
    Ok(OutRecord { topic: topics::CANVAS.to_owned(), key: entry.to_key(), value, headers: Vec::new() })
}

/// Takes one record of the canvas topic over into the canvas; one that is unreadable is logged and left out.
pub fn apply_record(contracts: &Contracts, canvas: &mut Canvas, record: &Record) {
    if let Err(error) = take_over(contracts, canvas, record) {
        tracing::error!(position = record.position(), error, "canvas entry left out");
    }
}

fn take_over(contracts: &Contracts, canvas: &mut Canvas, record: &Record) -> Result<(), String> {
    match &record.value {
        None => canvas.remove(&String::from_utf8_lossy(&record.key)),
        Some(value) => {
            canvas.apply(contracts.decode::<CanvasEntry>(value).map_err(|error| error.to_string())?);
        }
    }
    Ok(())
}

/// The canvas as the topic has it, over the files that this configuration publishes; and why records are left out.
///
/// # Errors
/// [`CliError`] when a file is wrong, no broker answers, or the topic is not there.
pub fn read(config: &HubConfig, settings: &KafkaSettings) -> Result<(Canvas, Vec<String>), CliError> {
    // Says so at once when nobody answers.
    if !list_topics(settings)?.into_iter().any(|(name, _)| name == topics::CANVAS) {
        let detail = format!("topic {} does not exist; run `tributary topics apply`", topics::CANVAS);
        return Err(CliError::Definition { what: "canvas", detail });
    }
    let contracts = settings.contracts()?;
    let mut canvas = if config.canvas.publishes() { fold(&canvas_entries(config)?) } else { Canvas::default() };
    let mut left_out = Vec::new();
    read_to_end(settings, topics::CANVAS, |record| {
        if let Err(reason) = take_over(&contracts, &mut canvas, &record) {
            left_out.push(format!("left out by the hub: {}: {reason}", record.position()));
        }
    })?;
    Ok((canvas, left_out))
}

/// Whoever holds it is the only one who changes the canvas by hand: what is read after it was made stays so until it writes.
#[derive(Debug)]
pub struct Changing {
    writer: TransactionalWriter,
}

impl Changing {
    /// Begins to change the canvas; somebody else who is at it can no longer write.
    ///
    /// # Errors
    /// [`CliError`] when no broker answers.
    pub fn begin(settings: &KafkaSettings) -> Result<Self, CliError> {
        Ok(Self { writer: TransactionalWriter::new(settings, TRANSACTIONAL_ID)? })
    }

    /// Writes all entries or none.
    ///
    /// # Errors
    /// [`CliError`] when the broker does not take them, or somebody else has begun to change the canvas meanwhile.
    pub fn write(&mut self, settings: &KafkaSettings, entries: &[CanvasEntry]) -> Result<(), CliError> {
        let contracts = settings.contracts()?;
        let records: Result<Vec<_>, CliError> =
            entries.iter().map(|entry| Ok((record(&contracts, entry)?, None))).collect();
        self.writer.write(&records?).map_err(|error: WriteError| CliError::NothingApplied { error })
    }
}

/// Makes the topic of the canvas and those of the teams that it names, where they are missing; gives their names.
///
/// # Errors
/// [`CliError`] when no broker answers or it refuses.
pub fn make_topics(settings: &KafkaSettings, entries: &[CanvasEntry]) -> Result<Vec<String>, CliError> {
    let is_team = |entry: &&CanvasEntry| entry.subject().is_some_and(|(kind, _)| kind == Kind::Team);
    let teams: BTreeSet<String> =
        entries.iter().filter(is_team).filter_map(|entry| entry.subject()).map(|(_, id)| id.to_owned()).collect();
    let of_team = |topic: &str, team: &String| topic == topics::triggers(team) || topic == topics::metrics(team);
    let needed =
        |topic: &TopicDefinition| topic.name == topics::CANVAS || teams.iter().any(|team| of_team(&topic.name, team));
    let all = topics::definitions(&teams.iter().cloned().collect::<Vec<_>>());
    let reports = apply_topics(settings, &all.into_iter().filter(needed).collect::<Vec<_>>())?;
    let made = |report: TopicReport| (report.state == TopicState::Created).then_some(report.topic);
    Ok(reports.into_iter().filter_map(made).collect())
}
