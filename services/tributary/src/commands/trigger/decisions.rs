//! `tributary trigger decisions`: what a trigger has decided, the newest last.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use tributary_model::{Decision, TriggerIntent, topics};
use tributary_stream::list_topics;

use crate::commands::persons::each;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::trigger::args::DecisionsArgs;
use crate::trigger::rehearsal::decision_line;

#[derive(Serialize)]
struct Line {
    decision: Decision,
    payload: Option<Value>,
}

/// Reads the decisions of a trigger, and the payloads of those that were sent.
///
/// # Errors
/// [`CliError`] when no broker answers or a record is none.
pub(super) fn decisions(args: &DecisionsArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let mut found: BTreeMap<(i64, String), Decision> = BTreeMap::new();
    each(
        &settings,
        &contracts,
        topics::DECISIONS,
        |_| true,
        |decision: Decision| {
            if decision.trigger_id == args.trigger {
                found.insert((decision.decided_at, decision.decision_id.clone()), decision);
                if found.len() > args.last {
                    found.pop_first();
                }
            }
        },
    )?;
    let existing: Vec<String> = list_topics(&settings)?.into_iter().map(|(name, _)| name).collect();
    let mut payloads: BTreeMap<String, Value> = BTreeMap::new();
    let teams: std::collections::BTreeSet<String> =
        found.values().map(|decision| topics::triggers(&decision.team_id)).collect();
    for topic in teams.into_iter().filter(|topic| existing.contains(topic)) {
        each(
            &settings,
            &contracts,
            &topic,
            |_| true,
            |intent: TriggerIntent| {
                if intent.trigger_id == args.trigger {
                    payloads.insert(intent.decision_id, serde_json::from_str(&intent.payload).unwrap_or_default());
                }
            },
        )?;
    }
    let lines: Vec<Line> = found
        .into_values()
        .map(|decision| Line { payload: payloads.remove(&decision.decision_id), decision })
        .collect();
    output.either(&lines, || text(&args.trigger, &lines))?;
    Ok(Exit::Done)
}

fn text(trigger_id: &str, lines: &[Line]) -> String {
    if lines.is_empty() {
        return format!("{trigger_id} has decided nothing that the topics still hold");
    }
    let of_one = |line: &Line| {
        let payload = line.payload.as_ref().map(|payload| format!("\n  {payload}")).unwrap_or_default();
        format!("person {}: {}{payload}", line.decision.person_id, decision_line(&line.decision))
    };
    lines.iter().map(of_one).collect::<Vec<_>>().join("\n")
}
