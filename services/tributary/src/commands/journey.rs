//! `tributary journey`: one person's story, found by any identifier the person was ever known by, or by any id it ever had.

use tributary_journey::read::fold_journey;
use tributary_model::{JourneyEvent, PersonId, topics};
use tributary_stream::read_to_end;

use super::persons::{aliases, person, pseudonym};
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
    if args.person.parse::<PersonId>().is_err() {
        // What is no name of anybody is said before a broker is asked.
        pseudonym(&args.person, config)?;
    }
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let aliases = aliases(&settings, &contracts)?;
    let person = person(&args.person, config, &aliases)?.person_id;
    let key = person.to_key();
    let mut records: Vec<JourneyEvent> = Vec::new();
    let mut unreadable = None;
    read_to_end(&settings, topics::JOURNEYS, |record| {
        if record.key != key {
            return;
        }
        match record.value.as_deref().map(|value| contracts.decode(value)) {
            Some(Ok(event)) => records.push(event),
            Some(Err(error)) => drop(unreadable.get_or_insert(error)),
            None => records.clear(), // The person was erased.
        }
    })?;
    if let Some(error) = unreadable {
        return Err(error.into());
    }
    let events = fold_journey(records);
    if events.is_empty() {
        let (named, _) = args.person.split_once(':').unwrap_or(("person's id", ""));
        output.notice(format!(
            "nobody is known by this {named}: check its spelling, and that realm and pseudonym key are those of the hub"
        ));
        return Ok(Exit::Failed);
    }
    let story = timeline(&events);
    output.either(&story, || format!("{person}\n{}", story.render(usize::MAX).trim_end()))?;
    Ok(Exit::Done)
}
