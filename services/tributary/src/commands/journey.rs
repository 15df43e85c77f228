//! `tributary journey`: one person's story, found by any identifier the person was ever known by.

use tributary_identity::AliasTable;
use tributary_journey::read::fold_journey;
use tributary_model::identity::Alias;
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, JourneyEvent, PersonId, topics};
use tributary_normalizer::Rulebook;
use tributary_stream::read_to_end;

use crate::cli::JourneyArgs;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::timeline::timeline;

/// Prints the journey.
///
/// # Errors
/// [`CliError`] when the identifier is none, there is no key, or no broker answers.
pub(super) fn journey(args: &JourneyArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let identifier = pseudonym(&args.identifier, config)?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let mut aliases = AliasTable::default();
    read_to_end(&settings, topics::ALIASES, |record| {
        let alias = record.value.as_deref().and_then(|value| contracts.decode::<Alias>(value).ok());
        aliases.apply(&record.key, alias);
    })?;
    let person = aliases.resolve(PersonId::of(&realm_uuid(&config.realm), &identifier));
    let key = person.to_key();
    let mut records: Vec<JourneyEvent> = Vec::new();
    let mut unreadable = None;
    read_to_end(&settings, topics::JOURNEYS, |record| {
        if record.key == key
            && let Some(value) = &record.value
        {
            match contracts.decode(value) {
                Ok(event) => records.push(event),
                Err(error) => drop(unreadable.get_or_insert(error)),
            }
        }
    })?;
    if let Some(error) = unreadable {
        return Err(error.into());
    }
    let events = fold_journey(records);
    if events.is_empty() {
        output.notice(format!(
            "nobody is known by this {}: check its spelling, and that realm and pseudonym key are those of the hub",
            identifier.namespace
        ));
        return Ok(Exit::Failed);
    }
    let story = timeline(&events);
    output.either(&story, || format!("{person}\n{}", story.render(usize::MAX).trim_end()))?;
    Ok(Exit::Done)
}

/// `namespace:value` in clear text as the hub knows it: normalised, and under its pseudonym.
fn pseudonym(text: &str, config: &HubConfig) -> Result<Identifier, CliError> {
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
