//! `tributary canvas`: the plan applied, compared, shown and held against what came of it.

mod apply;
mod budget;
mod show;

use crate::canvas::args::CanvasCommand;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Does what is asked of the canvas.
///
/// # Errors
/// [`CliError`] with what went wrong and what to do.
pub(super) fn canvas(command: &CanvasCommand, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        CanvasCommand::Apply(args) => apply::apply(args, hub, output),
        CanvasCommand::Diff(args) => apply::diff(args, hub, output),
        CanvasCommand::Show(args) => show::show(args, hub, output),
        CanvasCommand::Budget(args) => budget::budget(args, hub, output),
    }
}
