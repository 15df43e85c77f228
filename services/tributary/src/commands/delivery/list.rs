//! `tributary delivery list`.

use serde::Serialize;
use tributary_model::time::to_rfc3339;

use super::check_name;
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::delivery::args::ListArgs;
use crate::delivery::{Failure, History, Log, Queued, Standing, count, read_queue};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

#[derive(Serialize)]
struct Answer {
    destinations: Vec<Destination>,
    /// What waits for the destination that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<Delivery>>,
}

#[derive(Serialize)]
struct Destination {
    #[serde(flatten)]
    standing: Standing,
    #[serde(flatten)]
    history: History,
}

#[derive(Serialize)]
struct Delivery {
    #[serde(flatten)]
    queued: Queued,
    last_failure: Option<Failure>,
}

/// Lists destinations, or what waits for one.
pub(super) fn list(args: &ListArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let now_at = now_ms();
    let (standings, mut waiting) = read_queue(&settings, &hub.delivery, now_at)?;
    let log = Log::read(&settings, &contracts, &waiting)?;
    waiting.retain(|queued| !log.has_ended(queued));
    let mut standings = count(standings, &waiting, now_at);
    if let Some(name) = &args.destination {
        check_name(name, &standings.iter().map(|standing| &standing.destination).collect::<Vec<_>>())?;
        standings.retain(|standing| standing.destination == *name);
        waiting.retain(|queued| queued.destination == *name);
        waiting.truncate(args.limit as usize);
    }
    let with_failure = |queued: Queued| {
        let last_failure = log.last_failure(&queued.destination, &queued.decision_id).cloned();
        Delivery { queued, last_failure }
    };
    let answer = Answer {
        deliveries: args.destination.is_some().then(|| waiting.into_iter().map(with_failure).collect()),
        destinations: standings
            .into_iter()
            .map(|standing| Destination { history: log.of(&standing.destination), standing })
            .collect(),
    };
    output.either(&answer, || text(&answer))?;
    Ok(Exit::Done)
}

fn instant(at: Option<i64>) -> String {
    at.map(to_rfc3339).unwrap_or_default()
}

fn failed(failure: Option<&Failure>) -> String {
    let Some(failure) = failure else { return String::new() };
    let status = failure.status.map(|status| format!(" {status}")).unwrap_or_default();
    let class = failure.failure.as_deref().unwrap_or("gone");
    format!("{} {class}{status} {}", to_rfc3339(failure.at), failure.detail).trim_end().to_owned()
}

fn table(header: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    table
}

fn text(answer: &Answer) -> String {
    if answer.destinations.is_empty() {
        return "no destination is configured, and nothing waits".to_owned();
    }
    let mut destinations = table(&[
        "destination",
        "queued",
        "due",
        "given up",
        "oldest",
        "delivered",
        "failed attempts",
        "state",
        "last failure",
    ]);
    for Destination { standing, history } in &answer.destinations {
        let state = match (&standing.blocked, &standing.disabled) {
            _ if !standing.is_configured => "not configured".to_owned(),
            (Some(blocked), Some(reason)) => format!("{blocked}: {reason}"),
            (Some(blocked), None) => blocked.clone(),
            (None, _) => "open".to_owned(),
        };
        destinations.add_row([
            standing.destination.clone(),
            standing.queued.to_string(),
            standing.due.to_string(),
            standing.given_up.to_string(),
            instant(standing.oldest_at),
            history.ended.get("delivered").copied().unwrap_or(0).to_string(),
            history.failed_attempts.to_string(),
            state,
            failed(history.last_failure.as_ref()),
        ]);
    }
    let Some(waiting) = &answer.deliveries else { return destinations.to_string() };
    let mut deliveries = table(&["decision", "trigger", "due", "attempts", "queued", "valid until", "last failure"]);
    for Delivery { queued, last_failure } in waiting {
        deliveries.add_row([
            queued.decision_id.clone(),
            queued.trigger_id.clone(),
            queued.due_at.map_or_else(|| "given up".to_owned(), to_rfc3339),
            queued.attempts.to_string(),
            to_rfc3339(queued.queued_at),
            to_rfc3339(queued.valid_until_at),
            failed(last_failure.as_ref()),
        ]);
    }
    format!("{destinations}\n\n{deliveries}\n{} shown", waiting.len())
}
