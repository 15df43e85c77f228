//! The whole hub at work in one process, on an embedded broker: feed, let it settle, hold the result against the truth.

pub mod comparison;
mod feed;
pub mod lift;
pub mod read_model;
mod readers;
pub mod report;
mod screen;
mod serving;
mod stand;

use std::path::Path;
use std::time::Instant;

use tributary_model::ids::realm_uuid;
use tributary_model::time::from_rfc3339;
use tributary_model::{Identifier, PersonId};

use crate::accounting::Accounting;
use crate::cli::{DemoArgs, Global};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::simulate::{Settings, Truth, simulate};
use comparison::{facts, identities};
use report::{Input, Report};
use stand::Stand;

/// Runs the demo. Of the configuration only what concerns the services is taken; broker, realm and key are the demo's own.
///
/// # Errors
/// [`CliError`] when the hub cannot start, stalls, or the report cannot be written.
pub fn demo(args: &DemoArgs, global: &Global, output: &mut Output) -> Result<Exit, CliError> {
    if !output.is_json() {
        output.notice("starting a broker and the hub in this process …");
    }
    let stand = Stand::start(args, HubConfig::load(global)?)?;
    let started = Instant::now();
    let (input, truth) = match &args.complete_journey {
        Some(directory) => (feed::complete_journey(&stand, directory, args.rate, !output.is_json())?, None),
        None => {
            let settings = settings(args)?;
            let simulation = simulate(&settings);
            let input = feed::simulation(&stand, &settings, &simulation, args.rate, !output.is_json())?;
            (input, Some(simulation.truth))
        }
    };
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut report = report(&stand, input, truth.as_ref(), took_ms)?;
    if let Some(stated) = args.complete_journey.as_deref().and_then(stated_facts) {
        report.facts = report::fact_lines(comparison::published_facts(&stated, &stand.model()));
        report.good &= report.facts.iter().all(|line| line.agrees);
    }
    if let Some(path) = &args.report {
        write(path, &report)?;
    }
    output.either(&report, || screen::render(&report))?;
    let exit = if report.good { Exit::Done } else { Exit::Difference };
    if args.exit {
        stand.stop()?;
    } else {
        serving::keep_up(stand, output)?;
    }
    Ok(exit)
}

/// The totals that come with the data set, when they do.
fn stated_facts(directory: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read(directory.join("facts.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

fn settings(args: &DemoArgs) -> Result<Settings, CliError> {
    let start = args.start.to_string();
    let start_at = from_rfc3339(&format!("{start}T00:00:00Z")).ok_or_else(|| CliError::Argument {
        argument: "--start",
        value: start,
        remedy: "give a date such as 2026-03-01".to_owned(),
    })?;
    Ok(Settings { persons: args.persons, days: args.days, seed: args.seed, start_at })
}

fn write(path: &Path, report: &Report) -> Result<(), CliError> {
    let json = serde_json::to_vec_pretty(report).map_err(std::io::Error::from);
    let action = || format!("writing the report to {}", path.display());
    std::fs::write(path, json.map_err(CliError::system(action()))?).map_err(CliError::system(action()))
}

fn report(stand: &Stand, input: Input, truth: Option<&Truth>, took_ms: u64) -> Result<Report, CliError> {
    let accounts = stand.accounts();
    let accounting = Accounting::new(input.events, tributary_normalizer::STAGE, accounts, stand.flows());
    let model = stand.model();
    let realm = realm_uuid(&stand.config.realm);
    let pseudonymizer = stand.config.pseudonymizer()?;
    // The simulation writes identifiers in their normal form already.
    let person_of = |identifier: &Identifier| {
        let pseudonym = pseudonymizer.pseudonym(&identifier.namespace, &identifier.value);
        PersonId::of(&realm, &Identifier::new(identifier.namespace.clone(), pseudonym))
    };
    let found = truth.map(|truth| identities(truth, &model, person_of));
    let facts = match (truth, &found) {
        (Some(truth), Some(found)) => report::fact_lines(facts(truth, &model, found, &accounting)),
        _ => Vec::new(),
    };
    let good = accounting.adds_up && model.unreadable == 0 && facts.iter().all(|line| line.agrees);
    Ok(Report {
        input,
        accounting,
        dead_letters: report::dead_letters(&model),
        facts,
        identities: found,
        refusals: report::refusals(&model),
        caused: truth.map(|truth| truth.caused),
        noise: truth.map(|truth| truth.noise),
        decisions: report::decisions(&model),
        scorecards: report::scorecards(&model),
        lift: lift::lines(&model.experiments, truth.map(|truth| &truth.letter)),
        letter: truth.map(|truth| truth.letter),
        customer: report::customer(&model),
        corrections: model.corrections,
        took_ms,
        good,
    })
}
