//! `tributary reconcile`: the accounts of all stages, read from where they are kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_insight::accounting::{Difference, StageAccount, explain_all};
use tributary_model::{Domain, topics};
use tributary_stream::{KafkaSettings, RuntimeState, Stage, StageCounts, StateStore, list_topics, read_to_end};

use crate::compose::{Definition, nameless};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

#[derive(Serialize)]
struct Answer {
    adds_up: bool,
    stages: Vec<StageAccount>,
    differences: Vec<Difference>,
}

/// Holds the accounts against each other.
///
/// # Errors
/// [`CliError`] when no broker answers or an account cannot be read.
pub(super) fn reconcile(hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let existing: BTreeSet<String> = list_topics(&settings)?.into_iter().map(|(name, _)| name).collect();
    let staffed = nameless(hub, Definition::read(hub)?)?;
    let mut stages = Vec::new();
    for staffed in &staffed {
        let counts = counts(&settings, &staffed.stage, &existing)?;
        stages.push(StageAccount::of(&staffed.stage, &counts));
    }
    // Raw topics are written from outside.
    let open: BTreeSet<String> = Domain::ALL.into_iter().map(topics::raw).collect();
    let differences = explain_all(&stages, &open);
    let answer = Answer { adds_up: differences.is_empty(), stages, differences };
    output.either(&answer, || text(&answer))?;
    Ok(if answer.adds_up { Exit::Done } else { Exit::Difference })
}

/// The counts of a stage over all its tasks, from the changelog they are committed with.
fn counts(settings: &KafkaSettings, stage: &Stage, existing: &BTreeSet<String>) -> Result<StageCounts, CliError> {
    let mut sum = StageCounts::default();
    let Some(changelog) = stage.changelogs().pop().filter(|topic| existing.contains(topic)) else {
        return Ok(sum);
    };
    let mut tasks: BTreeMap<i32, RuntimeState> = BTreeMap::new();
    let mut broken = None;
    read_to_end(settings, &changelog, |record| {
        let task = tasks.entry(record.partition).or_insert_with(|| RuntimeState::new(0));
        if let Err(error) = task.restore(&record.key, record.value.as_deref()) {
            broken.get_or_insert_with(|| format!("{}: {error}", record.position()));
        }
    })?;
    if let Some(detail) = broken {
        return Err(CliError::Definition { what: "the account of a stage cannot be read", detail });
    }
    for (count, by) in tasks.values().flat_map(RuntimeState::counts) {
        sum.add(&count, by);
    }
    Ok(sum)
}

fn text(answer: &Answer) -> String {
    let mut lines = vec![format!(
        "{:<20} {:>12} {:>12} {:>14} {:>10}",
        "stage", "accepted", "processed", "dead-lettered", "dropped"
    )];
    for account in &answer.stages {
        let reasons: Vec<String> = account.dropped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let line = format!(
            "{:<20} {:>12} {:>12} {:>14} {:>10}  {}",
            account.stage,
            account.accepted,
            account.processed,
            account.dead_lettered,
            account.dropped_total(),
            reasons.join(", ")
        );
        lines.push(line.trim_end().to_owned());
    }
    match answer.differences.as_slice() {
        [] => lines.push("every record is explained".to_owned()),
        differences => lines.extend(differences.iter().map(|difference| format!("✗ {difference}"))),
    }
    lines.join("\n")
}
