//! `tributary identity`: why identifiers are one person, and deciding it by hand.

mod explain;
mod reassign;
pub(super) mod request;

use tributary_identity::Evidence;
use tributary_model::Identifier;
use tributary_model::identity::IdentifierCommandKind;
use tributary_schema::Contracts;
use tributary_stream::KafkaSettings;

use crate::cli::IdentityCommand;
use crate::commands::identity_changes::each_identity_change;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Explains, merges, unmerges or reassigns.
///
/// # Errors
/// [`CliError`] when an identifier is none, there is no key, or no broker answers.
pub(super) fn identity(command: &IdentityCommand, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        IdentityCommand::Explain { identifier, other } => {
            explain::explain(identifier, other.as_deref(), config, output)
        }
        IdentityCommand::Merge(args) => request::request(IdentifierCommandKind::Link, args, config, output),
        IdentityCommand::Unmerge(args) => request::request(IdentifierCommandKind::Unlink, args, config, output),
        IdentityCommand::Reassign(args) => reassign::reassign(args, config, output),
    }
}

/// All that was told about persons.
fn evidence(settings: &KafkaSettings, contracts: &Contracts) -> Result<Evidence, CliError> {
    let mut evidence = Evidence::default();
    each_identity_change(settings, contracts, |change| evidence.apply(change))?;
    Ok(evidence)
}

/// Identifiers that were asked for, as they were written.
struct Named(Vec<(Identifier, String)>);

impl Named {
    /// As it was written, or what there is of it: its namespace and the beginning of its pseudonym.
    fn show(&self, identifier: &Identifier) -> String {
        let written = self.0.iter().find(|(known, _)| known == identifier);
        written.map_or_else(
            || format!("{}:{}…", identifier.namespace, identifier.value.chars().take(8).collect::<String>()),
            |(_, text)| text.clone(),
        )
    }
}
