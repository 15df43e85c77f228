//! `tributary trigger apply`: definitions for a hub that runs.

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_triggers::{Definitions, Summary};

use super::refused;
use crate::canvas;
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::trigger::applied;
use crate::trigger::args::ApplyArgs;
use crate::trigger::plan::{Change, Step, plan};

#[derive(Serialize)]
struct Answer {
    applied: bool,
    triggers: Vec<Step>,
    topics_made: Vec<String>,
}

/// Checks all of them, and then applies all or none.
///
/// # Errors
/// [`CliError`] when one of them is wrong or may not be applied, or no broker answers.
pub(super) fn apply(args: &ApplyArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let wrong = |detail: String| CliError::Definition { what: "triggers", detail };
    let wanted = Definitions::read(&args.files).map_err(|error| wrong(error.to_string()))?;
    wanted.check_payloads(&hub.triggers).map_err(|error| wrong(error.to_string()))?;
    let summaries: Vec<Summary> = wanted.summaries().collect();
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let mut topics_made = Vec::new();
    if !args.dry_run {
        topics_made = applied::make_topics(&settings, &BTreeSet::new())?;
    }
    let known = applied::read(hub, &settings, &contracts)?;
    refused(&known, output);
    let steps = plan(&known.definitions, &summaries, now_ms()).map_err(|refusals| wrong(refusals.join("\n")))?;
    let (canvas, _) = canvas::topic::read(hub, &settings)?;
    let teams = canvas.teams().map(|team| team.team_id.as_str()).collect();
    for problem in wanted.check_teams(&teams) {
        output.notice(format!("{problem}; its decisions are counted, the touches of its channels are not"));
    }
    if !args.dry_run {
        let teams = wanted.teams().into_iter().map(str::to_owned).collect();
        topics_made.extend(applied::make_topics(&settings, &teams)?);
        let said: Vec<_> = steps.iter().filter_map(|step| step.said.clone()).collect();
        applied::publish(&settings, &contracts, &said)?;
    }
    let answer = Answer { applied: !args.dry_run, triggers: steps, topics_made };
    output.either(&answer, || text(&answer))?;
    Ok(Exit::Done)
}

fn text(answer: &Answer) -> String {
    let mut lines: Vec<String> = answer.topics_made.iter().map(|topic| format!("made the topic {topic}")).collect();
    for step in &answer.triggers {
        let change = match step.change {
            Change::Added => "added".to_owned(),
            Change::Replaced { version } => format!("replaces version {version}"),
            Change::RunsAgain => "runs again".to_owned(),
            Change::Unchanged => "is in force already".to_owned(),
        };
        let off = if step.is_off { ", but triggers.disabled switches it off" } else { "" };
        lines.push(format!("{} version {} of team {}: {change}{off}", step.trigger_id, step.version, step.team_id));
    }
    if !answer.applied {
        lines.push("nothing was applied: this was a dry run".to_owned());
    }
    lines.join("\n")
}
