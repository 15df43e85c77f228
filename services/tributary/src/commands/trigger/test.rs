//! `tributary trigger test`: what triggers would make of events, without a broker.

use tributary_triggers::{Definitions, TriggersError};

use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::trigger::args::TestArgs;
use crate::trigger::rehearsal::{self, Rehearsal};

/// Rehearses, and compares with what was expected.
///
/// # Errors
/// [`CliError`] when a definition, an event or an expectation is none.
pub(super) fn test(args: &TestArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let wrong = |error: TriggersError| CliError::Definition { what: "triggers", detail: error.to_string() };
    let own = Definitions::read(&args.files).map_err(wrong)?;
    let mut triggers =
        if args.with_shipped { Definitions::configured(&hub.triggers).map_err(wrong)? } else { Definitions::default() };
    triggers.extend(own);
    let expected = args.expect.as_deref().map(rehearsal::read_expectations).transpose()?;
    let events = rehearsal::read_events(&args.events)?;
    let play = Rehearsal { config: hub, triggers, source: args.source.clone(), until_at: args.until }.run(events)?;
    if output.is_json() {
        for line in rehearsal::lines(&play.scenes, &play.cast) {
            output.text(line.to_string())?;
        }
    } else {
        output.text(rehearsal::render(&play.scenes, &play.cast).trim_end())?;
    }
    play.dropped.iter().for_each(|dropped| output.notice(dropped));
    let differences = expected.map(|expected| rehearsal::differences(&expected, &play.scenes)).unwrap_or_default();
    if differences.is_empty() {
        return Ok(Exit::Done);
    }
    differences.iter().for_each(|difference| output.notice(difference));
    output.notice(format!("{} difference(s) from what was expected", differences.len()));
    Ok(Exit::Difference)
}
