//! The canvas as files: `schemas/canvas/*.yaml`, and its way to the topic.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tributary_model::canvas::{Campaign, Message, Team};
use tributary_model::{Canvas, CanvasEntry, topics};
use tributary_stream::{BulkPublisher, KafkaSettings, OutRecord, Record};

use crate::error::CliError;

const TEAMS: &str = include_str!("../../../schemas/canvas/teams.yaml");
const DEMO: &str = include_str!("../../../schemas/canvas/demo.yaml");
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(30);

/// One canvas file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CanvasFile {
    teams: Vec<Team>,
    campaigns: Vec<Campaign>,
    messages: Vec<Message>,
}

/// The entries of one file.
///
/// # Errors
/// [`CliError::Canvas`] with file, line and column.
pub fn parse(path: &str, text: &str) -> Result<Vec<CanvasEntry>, CliError> {
    let file: CanvasFile = serde_saphyr::from_str(text)
        .map_err(|error| CliError::Canvas { path: path.to_owned(), detail: error.to_string() })?;
    let teams = file.teams.into_iter().map(|team| CanvasEntry { team: Some(team), ..CanvasEntry::default() });
    let campaigns =
        file.campaigns.into_iter().map(|campaign| CanvasEntry { campaign: Some(campaign), ..CanvasEntry::default() });
    let messages =
        file.messages.into_iter().map(|message| CanvasEntry { message: Some(message), ..CanvasEntry::default() });
    Ok(teams.chain(campaigns).chain(messages).collect())
}

/// The canvas compiled in: which team answers for which channel.
///
/// # Errors
/// [`CliError::Canvas`] when the built-in file is broken.
pub fn built_in() -> Result<Vec<CanvasEntry>, CliError> {
    parse("schemas/canvas/teams.yaml", TEAMS)
}

/// The canvas of the demo: the built-in teams and the simulated retailer's plan.
///
/// # Errors
/// [`CliError::Canvas`] when a built-in file is broken.
pub fn demo() -> Result<Vec<CanvasEntry>, CliError> {
    let mut entries = built_in()?;
    entries.extend(parse("schemas/canvas/demo.yaml", DEMO)?);
    Ok(entries)
}

/// The built-in canvas and then all `*.yaml` files of a directory in order of name, later ones replacing earlier ones.
///
/// # Errors
/// [`CliError::Canvas`] naming the file.
pub fn from_directory(directory: &Path) -> Result<Vec<CanvasEntry>, CliError> {
    let unreadable = |path: &Path, error: std::io::Error| CliError::Canvas {
        path: path.display().to_string(),
        detail: format!("{error}: give a readable directory of *.yaml files as `canvas.directory`"),
    };
    let listing = std::fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
    let mut files: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let mut entries = built_in()?;
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        entries.extend(parse(&path.display().to_string(), &text)?);
    }
    Ok(entries)
}

/// The canvas that the entries make.
#[must_use]
pub fn fold(entries: &[CanvasEntry]) -> Canvas {
    let mut canvas = Canvas::default();
    for entry in entries {
        canvas.apply(entry.clone());
    }
    canvas
}

/// Campaigns and messages that refer to what is not there, in words.
#[must_use]
pub fn faults(entries: &[CanvasEntry]) -> Vec<String> {
    let canvas = fold(entries);
    let known_team = |team_id: &str| canvas.teams().any(|team| team.team_id == team_id);
    let mut faults = Vec::new();
    for entry in entries {
        if let Some(team) = &entry.team
            && !is_team_name(&team.team_id)
        {
            faults.push(format!("team `{}`: use lower case letters, digits and `-`", team.team_id));
        }
        if let Some(campaign) = &entry.campaign {
            if !known_team(&campaign.team_id) {
                faults.push(format!("campaign `{}`: no team `{}`: add it", campaign.campaign_id, campaign.team_id));
            }
            if !(0..=100).contains(&campaign.demand_percent) {
                let percent = campaign.demand_percent;
                faults.push(format!("campaign `{}`: demand_percent {percent}: use 0 to 100", campaign.campaign_id));
            }
        }
    }
    faults
}

fn is_team_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Puts the entries on the canvas topic and waits until the broker has them.
///
/// # Errors
/// [`CliError`] when an entry does not fit its contract or the broker does not take it.
pub fn publish(settings: &KafkaSettings, entries: &[CanvasEntry]) -> Result<(), CliError> {
    let contracts = settings.contracts()?;
    let publisher = BulkPublisher::new(settings, PUBLISH_TIMEOUT)?;
    for entry in entries {
        let value = contracts.encode(topics::CANVAS, entry)?;
        publisher.send(&OutRecord {
            topic: topics::CANVAS.to_owned(),
            key: entry.to_key(),
            value: Some(value),
            headers: Vec::new(),
        })?;
    }
    publisher.flush(PUBLISH_TIMEOUT)?;
    Ok(())
}

/// Takes one record of the canvas topic over into the canvas; one that is unreadable is logged and left out.
pub fn apply_record(contracts: &tributary_schema::Contracts, canvas: &mut Canvas, record: &Record) {
    let Some(value) = &record.value else {
        canvas.remove(&String::from_utf8_lossy(&record.key));
        return;
    };
    match contracts.decode::<CanvasEntry>(value) {
        Ok(entry) => canvas.apply(entry),
        Err(error) => tracing::error!(position = record.position(), %error, "canvas entry left out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_canvases_hold_together() {
        let entries = demo().unwrap();
        assert_eq!(faults(&entries), Vec::<String>::new());
        let canvas = fold(&entries);
        assert_eq!(canvas.team_of_parts(None, "in_store", 0), "store");
        assert_eq!(canvas.team_of_parts(Some("partner-sms"), "sms", 0), "trade");
        for message in crate::simulate::MESSAGES {
            assert!(canvas.message(message, 0).is_some(), "no message {message}");
        }
        for campaign in crate::simulate::CAMPAIGNS {
            assert!(canvas.campaign(campaign, 0).is_some(), "no campaign {campaign}");
        }
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_and_dangling_references_with_their_remedy() {
        let error = parse("canvas/q3.yaml", "teams:\n  - team_id: brand\n    chanels: []\n").unwrap_err().to_string();
        assert!(error.contains("canvas/q3.yaml") && error.contains("chanels"), "{error}");
        let entries = parse(
            "x.yaml",
            "campaigns: [{campaign_id: a, name: A, team_id: nobody, demand_percent: 120, funnel_role: awareness}]",
        )
        .unwrap();
        let faults = faults(&entries).join("\n");
        assert!(faults.contains("no team `nobody`") && faults.contains("120"), "{faults}");
    }
}
