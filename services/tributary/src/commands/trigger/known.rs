//! `tributary trigger list`, `show`, `remove`, `disable` and `enable`: what is in force, and less or more of it.

use serde::Serialize;
use tributary_model::DefinitionStatus;
use tributary_model::time::to_rfc3339;
use tributary_triggers::{InForce, Origin};

use super::refused;
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::trigger::applied::{self, Known};

/// Lists all triggers that are known.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn list(hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let known = applied::read(hub, &settings, &*settings.contracts()?)?;
    refused(&known, output);
    let all = known.definitions.in_force();
    output.either(&all, || {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["trigger", "version", "team", "about", "from", "state"]);
        for one in &all {
            table.add_row([
                one.summary.trigger_id.clone(),
                one.summary.version.to_string(),
                one.summary.team_id.clone(),
                if one.summary.is_of_account { "accounts" } else { "persons" }.to_owned(),
                origin(one),
                state(one).to_owned(),
            ]);
        }
        table.to_string()
    })?;
    Ok(Exit::Done)
}

/// Shows one trigger with its text.
///
/// # Errors
/// [`CliError`] when there is none of this id, or no broker answers.
pub(super) fn show(trigger_id: &str, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let known = applied::read(hub, &settings, &*settings.contracts()?)?;
    refused(&known, output);
    let one = find(&known, trigger_id)?;
    output.either(&one, || {
        let InForce { summary, .. } = &one;
        let applied_at = one.applied_at.map(|at| format!(", applied at {}", to_rfc3339(at))).unwrap_or_default();
        format!(
            "# {} version {} of team {}, {}{applied_at}, {}\n{}",
            summary.trigger_id,
            summary.version,
            summary.team_id,
            origin(&one),
            state(&one),
            summary.text.trim_end()
        )
    })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Restated<'a> {
    trigger_id: &'a str,
    version: i32,
    status: DefinitionStatus,
}

/// Removes, disables or enables a trigger.
///
/// # Errors
/// [`CliError`] when there is none of this id, it is so already, or no broker answers.
pub(super) fn restate(
    trigger_id: &str,
    status: DefinitionStatus,
    hub: &HubConfig,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let known = applied::read(hub, &settings, &contracts)?;
    refused(&known, output);
    let one = find(&known, trigger_id)?;
    let wrong = |remedy: String| CliError::Argument { argument: "trigger", value: trigger_id.to_owned(), remedy };
    if one.status == status {
        return Err(wrong(format!("is {} already", status.name())));
    }
    if one.status == DefinitionStatus::Removed {
        return Err(wrong("is removed: apply its file again to have it back".to_owned()));
    }
    applied::publish(&settings, &contracts, &[applied::restated(&one, status, now_ms())])?;
    let version = one.summary.version;
    output.either(&Restated { trigger_id, version, status }, || {
        let off = if one.is_off { ", and triggers.disabled switches it off" } else { "" };
        format!("{trigger_id} version {version} is {}{off}", status.name())
    })?;
    Ok(Exit::Done)
}

fn find(known: &Known, trigger_id: &str) -> Result<InForce, CliError> {
    let found = known.definitions.in_force().into_iter().find(|one| one.summary.trigger_id == trigger_id);
    found.ok_or_else(|| CliError::Argument {
        argument: "trigger",
        value: trigger_id.to_owned(),
        remedy: "is not known: `tributary trigger list` names all".to_owned(),
    })
}

fn origin(one: &InForce) -> String {
    match &one.origin {
        Origin::Applied => "applied".to_owned(),
        Origin::File(file) if file.contains(['/', '\\']) => file.clone(),
        Origin::File(_) => "built in".to_owned(),
    }
}

fn state(one: &InForce) -> &'static str {
    match (one.is_off, one.status) {
        (true, DefinitionStatus::Enabled) => "off by triggers.disabled",
        (_, status) => status.name(),
    }
}
