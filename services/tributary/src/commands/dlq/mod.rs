//! `tributary dlq`: dead letters listed, explained and replayed.

mod list;
mod replay;
mod show;

use crate::config::HubConfig;
use crate::dlq::args::DlqCommand;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Does what is asked for with dead letters.
///
/// # Errors
/// [`CliError`] when an argument names nothing, or no broker answers.
pub(super) fn dlq(command: &DlqCommand, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        DlqCommand::List(args) => list::list(args, hub, output),
        DlqCommand::Show(args) => show::show(args, hub, output),
        DlqCommand::Replay(args) => replay::replay(args, hub, output),
    }
}

/// An instant for people; empty without one.
fn instant(at: Option<i64>) -> String {
    at.map(tributary_model::time::to_rfc3339).unwrap_or_default()
}
