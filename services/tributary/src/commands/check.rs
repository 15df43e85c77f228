//! `tributary check`: everything that is wrong with configuration and definitions, at once, without a broker.

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_normalizer::Rulebook;
use tributary_triggers::Definitions;

use super::now_ms;
use crate::canvas;
use crate::cli::Global;
use crate::compose::{Definition, account_rules, canvas_entries, identity_rules, stages};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::gateway;
use crate::output::Output;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// `configuration`, `sources`, `identity`, `stages`, `accounts`, `triggers`, `canvas` or `delivery`.
    area: &'static str,
    /// Where, what and how to mend it.
    text: String,
}

#[derive(Serialize)]
struct Answer {
    good: bool,
    findings: Vec<Finding>,
}

/// Checks, and tells what was found.
///
/// # Errors
/// [`CliError`] when the answer cannot be written.
pub(super) fn check(global: &Global, output: &mut Output) -> Result<Exit, CliError> {
    let findings = match HubConfig::load(global) {
        Ok(config) => findings(&config),
        // Without a configuration nobody knows which definitions are meant.
        Err(errors) => errors.problems.iter().map(|problem| finding("configuration", problem)).collect(),
    };
    let answer = Answer { good: findings.is_empty(), findings };
    output.either(&answer, || text(&answer))?;
    Ok(if answer.good { Exit::Done } else { Exit::Difference })
}

fn text(answer: &Answer) -> String {
    if answer.good {
        return "configuration, sources with their samples, identity rules, stages, accounts, triggers, canvas and destinations are \
                good"
            .to_owned();
    }
    let mut lines: Vec<String> =
        answer.findings.iter().map(|finding| format!("{}: {}", finding.area, finding.text)).collect();
    lines.push(format!("{} problem(s)", answer.findings.len()));
    lines.join("\n")
}

fn finding(area: &'static str, text: impl ToString) -> Finding {
    Finding { area, text: text.to_string() }
}

/// Everything that is wrong with a readable configuration and what it names.
fn findings(config: &HubConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Err(error) = config.pseudonymizer() {
        found.push(finding("configuration", error));
    }
    if let Err(error) = config.kafka() {
        found.push(finding("configuration", error));
    }
    found.extend(tributary_normalizer::check(&config.normalizer).iter().map(|problem| finding("sources", problem)));
    if let Ok(rulebook) = Rulebook::load(&config.normalizer)
        && let Err(CliError::Config(errors)) = gateway::directory(config, &rulebook)
    {
        found.extend(errors.problems.iter().map(|problem| finding("configuration", problem)));
    }
    found.extend(identity_rules(config).err().map(|error| finding("identity", error)));
    found.extend(stages(config).err().map(|error| finding("stages", error)));
    found.extend(account_rules(config).err().map(|error| finding("accounts", error)));
    let entries = canvas_entries(config).map_err(|error| found.push(finding("canvas", error))).unwrap_or_default();
    if let Ok(channels) = config.channels() {
        let faults = canvas::faults(&canvas::fold(&entries), &entries, now_ms(), &channels);
        found.extend(faults.iter().map(|fault| finding("canvas", fault)));
    }
    found.extend(config.triggers.validate().iter().map(|problem| finding("triggers", problem)));
    match Definitions::configured(&config.triggers) {
        Err(error) => found.push(finding("triggers", error)),
        Ok(definitions) => {
            let folded = canvas::fold(&entries);
            let teams: BTreeSet<&str> = folded.teams().map(|team| team.team_id.as_str()).collect();
            found.extend(definitions.check_teams(&teams).iter().map(|problem| finding("triggers", problem)));
        }
    }
    if !config.delivery.destinations.is_empty() {
        // What the configuration alone does not show, such as a file of certificates that is none.
        found
            .extend(tributary_delivery::delivery_stage(&config.delivery).err().map(|error| finding("delivery", error)));
    }
    if let Ok(definition) = Definition::read(config) {
        let unknown = definition.unknown_teams(&config.delivery);
        found.extend(
            unknown.iter().map(|team| finding("delivery", format!("{team} is no team of the canvas: name one"))),
        );
    }
    found
}
