//! `tributary reconcile`: the accounts of all stages, held against the topics.

use tributary_stream::Stage;

use crate::cli::ReconcileArgs;
use crate::compose::{Definition, nameless};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::reconcile::{Audit, Depth, Flow, gather, judge};

/// Holds the accounts against each other and against the topics.
///
/// # Errors
/// [`CliError`] when no broker answers or an account cannot be read.
pub(super) fn reconcile(args: &ReconcileArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let stages: Vec<Stage> = nameless(hub, Definition::read(hub)?)?.into_iter().map(|staffed| staffed.stage).collect();
    let depth = Depth { letters: true, everything: args.scan };
    let audit = judge(&gather(&settings, &contracts, &stages, depth)?);
    output.either(&audit, || text(&audit))?;
    Ok(if audit.unexplained == 0 { Exit::Done } else { Exit::Difference })
}

fn table<const N: usize>(header: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    table
}

fn text(audit: &Audit) -> String {
    let mut stages =
        table(["stage", "accepted", "processed", "dead-lettered", "of these replayed", "dropped", "reasons"]);
    for account in &audit.stages {
        let reasons: Vec<String> = account.dropped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        stages.add_row([
            account.stage.clone(),
            account.accepted.to_string(),
            account.processed.to_string(),
            account.dead_lettered.to_string(),
            audit.replayed.get(&account.stage).copied().unwrap_or(0).to_string(),
            account.dropped_total().to_string(),
            reasons.join(", "),
        ]);
    }
    let mut flows = table(["topic", "written", "written back", "read by", "read", "in flight", "deleted unread"]);
    for flow in &audit.flows {
        flows.add_row([
            flow.topic.clone(),
            flow.written.map_or("outside".to_owned(), |written| written.to_string()),
            flow.written_back.to_string(),
            flow.reader.clone(),
            flow.read.to_string(),
            flow.in_flight.to_string(),
            flow.deleted_unread.to_string(),
        ]);
    }
    let mut lines = vec![stages.to_string(), String::new(), flows.to_string(), String::new()];
    if let Some(open) = audit.open_letters.filter(|open| *open > 0) {
        lines.push(format!("{open} dead letters are open: `tributary dlq list`"));
    }
    for Flow { topic, reader, in_flight, waiting, .. } in audit.flows.iter().filter(|flow| flow.in_flight > 0) {
        let places: Vec<String> =
            waiting.iter().map(|of| format!("{} on partition {}", of.in_flight, of.partition)).collect();
        lines.push(format!("· {in_flight} records of {topic} are on their way to {reader}: {}", places.join(", ")));
    }
    for Flow { topic, reader, deleted_unread, .. } in audit.flows.iter().filter(|flow| flow.deleted_unread > 0) {
        lines.push(format!(
            "· retention took up to {deleted_unread} records of {topic} before {reader} had read them: they are lost; \
             raise the topic's retention.ms, and load them again from their source"
        ));
    }
    lines.extend(audit.findings.iter().map(|finding| format!("✗ {finding}")));
    lines.push(match (audit.unexplained, audit.in_flight) {
        (0, 0) => "every record is explained".to_owned(),
        (0, in_flight) => format!("every record is explained; {in_flight} are on their way"),
        (unexplained, _) => format!("{unexplained} records are not explained"),
    });
    lines.join("\n")
}
