//! The command line's entry.

use anyhow::Result;
use clap::Parser;
use tributary_capacity::cli::{Cli, run};

fn main() -> Result<()> {
    run(&Cli::parse(), &mut std::io::stdout().lock())
}
