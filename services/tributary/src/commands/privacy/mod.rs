//! `tributary privacy`: erasing a person, and checking that nothing is left.

mod erase;
mod search;
mod subject;
mod verify;

use crate::cli::PrivacyCommand;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Erases a person, or verifies that nothing is left of one.
///
/// # Errors
/// [`CliError`] when the person is none, there is no key, or no broker answers.
pub(super) fn privacy(command: &PrivacyCommand, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        PrivacyCommand::Erase(args) => erase::erase(args, config, output),
        PrivacyCommand::Verify(args) => verify::verify(args, config, output),
    }
}
