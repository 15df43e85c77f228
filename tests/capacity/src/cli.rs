//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::costs::Costs;
use crate::figure::{Figure, Source};
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::{document, record, report, tables};

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
    /// All figures of the costs by name
    Figures,
    /// Write measured figures into a file of costs
    Set {
        /// The file
        file: PathBuf,
        /// The command that has measured them
        #[arg(long)]
        by: String,
        /// Figures, as NAME=VALUE
        #[arg(required = true)]
        figures: Vec<String>,
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
        Command::Figures => {
            for (name, figure) in costs.figures() {
                writeln!(out, "{name}={} {}", figure.value, figure.source.text())?;
            }
        }
        Command::Set { file, by, figures } => set(file, by, figures)?,
        Command::Plan(scenario) => {
            let plans = [Plan::new(&costs, &scenario.read()?)?];
            for text in
                [tables::overview(&plans), tables::stages(&plans[0]), tables::kafka(&plans), tables::identity(&plans)]
            {
                writeln!(out, "{text}")?;
            }
        }
        Command::Simulate { scenario, load, pictures } => {
            simulate(&costs, scenario, *load, pictures.as_deref(), out)?;
        }
        Command::Write { document } => {
            let text = text_of(document)?;
            let made = document::make(&costs)?;
            let text = document::renew(&text, &made.blocks)?;
            write_to(document, &text)?;
            for (name, picture) in &made.pictures {
                write_to(&document.with_file_name(name), picture)?;
            }
        }
    }
    Ok(())
}

fn simulate(
    costs: &Costs,
    scenario: &ScenarioArgs,
    load: f64,
    pictures: Option<&Path>,
    out: &mut impl Write,
) -> Result<()> {
    if !(0.01..1.0).contains(&load) {
        bail!("load = {load}: must be from 0.01 to below 1; a worker that does all it can never catches up");
    }
    let plan = Plan::new(costs, &scenario.read()?)?;
    let reports = [report::steady(costs, &plan.realm)?, report::faults(costs, &plan.realm, load)?];
    let plots = reports.iter().flat_map(|report| &report.plots);
    for (plot, name) in plots.zip(document::PICTURES) {
        let Some(folder) = pictures else { break };
        write_to(&folder.join(name), &plot.svg())?;
    }
    reports.iter().try_for_each(|report| Ok(writeln!(out, "{}", report.text)?))
}

fn write_to(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes measured figures into a file of costs; what stands above them stays.
fn set(file: &Path, by: &str, figures: &[String]) -> Result<()> {
    let text = text_of(file)?;
    let mut costs = Costs::read(&text)?;
    for figure in figures {
        let named = figure.split_once('=').and_then(|(name, value)| Some((name, value.parse::<f64>().ok()?)));
        let Some((name, value)) = named else {
            bail!("{figure} is not NAME=VALUE; write for example journey.cpu_us=23.5")
        };
        costs.set(name, Figure { value, source: Source::Measured(by.to_owned()) })?;
    }
    let head: String = text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    write_to(file, &format!("{head}\n{}", record::yaml(&costs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(args: &[&str]) -> Result<String> {
        let mut out = Vec::new();
        run(&Cli::try_parse_from(std::iter::once(&"capacity").chain(args))?, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn a_plan_is_said_for_what_is_asked() {
        let text = said(&["plan", "--events", "20000", "--persons", "5e6"]).unwrap();
        assert!(text.contains("1 realm of 20,000 events/s and 5,000,000 persons"), "{text}");
        assert!(
            said(&["figures"]).unwrap().contains("runtime.commit_interval_ms=100 set by kafka.commit_interval_ms\n")
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let error = |args: &[&str]| format!("{:#}", said(args).unwrap_err());
        assert!(error(&["plan", "--events", "0"]).contains("events_per_s = 0: must be from 1"));
        assert!(error(&["simulate", "--load", "1"]).contains("never catches up"));
        assert!(error(&["plan", "--costs", "nowhere.yaml"]).contains("nowhere.yaml cannot be read"));
        assert!(error(&["write", "nowhere.md"]).contains("nowhere.md cannot be read"));
    }

    #[test]
    fn measured_figures_are_written_and_the_rest_stays() {
        let file = std::env::temp_dir().join(format!("tributary-costs-{}.yaml", std::process::id()));
        std::fs::write(&file, COSTS).unwrap();
        let path = file.to_str().unwrap();
        said(&["set", path, "--by", "just bench-costs", "journey.cpu_us=23.5"]).unwrap();
        let written = std::fs::read_to_string(&file).unwrap();
        let refused = said(&["set", path, "--by", "x", "journey.cpu_us"]).unwrap_err().to_string();
        std::fs::remove_file(&file).unwrap();
        let differ: Vec<(&str, &str)> = COSTS.lines().zip(written.lines()).filter(|(old, new)| old != new).collect();
        assert_eq!(differ.len(), 1, "{differ:?}");
        assert_eq!(differ[0].1, "    cpu_us: { value: 23.5, source: measured by just bench-costs }");
        assert_eq!(refused, "journey.cpu_us is not NAME=VALUE; write for example journey.cpu_us=23.5");
    }
}
