//! Finding persons by identifiers in clear text.

use tributary_identity::AliasTable;
use tributary_model::identity::Alias;
use tributary_model::{Identifier, topics};
use tributary_normalizer::Rulebook;
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};

use crate::config::HubConfig;
use crate::error::CliError;

/// What became of every person.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn aliases(settings: &KafkaSettings, contracts: &Contracts) -> Result<AliasTable, CliError> {
    let mut aliases = AliasTable::default();
    read_to_end(settings, topics::ALIASES, |record| {
        let alias = record.value.as_deref().and_then(|value| contracts.decode::<Alias>(value).ok());
        aliases.apply(&record.key, alias);
    })?;
    Ok(aliases)
}

/// `namespace:value` in clear text as the hub knows it: normalised, and under its pseudonym.
///
/// # Errors
/// [`CliError`] when it is no identifier, the rules block it, or there is no key.
pub(super) fn pseudonym(text: &str, config: &HubConfig) -> Result<Identifier, CliError> {
    let wrong = |remedy: String| CliError::Argument { argument: "identifier", value: text.to_owned(), remedy };
    let (namespace, value) = text
        .split_once(':')
        .filter(|(namespace, value)| !namespace.is_empty() && !value.trim().is_empty())
        .ok_or_else(|| wrong("write namespace:value, as email:ada@example.org or loyalty_id:1228".to_owned()))?;
    let pseudonymizer = config.pseudonymizer()?;
    let rulebook = Rulebook::load(&config.normalizer)
        .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
    let normalised = rulebook.normalise(namespace, value).map_err(|reason| {
        wrong(format!(
            "nobody is known by this {namespace} under the identity rules ({reason}): check how it is written"
        ))
    })?;
    Ok(Identifier::new(namespace, pseudonymizer.pseudonym(namespace, &normalised)))
}
