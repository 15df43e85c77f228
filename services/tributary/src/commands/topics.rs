//! `tributary topics`: the hub's topics, made and listed from one definition.

use serde::Serialize;
use tributary_model::topics::Cleanup;
use tributary_stream::{TopicState, apply_topics};

use crate::cli::TopicsCommand;
use crate::compose::all_topics;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::topics::partition_count;

#[derive(Serialize)]
struct Line {
    topic: String,
    partitions: u32,
    cleanup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found_partitions: Option<u32>,
}

/// Makes or lists the topics.
///
/// # Errors
/// [`CliError`] when a definition is broken or no broker answers.
pub(super) fn topics(command: TopicsCommand, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let definitions = all_topics(hub)?;
    let mut lines: Vec<Line> = definitions
        .iter()
        .map(|definition| Line {
            topic: definition.name.clone(),
            partitions: partition_count(definition.partitions, hub.kafka.partitions),
            cleanup: cleanup(definition.cleanup),
            state: None,
            found_partitions: None,
        })
        .collect();
    let mut differing = Vec::new();
    if matches!(command, TopicsCommand::Apply) {
        let reports = apply_topics(&hub.kafka()?, &definitions)?;
        for (line, report) in lines.iter_mut().zip(reports) {
            line.state = Some(match report.state {
                TopicState::Created => "created",
                TopicState::Present => "present",
                TopicState::Differs { partitions } => {
                    line.found_partitions = Some(partitions);
                    differing.push(report.topic.clone());
                    "differs"
                }
            });
        }
    }
    if output.is_json() {
        output.json(&lines)?;
    } else {
        for line in &lines {
            let state = line.state.map(|state| format!("{state:<8} ")).unwrap_or_default();
            let found = line.found_partitions.map(|count| format!(", but has {count}")).unwrap_or_default();
            output.text(format!(
                "{state}{:<44} {:>3} partitions{found}, {}",
                line.topic, line.partitions, line.cleanup
            ))?;
        }
    }
    if differing.is_empty() {
        return Ok(Exit::Done);
    }
    output.notice(format!(
        "{} topics have another number of partitions: set kafka.partitions to what they have, or remove them and apply \
         again (their records go with them)",
        differing.len()
    ));
    Ok(Exit::Difference)
}

fn cleanup(cleanup: Cleanup) -> String {
    const DAY_MS: i64 = 86_400_000;
    match cleanup {
        Cleanup::Compact => "the latest record of each key".to_owned(),
        Cleanup::DeleteAfterMs(ms) => format!("{} days", ms / DAY_MS),
    }
}
