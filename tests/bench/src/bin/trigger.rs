//! From a raw event on its topic to the trigger on the team's: the whole hub as a process, at a steady rate.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use tributary_bench::hub::HubSettings;
use tributary_bench::{Rate, Spread, latency};

/// Latency from a raw event to its trigger.
#[derive(Debug, Parser)]
struct Args {
    /// The hub's binary; the one beside this program when left out
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Events a second
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Seconds of each round
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Rounds that count; one more warms up
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Persons whose events they are
    #[arg(long, default_value_t = 20_000)]
    persons: u64,
}

fn main() -> Result<()> {
    let Args { hub, rate, seconds, rounds, persons } = Args::parse();
    let settings = HubSettings { binary: hub, ..HubSettings::default() };
    let run = latency(&settings, Rate { rate, seconds, rounds, persons })?;
    let (p50, p99, most) = (Spread::of(run.p50), Spread::of(run.p99), Spread::of(run.most));
    let out = &mut std::io::stdout();
    writeln!(out, "\n| raw event → trigger, {rate} events/s, one in ten fires | p50 ms | p99 ms | most ms |")?;
    writeln!(out, "|---|---|---|---|\n| {rounds} rounds of {seconds} s | {p50} | {p99} | {most} |")?;
    Ok(())
}
