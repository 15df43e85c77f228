//! `just sim [SEEDS]`: runs the simulation over many seeds, or one of them with a trace of its steps.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tributary_test_sim::campaign::{Trial, campaign, run_safely};
use tributary_test_sim::faults::Profile;
use tributary_test_sim::report::{report, report_one, show_progress};

/// Runs the hub on a log in memory with faults, and compares what comes out with a batch over the same events.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Print every step of it.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Only worlds whose state is on disk.
    #[arg(long, conflicts_with = "seed")]
    on_disk: bool,
    /// Compare the ledger of each run with that of the run without faults, where each event is worked off before the next.
    #[arg(long)]
    ledger: bool,
    /// Threads; as many as there are cores when absent.
    #[arg(long)]
    threads: Option<usize>,
    /// Stop after so many failed seeds.
    #[arg(long, default_value_t = 10)]
    max_failed: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    let trial = if arguments.ledger { Trial::Ledger } else { Trial::Topics };
    let is_good = if let Some(seed) = arguments.seed {
        let outcome = run_safely(trial, seed, arguments.trace);
        write!(out, "{}", report_one(trial, &outcome))?;
        outcome.differences.is_empty()
    } else {
        let cores = std::thread::available_parallelism()?.get();
        let is_wanted = |seed: &u64| !arguments.on_disk || Profile::draw(*seed).in_waves(*seed).on_disk.is_some();
        let seeds = (arguments.from..u64::MAX).filter(is_wanted).take(usize::try_from(arguments.seeds)?);
        let started = std::time::Instant::now();
        let threads = arguments.threads.unwrap_or(cores);
        let totals = campaign(trial, seeds, threads, arguments.max_failed, show_progress(arguments.seeds));
        write!(out, "{}", report(&totals, started.elapsed()))?;
        totals.failed.is_empty()
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
