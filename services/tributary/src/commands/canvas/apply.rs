//! `tributary canvas apply` and `diff`: what files would change, and changing it.

use serde::Serialize;
use serde_json::Value;
use tributary_stream::KafkaSettings;

use crate::canvas::args::{ApplyArgs, TermsArgs};
use crate::canvas::plan::{Change, Plan, Step, Terms, plan};
use crate::canvas::topic::{self, Changing};
use crate::canvas::{faults, read_files};
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

#[derive(Serialize)]
struct Answer<'a> {
    applied: bool,
    entries: &'a [Step],
    notices: &'a [String],
    topics_made: Vec<String>,
}

/// Checks the canvas as it would be, and then applies all or nothing.
///
/// # Errors
/// [`CliError`] with everything that is wrong, or when no broker answers.
pub(super) fn apply(args: &ApplyArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let mut topics_made = Vec::new();
    let plan = if args.dry_run {
        checked(&args.terms, hub, &settings, output)?
    } else {
        topics_made = topic::make_topics(&settings, &[])?;
        // In this order: what is read stays so until it is changed here.
        let mut changing = Changing::begin(&settings)?;
        let plan = checked(&args.terms, hub, &settings, output)?;
        let said = plan.said();
        topics_made.extend(topic::make_topics(&settings, &said)?);
        if !said.is_empty() {
            changing.write(&settings, &said)?;
        }
        plan
    };
    let answer = Answer { applied: !args.dry_run, entries: &plan.steps, notices: &plan.notices, topics_made };
    output.either(&answer, || text(&answer, false))?;
    Ok(Exit::Done)
}

/// Says what applying would change.
///
/// # Errors
/// [`CliError`] with everything that is wrong, or when no broker answers.
pub(super) fn diff(args: &TermsArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let plan = checked(args, hub, &hub.kafka()?, output)?;
    let answer = Answer { applied: false, entries: &plan.steps, notices: &plan.notices, topics_made: Vec::new() };
    output.either(&answer, || text(&answer, true))?;
    Ok(if plan.changes_nothing() { Exit::Done } else { Exit::Difference })
}

fn checked(args: &TermsArgs, hub: &HubConfig, settings: &KafkaSettings, output: &mut Output) -> Result<Plan, CliError> {
    let wanted = read_files(&args.files)?;
    let channels = hub.channels()?;
    let (known, left_out) = topic::read(hub, settings)?;
    left_out.iter().for_each(|reason| output.notice(reason));
    let now_ms = now_ms();
    let plan = plan(&known, &wanted, Terms { effective_from: args.effective_from, now_ms, prune: args.prune });
    let problems = faults(&plan.result, &plan.said(), now_ms, &channels);
    if problems.is_empty() {
        return Ok(plan);
    }
    Err(CliError::Definition { what: "canvas", detail: problems.join("\n") })
}

fn text(answer: &Answer<'_>, is_diff: bool) -> String {
    let mut lines: Vec<String> = answer.topics_made.iter().map(|topic| format!("made the topic {topic}")).collect();
    let mut unchanged = 0;
    for step in answer.entries {
        match &step.change {
            Change::Unchanged if !is_diff => unchanged += 1,
            _ => lines.extend(step_lines(step)),
        }
    }
    if unchanged > 0 {
        lines.push(format!("{unchanged} unchanged"));
    }
    lines.extend(answer.notices.iter().map(|notice| format!("note: {notice}")));
    if !answer.applied && !is_diff {
        lines.push("nothing was applied: this was a dry run".to_owned());
    }
    lines.join("\n")
}

fn step_lines(step: &Step) -> Vec<String> {
    let name = format!("{}:{}", step.kind.name(), step.id);
    let when = step.effective_from.as_ref().map_or("since always".to_owned(), |from| format!("from {from} on"));
    let (sign, change) = match &step.change {
        Change::Added => ("+", format!("added, {when} (version {})", step.version)),
        Change::Changed { .. } => ("~", format!("changed {when} (version {})", step.version)),
        Change::Retired => ("-", format!("retired {when} (version {})", step.version)),
        Change::Unchanged => ("=", "unchanged".to_owned()),
    };
    let mut lines = vec![format!("{sign} {name}: {change}")];
    if let Change::Changed { fields } = &step.change {
        lines.extend(
            fields.iter().map(|field| format!("    {}: {} → {}", field.field, shown(&field.old), shown(&field.new))),
        );
    }
    lines
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
