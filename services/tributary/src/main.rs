//! The command line's entry: parse, do, say how it ended.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use tributary_tributary::cli::Cli;
use tributary_tributary::commands;
use tributary_tributary::output::Output;

/// Events are many small pieces that one thread makes and drops: this allocator, which the Kafka client uses too, has them at
/// less than the system's costs, and gives memory back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::new(cli.global.output);
    match commands::dispatch(&cli, &mut output) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.notice(format!("error: {error}"));
            error.exit().into()
        }
    }
}
