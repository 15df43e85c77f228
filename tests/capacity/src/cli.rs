//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::costs::Costs;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::{document, report, tables};

/// The costs that are in the repository.
const COSTS: &str = include_str!("../costs.yaml");

/// How large a hub has to be, and how it behaves then
#[derive(Debug, Parser)]
pub struct Cli {
    /// The costs; those of the repository when left out
    #[arg(long, global = true)]
    costs: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Partitions, workers, cores, memory, Kafka and realms
    Plan(ScenarioArgs),
    /// Latency over load, and when workers come, go and die
    Simulate {
        #[command(flatten)]
        scenario: ScenarioArgs,
        /// The load at which workers come, go and die, as a share of what the slice can do
        #[arg(long, default_value_t = document::STRUCK_LOAD)]
        load: f64,
        /// Write pictures into this folder
        #[arg(long)]
        pictures: Option<PathBuf>,
    },
    /// Make the blocks of a document new, and the pictures beside it
    Write {
        /// The document
        document: PathBuf,
    },
}

/// For what to plan.
#[derive(Debug, clap::Args)]
struct ScenarioArgs {
    /// A YAML file with any of the fields of `Scenario`
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Raw events a second at the peak
    #[arg(long)]
    events: Option<f64>,
    /// Persons
    #[arg(long)]
    persons: Option<f64>,
}

impl ScenarioArgs {
    fn read(&self) -> Result<Scenario> {
        let mut scenario = match &self.scenario {
            Some(path) => Scenario::read(&text_of(path)?)?,
            None => Scenario::of(1_000.0, 1e6),
        };
        if let Some(persons) = self.persons {
            scenario.accounts *= persons / scenario.persons;
            scenario.persons = persons;
        }
        scenario.events_per_s = self.events.unwrap_or(scenario.events_per_s);
        Ok(scenario)
    }
}

fn text_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Does what was asked for.
///
/// # Errors
/// With everything that is wrong and what to do about it.
pub fn run(cli: &Cli, out: &mut impl Write) -> Result<()> {
    let costs = match &cli.costs {
        Some(path) => Costs::read(&text_of(path)?).with_context(|| format!("{}", path.display()))?,
        None => Costs::read(COSTS)?,
    };
    match &cli.command {
        Command::Plan(scenario) => {
            let plans = [Plan::new(&costs, &scenario.read()?)?];
            for text in
                [tables::overview(&plans), tables::stages(&plans[0]), tables::kafka(&plans), tables::identity(&plans)]
            {
                writeln!(out, "{text}")?;
            }
        }
        Command::Simulate { scenario, load, pictures } => {
            if !(0.01..1.0).contains(load) {
                bail!("load = {load}: must be from 0.01 to below 1; a worker that does all it can never catches up");
            }
            let plan = Plan::new(&costs, &scenario.read()?)?;
            let reports = [report::steady(&costs, &plan.realm)?, report::faults(&costs, &plan.realm, *load)?];
            let plots = reports.iter().flat_map(|report| &report.plots);
            for (plot, name) in plots.zip(["load", "failure-latency", "failure-lag"]) {
                let Some(folder) = pictures else { break };
                let path = folder.join(format!("capacity-{name}.svg"));
                std::fs::write(&path, plot.svg()).with_context(|| format!("{} cannot be written", path.display()))?;
            }
            reports.iter().try_for_each(|report| writeln!(out, "{}", report.text))?;
        }
        Command::Write { document } => {
            let made = document::make(&costs)?;
            let text = document::renew(&text_of(document)?, &made.blocks)?;
            std::fs::write(document, text).with_context(|| format!("{} cannot be written", document.display()))?;
            for (name, picture) in &made.pictures {
                let path = document.with_file_name(name);
                std::fs::write(&path, picture).with_context(|| format!("{} cannot be written", path.display()))?;
            }
        }
    }
    Ok(())
}
