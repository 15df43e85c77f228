//! `tributary privacy verify`: what the hub's topics, and checkpoints on this machine, still tell of somebody.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use tributary_model::time::to_rfc3339;
use tributary_model::topics::Cleanup;
use tributary_model::{Domain, topics};
use tributary_stream::{KafkaSettings, Record, list_topics, read_to_end};

use super::checkpoints;
use super::search::Needles;
use super::subject::{Asked, changes, subject};
use crate::cli::VerifyArgs;
use crate::commands::now_ms;
use crate::compose::topics_among;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Identifiers that were looked for: those that were given, and those that the person had when it was last erased.
    identifiers: usize,
    /// Person ids that were looked for.
    persons: usize,
    /// Numbers of the erasures that were found for those who were given.
    erasures: BTreeSet<i64>,
    /// State and tables that name them: nothing takes this away by itself.
    found: Vec<Finding>,
    /// Records that name them until their topic's retention deletes them.
    remaining: Vec<Finding>,
    /// Checkpoints on this machine that name them until they are replaced; left out where there is no `state.directory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoints: Option<Vec<Checkpoint>>,
    /// How old a checkpoint on the disk of an instance at work gets at most, in seconds: so long it may hold what was erased.
    checkpoints_for_s: u64,
}

/// A checkpoint that names somebody.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Checkpoint {
    file: String,
    /// When an instance at work has replaced it, RFC 3339.
    until: String,
}

/// Records of one topic that name somebody.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    topic: String,
    records: usize,
    /// When retention has deleted the last of them, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// Looks through all topics.
pub(super) fn verify(args: &VerifyArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let changes = changes(&settings, &contracts)?;
    let mut report = Report { checkpoints_for_s: config.state.checkpoint_max_age_s / 2, ..Report::default() };
    let (mut identifiers, mut persons) = (BTreeSet::new(), BTreeSet::new());
    let mut in_clear = Needles::default();
    for text in &args.persons {
        let asked = Asked::parse(text, config)?;
        if let (Asked::Identifier(_), Some((_, value))) = (&asked, text.split_once(':')) {
            in_clear.add(value.trim());
        }
        let subject = subject(&asked, &changes, config);
        identifiers.extend(subject.identifiers);
        persons.extend(subject.persons);
        report.erasures.extend(subject.erased.and_then(|change| change.sequence));
    }
    let mut needles = Needles::default();
    for identifier in &identifiers {
        needles.add(identifier.value.as_str());
    }
    for person in &persons {
        needles.add(person.to_string());
        needles.add(person.0.as_bytes().to_vec());
    }
    (report.identifiers, report.persons) = (identifiers.len(), persons.len());
    look(&settings, config, &needles, &in_clear, &mut report)?;
    report.checkpoints = on_disk(config, &needles)?;
    output.either(&report, || render(&report))?;
    Ok(if report.found.is_empty() { Exit::Done } else { Exit::Difference })
}

fn look(
    settings: &KafkaSettings,
    config: &HubConfig,
    needles: &Needles,
    in_clear: &Needles,
    report: &mut Report,
) -> Result<(), CliError> {
    let existing: BTreeSet<String> = list_topics(settings)?.into_iter().map(|(name, _)| name).collect();
    let raw: Vec<String> = Domain::ALL.into_iter().map(topics::raw).collect();
    for definition in topics_among(config, &existing)? {
        // Only what has not passed the normaliser has values in clear text.
        let is_raw = raw.contains(&definition.name) || definition.name == topics::DEAD_LETTERS;
        let names = |bytes: &[u8]| needles.are_in(bytes) || (is_raw && in_clear.are_in(bytes));
        match definition.cleanup {
            Cleanup::Compact => {
                let mut latest = BTreeSet::new();
                read_to_end(settings, &definition.name, |record| note_latest(&mut latest, record, names))?;
                report.found.extend(finding(definition.name, latest.len(), None));
            }
            Cleanup::DeleteAfterMs(retention_ms) => {
                let (mut count, mut newest) = (0, None);
                read_to_end(settings, &definition.name, |record| {
                    if stands_in(&record, names) {
                        count += 1;
                        newest = newest.max(Some(record.timestamp_ms.unwrap_or_else(now_ms)));
                    }
                })?;
                let until = newest.map(|newest: i64| to_rfc3339(newest.saturating_add(retention_ms)));
                report.remaining.extend(finding(definition.name, count, until));
            }
        }
    }
    Ok(())
}

fn on_disk(config: &HubConfig, needles: &Needles) -> Result<Option<Vec<Checkpoint>>, CliError> {
    let Some(directory) = &config.state.directory else { return Ok(None) };
    let reading = format!("reading the checkpoints below {} (run this as the user of the hub)", directory.display());
    let named = checkpoints::naming(needles, directory).map_err(CliError::system(reading))?;
    let max_age = Duration::from_secs(config.state.checkpoint_max_age_s);
    let entry = |named: &checkpoints::Named| Checkpoint {
        file: named.file.display().to_string(),
        until: to_rfc3339(checkpoints::replaced_by(named, max_age)),
    };
    Ok(Some(named.iter().map(entry).collect()))
}

fn stands_in(record: &Record, names: impl Fn(&[u8]) -> bool) -> bool {
    let in_headers = || record.headers.iter().any(|(_, value)| names(value));
    names(&record.key) || record.value.as_deref().is_some_and(&names) || in_headers()
}

/// Of a compacted topic the last record of each key counts, and a key without a value is gone.
fn note_latest(latest: &mut BTreeSet<(i32, Vec<u8>)>, record: Record, names: impl Fn(&[u8]) -> bool) {
    let is_named = record.value.is_some() && stands_in(&record, names);
    let place = (record.partition, record.key);
    if is_named {
        latest.insert(place);
    } else {
        latest.remove(&place);
    }
}

fn finding(topic: String, records: usize, until: Option<String>) -> Option<Finding> {
    (records > 0).then_some(Finding { topic, records, until })
}

fn render(report: &Report) -> String {
    let mut lines = vec![format!("looked for {} identifiers and {} person ids", report.identifiers, report.persons)];
    if report.erasures.is_empty() {
        lines.push("none of those who were given has been erased, as far as the log of changes tells".to_owned());
    }
    if report.found.is_empty() {
        lines.push("nothing is found in state and tables".to_owned());
    } else {
        lines.push("found in state and tables:".to_owned());
    }
    lines.extend(report.found.iter().map(|finding| format!("  {}: {} entries", finding.topic, finding.records)));
    if !report.remaining.is_empty() {
        lines.push("until retention deletes them:".to_owned());
    }
    for Finding { topic, records, until } in &report.remaining {
        let until = until.as_deref().unwrap_or("an unknown time");
        lines.push(format!("  {topic}: {records} records, until {until} at the latest"));
    }
    for Checkpoint { file, until } in report.checkpoints.iter().flatten() {
        lines.push(format!("  {file}: until an instance at work replaces it, by {until} at the latest"));
    }
    let whose = if report.checkpoints.is_some() { "of other machines, and databases" } else { "and databases" };
    lines.push(format!(
        "not looked at: checkpoints {whose} on disk; an instance at work replaces its checkpoints after {} s at the latest; of \
         one that is gone, delete the state.directory",
        report.checkpoints_for_s
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: Option<&str>) -> Record {
        Record {
            topic: "tributary.accounts".to_owned(),
            partition: 0,
            offset: 0,
            timestamp_ms: None,
            key: key.as_bytes().to_vec(),
            value: value.map(|value| value.as_bytes().to_vec()),
            headers: Vec::new(),
        }
    }

    #[test]
    fn of_a_compacted_topic_the_last_word_counts() {
        let mut needles = Needles::default();
        needles.add("pseudonym");
        let mut latest = BTreeSet::new();
        let mut note = |key, value| {
            note_latest(&mut latest, record(key, value), |bytes| needles.are_in(bytes));
            latest.len()
        };
        assert_eq!(note("a", Some("of pseudonym")), 1);
        assert_eq!(note("pseudonym", Some("x")), 2);
        assert_eq!(note("a", Some("of nobody")), 1, "it was written anew");
        assert_eq!(note("pseudonym", None), 0, "it was deleted");
    }
}
