//! Everything side by side in one run: the ceiling, other engines, ourselves; and each target with its verdict.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use tributary_bench::contest;
use tributary_bench::population::{LeftOut, Settled};
use tributary_bench::programme::{Programme, Scale};

/// What can be asked for.
const PARTS: [&str; 10] = ["contest", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"];

/// Ourselves beside others, on one broker and in one run. Writes report.md, report.json and plots to bench below the
/// target directory.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Verb>,
    /// How often each contender runs; the median counts
    #[arg(long, global = true)]
    rounds: Option<usize>,
    /// Parts to run, all when left out
    #[arg(long, value_delimiter = ',', global = true, value_parser = PARTS)]
    only: Vec<String>,
    /// Peers to install and run, all when left out; `none` for none
    #[arg(long, value_delimiter = ',', global = true)]
    peers: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Less of everything, in less than five minutes
    Quick,
    /// Internal: takes part in the contest
    #[command(hide = true)]
    Contend {
        /// As whom
        who: Own,
    },
    /// Internal: all stages on one thread, as JSON
    #[command(hide = true)]
    Population {
        persons: u32,
        touches: u64,
        events: u64,
        /// Leaves the clock alone
        #[arg(long)]
        untimed: bool,
        /// Leaves the triggers out
        #[arg(long)]
        without_triggers: bool,
        /// Measures whenever a line comes
        #[arg(long)]
        in_turns: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Own {
    Copy,
    TransactionalCopy,
    Stage,
}

/// As in the hub.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    let scale = match &args.command {
        Some(Verb::Contend { who }) => return contend(*who),
        Some(Verb::Population { persons, touches, events, untimed, without_triggers, in_turns }) => {
            let without = LeftOut { clock: *untimed, triggers: *without_triggers };
            let mut settled = Settled::settle(*persons, *touches, without)?;
            if *in_turns {
                return settled.serve(*events);
            }
            serde_json::to_writer(std::io::stdout(), &settled.measure(*events)?)?;
            return Ok(());
        }
        Some(Verb::Quick) => Scale::quick(),
        None => Scale::full(),
    };
    let scale = Scale { rounds: args.rounds.unwrap_or(scale.rounds), ..scale };
    let beside = std::env::current_exe()?;
    let target = beside.parent().and_then(Path::parent).map(PathBuf::from).context("this program is nowhere")?;
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    Programme::new(scale, args.only, args.peers, &peers, &target)?.run()
}

fn contend(who: Own) -> Result<()> {
    let var = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let (bootstrap, input, output) = (var("BOOTSTRAP")?, var("INPUT")?, var("OUTPUT")?);
    match who {
        Own::Copy => contest::copy(&bootstrap, &input, &output, false),
        Own::TransactionalCopy => contest::copy(&bootstrap, &input, &output, true),
        Own::Stage => contest::enrich(&bootstrap, &input, &output),
    }
}
