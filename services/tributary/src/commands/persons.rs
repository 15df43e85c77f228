//! Finding persons by identifiers in clear text or by an id that they ever had, and what is said of them.

use tributary_identity::AliasTable;
use tributary_journey::read::fold_journey;
use tributary_model::identity::Alias;
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, JourneyEvent, PersonId, topics};
use tributary_normalizer::Rulebook;
use tributary_schema::{AvroRecord, Contracts};
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
    let (namespace, value) = normalised(text, config)?;
    Ok(Identifier::new(namespace, config.pseudonymizer()?.pseudonym(namespace, &value)))
}

/// The same for the identifier of an account, which has a key of its own while keys are rotated.
///
/// # Errors
/// As [`pseudonym`].
pub(super) fn account_pseudonym(text: &str, config: &HubConfig) -> Result<Identifier, CliError> {
    let (namespace, value) = normalised(text, config)?;
    Ok(Identifier::new(namespace, config.pseudonymizer()?.account_pseudonym(namespace, &value)))
}

/// Namespace and normalised value of `namespace:value`.
fn normalised<'a>(text: &'a str, config: &HubConfig) -> Result<(&'a str, String), CliError> {
    let wrong = |remedy: String| CliError::Argument { argument: "identifier", value: text.to_owned(), remedy };
    let (namespace, value) = text
        .split_once(':')
        .filter(|(namespace, value)| !namespace.is_empty() && !value.trim().is_empty())
        .ok_or_else(|| wrong("write namespace:value, as email:ada@example.org or loyalty_id:1228".to_owned()))?;
    let rulebook = Rulebook::load(&config.normalizer)
        .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
    let value = rulebook.normalise(namespace, value).map_err(|reason| {
        wrong(format!(
            "nobody is known by this {namespace} under the identity rules ({reason}): check how it is written"
        ))
    })?;
    Ok((namespace, value))
}

/// A person that somebody asked for.
pub(super) struct Person {
    /// As it is called now.
    pub(super) person_id: PersonId,
    /// The identifier that was given; `None` when it was an id.
    pub(super) identifier: Option<Identifier>,
}

/// The person that `text` names: an id that it ever had, or an identifier in clear text.
///
/// # Errors
/// As [`pseudonym`].
pub(super) fn person(text: &str, config: &HubConfig, aliases: &AliasTable) -> Result<Person, CliError> {
    if let Ok(id) = text.parse::<PersonId>() {
        return Ok(Person { person_id: aliases.resolve(id), identifier: None });
    }
    let identifier = pseudonym(text, config)?;
    let person_id = aliases.resolve(PersonId::of(&realm_uuid(&config.realm), &identifier));
    Ok(Person { person_id, identifier: Some(identifier) })
}

/// What is said when nothing is known of whom was asked for.
pub(super) fn nobody(text: &str) -> String {
    format!(
        "nothing is known of {text}: check how it is written, and that realm and pseudonym key are those of the hub"
    )
}

/// The journey events of a person that stand, under whichever id they were said, in order of event time.
///
/// # Errors
/// [`CliError`] when no broker answers or a record is none.
pub(super) fn standing_journey(
    settings: &KafkaSettings,
    contracts: &Contracts,
    aliases: &AliasTable,
    person_id: PersonId,
) -> Result<Vec<JourneyEvent>, CliError> {
    records_of(settings, contracts, aliases, person_id, topics::JOURNEYS).map(fold_journey)
}

/// The records of a topic that is keyed by person, of one person under all ids that it ever had.
///
/// # Errors
/// [`CliError`] when no broker answers or a record is none.
pub(super) fn records_of<T: AvroRecord>(
    settings: &KafkaSettings,
    contracts: &Contracts,
    aliases: &AliasTable,
    person_id: PersonId,
    topic: &str,
) -> Result<Vec<T>, CliError> {
    let is_own = |key: &[u8]| {
        let id = std::str::from_utf8(key).ok().and_then(|text| text.parse::<PersonId>().ok());
        id.is_some_and(|id| aliases.resolve(id) == person_id)
    };
    let mut records: Vec<(Vec<u8>, T)> = Vec::new();
    let mut unreadable = None;
    read_to_end(settings, topic, |record| {
        if !is_own(&record.key) {
            return;
        }
        match record.value.as_deref().map(|value| contracts.decode(value)) {
            Some(Ok(made)) => records.push((record.key, made)),
            Some(Err(error)) => drop(unreadable.get_or_insert(error)),
            None => records.retain(|(key, _)| *key != record.key), // The person was erased.
        }
    })?;
    match unreadable {
        Some(error) => Err(error.into()),
        None => Ok(records.into_iter().map(|(_, record)| record).collect()),
    }
}

/// Every record of a topic whose key is wanted, partition by partition.
///
/// # Errors
/// [`CliError`] when no broker answers or a record is none.
pub(super) fn each<T: AvroRecord>(
    settings: &KafkaSettings,
    contracts: &Contracts,
    topic: &str,
    is_wanted: impl Fn(&[u8]) -> bool,
    mut take: impl FnMut(T),
) -> Result<(), CliError> {
    let mut unreadable = None;
    read_to_end(settings, topic, |record| {
        let Some(value) = record.value.as_ref().filter(|_| is_wanted(&record.key)) else { return };
        match contracts.decode(value) {
            Ok(made) => take(made),
            Err(error) => drop(unreadable.get_or_insert(error)),
        }
    })?;
    match unreadable {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
