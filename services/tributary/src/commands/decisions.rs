//! `tributary decisions`: the decisions about one person, or one decision, with all that happened after each.

use serde::Serialize;
use tributary_model::time::to_rfc3339;
use tributary_model::{Decision, DecisionOutcome, Fate, TriggerIntent, topics};

use super::persons::{aliases, each, nobody, person, records_of};
use crate::cli::DecisionsArgs;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// A decision and what became of it.
#[derive(Serialize)]
struct Told {
    decision: Decision,
    /// What the team was asked to do, while its topic still has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<TriggerIntent>,
    /// What happened afterwards, oldest first.
    outcomes: Vec<DecisionOutcome>,
}

/// Shows them.
///
/// # Errors
/// [`CliError`] when the identifier is none, there is no key, or no broker answers.
pub(super) fn decisions(args: &DecisionsArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let mut found: Vec<Decision> = Vec::new();
    each(
        &settings,
        &contracts,
        topics::DECISIONS,
        |_| true,
        |decision: Decision| {
            if decision.decision_id == args.subject {
                found.push(decision);
            }
        },
    )?;
    if found.is_empty() {
        let aliases = aliases(&settings, &contracts)?;
        let person_id = person(&args.subject, config, &aliases)?.person_id;
        found = records_of(&settings, &contracts, &aliases, person_id, topics::DECISIONS)?;
    }
    found.retain(|decision| args.trigger.as_ref().is_none_or(|trigger| *trigger == decision.trigger_id));
    found.sort_by(|a, b| (a.judged_at, a.decided_at, &a.trigger_id).cmp(&(b.judged_at, b.decided_at, &b.trigger_id)));
    if found.is_empty() {
        output.notice(nobody(&args.subject));
        return Ok(Exit::Failed);
    }
    let mut told: Vec<Told> =
        found.into_iter().map(|decision| Told { decision, intent: None, outcomes: Vec::new() }).collect();
    each(
        &settings,
        &contracts,
        topics::OUTCOMES,
        |_| true,
        |outcome: DecisionOutcome| {
            if let Some(one) = told.iter_mut().find(|one| one.decision.decision_id == outcome.decision_id) {
                one.outcomes.push(outcome);
            }
        },
    )?;
    let mut teams: Vec<String> = told.iter().map(|one| one.decision.team_id.clone()).collect();
    teams.sort_unstable();
    teams.dedup();
    for team in teams {
        each(
            &settings,
            &contracts,
            &topics::triggers(&team),
            |_| true,
            |intent: TriggerIntent| {
                if let Some(one) = told.iter_mut().find(|one| one.decision.decision_id == intent.decision_id) {
                    one.intent = Some(intent);
                }
            },
        )?;
    }
    for one in &mut told {
        one.outcomes.sort_by(|a, b| (a.occurred_at, &a.outcome_id).cmp(&(b.occurred_at, &b.outcome_id)));
    }
    output.either(&told, || told.iter().map(render).collect::<Vec<_>>().join("\n\n"))?;
    Ok(Exit::Done)
}

fn render(told: &Told) -> String {
    let Told { decision, intent, outcomes } = told;
    let fate = match decision.fate {
        Fate::Sent => "sent".to_owned(),
        Fate::Withheld => format!("withheld: {}", decision.reason.map_or("unstated", |reason| reason.name())),
    };
    let channel = if decision.channel.is_empty() { "" } else { " on " };
    let mut lines = vec![format!(
        "{}  {} version {} of {}{channel}{}: {fate}",
        to_rfc3339(decision.judged_at.unwrap_or(decision.decided_at)),
        decision.trigger_id,
        decision.trigger_version,
        decision.team_id,
        decision.channel,
    )];
    let mut line = |name: &str, text: String| lines.push(format!("    {name:<12} {text}"));
    line("decision", decision.decision_id.clone());
    line("eligible", format!("{}, by {}", to_rfc3339(decision.decided_at), decision.evidence.join(", ")));
    for (name, text) in
        [("because", &decision.detail), ("channel", &decision.channel_reason), ("experiment", &decision.experiment)]
    {
        if let Some(text) = text {
            line(name, text.clone());
        }
    }
    if let Some(intent) = intent {
        line("payload", intent.payload.clone());
    }
    for outcome in outcomes {
        let seconds = outcome.loop_ms / 1_000;
        let by = outcome.touchpoint_id.as_deref().or(outcome.detail.as_deref()).unwrap_or_default();
        line("then", format!("{} {} ({seconds} s later) {by}", to_rfc3339(outcome.occurred_at), outcome.kind.name()));
    }
    lines.join("\n")
}
