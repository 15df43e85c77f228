//! A generated base through identity in memory: no person above its limits, blocked values inert; memory, lookups and
//! merges a CPU second, and the share of touchpoints that needed a second hop.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tributary_bench::{Crowd, Findings, Identity, IdentityFigures, resolve};
use tributary_identity::Rules;
use tributary_model::ids::realm_uuid;
use tributary_normalizer::{Config, Rulebook};

/// Figures of identity on a generated base.
#[derive(Debug, Parser)]
struct Args {
    /// Humans; each has three identifiers
    #[arg(long, default_value_t = 1_000_000)]
    humans: u64,
    /// Partitions of owners
    #[arg(long, default_value_t = 8)]
    partitions: usize,
    /// Touchpoints that are under way before what follows from them is heard
    #[arg(long, default_value_t = 2_000)]
    piece: usize,
    /// Writes the figures here, too, as JSON
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

/// As in the hub.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    let rules = Arc::new(Rules::built_in()?);
    let rulebook = Rulebook::load(&Config::default())?;
    let max_edges = tributary_identity::Config::default().max_edges;
    let mut identity = Identity::new(realm_uuid("default"), &rules, args.partitions, max_edges);
    let mut crowd = Crowd::new(args.humans, &rulebook)?;
    let (before, started) = (resident_bytes()?, Instant::now());
    let findings = resolve(&mut crowd, &mut identity, &rules, args.piece);
    let (after, took) = (resident_bytes()?, started.elapsed());
    report(&identity, &findings, (before, after), took)?;
    if let Some(path) = &args.json {
        let tally = identity.tally();
        let figures = IdentityFigures {
            identifiers: identity.identifier_count() as u64,
            lookups_per_cpu_s: (tally.touchpoints + tally.commands) as f64 / tally.owners_took.as_secs_f64().max(1e-9),
            merges_per_cpu_s: tally.merges as f64 / tally.sequencer_took.as_secs_f64().max(1e-9),
            bytes_an_identifier: (after - before) as f64 / identity.identifier_count().max(1) as f64,
        };
        std::fs::write(path, serde_json::to_string(&figures)?)?;
    }
    ensure!(findings.violations.is_empty(), "rules are broken: {:?}", findings.violations);
    Ok(())
}

fn report(identity: &Identity, findings: &Findings, (before, after): (u64, u64), took: Duration) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (tally, identifiers) = (identity.tally(), identity.identifier_count());
    let a_second = |count: u64, took: Duration| count as f64 / took.as_secs_f64().max(1e-9);
    let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    writeln!(out, "identifiers            {identifiers}, of {} persons", identity.person_count())?;
    writeln!(out, "touchpoints            {} ({} with a null e-mail)", tally.touchpoints, findings.nulls)?;
    writeln!(out, "above a limit          {}", findings.violations.len())?;
    writeln!(out, "humans in two persons  {}; sharing one with others {}", findings.apart, findings.together)?;
    writeln!(out, "kiosks                 {}, identifiers in quarantine {}", findings.kiosks, tally.quarantined)?;
    let mut refusals: Vec<_> = tally.refusals.iter().collect();
    refusals.sort();
    for (reason, count) in refusals {
        writeln!(out, "refused                {reason} {count}")?;
    }
    let (memory, each) = ((after - before) as f64 / 1e6, (after - before) as f64 / identifiers.max(1) as f64);
    writeln!(out, "memory                 {:.0} MB resident, {memory:.0} MB of it state", after as f64 / 1e6)?;
    writeln!(out, "                       {each:.0} bytes an identifier, aliases and tombstones included")?;
    writeln!(out, "changelog              {:.0} MB", tally.changelog_bytes as f64 / 1e6)?;
    let lookups = tally.touchpoints + tally.commands;
    writeln!(out, "owners                 {:.0} lookups a CPU second", a_second(lookups, tally.owners_took))?;
    writeln!(
        out,
        "                       {:.0} touchpoints a CPU second",
        a_second(tally.touchpoints, tally.owners_took)
    )?;
    writeln!(out, "sequencer              {:.0} merges a CPU second", a_second(tally.merges, tally.sequencer_took))?;
    writeln!(out, "                       {} merges of {} requests", tally.merges, tally.requests)?;
    let hops = share(tally.forwarded, tally.touchpoints);
    writeln!(out, "second hop             {} touchpoints, {hops:.2} %", tally.forwarded)?;
    writeln!(out, "took                   {:.0} s, making the crowd included", took.as_secs_f64())?;
    Ok(())
}

/// What the process has in memory.
fn resident_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc/self/status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
