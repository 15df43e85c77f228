//! `tributary privacy`: what the hub knows of one person, and may do; how far a rotation of keys has come; erasing a person,
//! and looking for what is left of one.

mod checkpoints;
mod consent;
mod erase;
mod export;
mod rotation;
mod search;
mod subject;
mod verify;

use crate::cli::PrivacyCommand;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Answers one question about a person, or erases one.
///
/// # Errors
/// [`CliError`] when the person is none, there is no key, or no broker answers.
pub(super) fn privacy(command: &PrivacyCommand, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        PrivacyCommand::Consent(args) => consent::consent(args, config, output),
        PrivacyCommand::Export(args) => export::export(args, config, output),
        PrivacyCommand::Rotation => rotation::rotation(config, output),
        PrivacyCommand::Erase(args) => erase::erase(args, config, output),
        PrivacyCommand::Verify(args) => verify::verify(args, config, output),
    }
}
