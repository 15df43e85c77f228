//! `tributary story`: whether persons and accounts hear one story, and who makes it two.

use tributary_model::time::from_rfc3339;
use tributary_model::{AccountEvent, JourneyEvent, topics};
use tributary_story::{StoryFold, markdown};
use tributary_stream::read_to_end;

use crate::cli::StoryArgs;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Tells the story.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn story(args: &StoryArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let since_at = args.since.and_then(|date| from_rfc3339(&format!("{date}T00:00:00Z")));
    let mut fold = StoryFold::new(since_at);
    let mut unreadable = 0;
    read_to_end(&settings, topics::JOURNEYS, |record| match record.value {
        Some(value) => match contracts.decode::<JourneyEvent>(&value) {
            Ok(event) => fold.journey(&event),
            Err(_) => unreadable += 1,
        },
        // The person was erased.
        None => match std::str::from_utf8(&record.key).ok().and_then(|key| key.parse().ok()) {
            Some(person_id) => fold.erase(person_id),
            None => unreadable += 1,
        },
    })?;
    read_to_end(&settings, topics::ACCOUNTS, |record| {
        let Some(value) = record.value else { return };
        match contracts.decode::<AccountEvent>(&value) {
            Ok(account) => fold.account(&account),
            Err(_) => unreadable += 1,
        }
    })?;
    if unreadable > 0 {
        output.notice(format!("{unreadable} records cannot be read and are left out: is the schema registry set?"));
    }
    let report = fold.report(args.team.as_deref(), args.examples.into());
    if report.total.messages == 0 {
        output.notice(match &args.team {
            Some(team) => {
                format!("nothing was told by the team {team}: check its name with `tributary canvas show team`")
            }
            None => "nothing was told yet: send messages with a campaign or message of the canvas".to_owned(),
        });
        return Ok(Exit::Done);
    }
    output.either(&report, || markdown(&report).trim_end().to_owned())?;
    Ok(Exit::Done)
}
