//! `tributary trigger`: triggers tried, applied, listed and taken away.

mod apply;
mod decisions;
mod known;
mod test;

use tributary_model::DefinitionStatus;

use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::trigger::applied::Known;
use crate::trigger::args::TriggerCommand;

/// Does what is asked of the triggers.
///
/// # Errors
/// [`CliError`] with what went wrong and what to do.
pub(super) fn trigger(command: &TriggerCommand, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        TriggerCommand::Test(args) => test::test(args, hub, output),
        TriggerCommand::Apply(args) => apply::apply(args, hub, output),
        TriggerCommand::Decisions(args) => decisions::decisions(args, hub, output),
        TriggerCommand::List => known::list(hub, output),
        TriggerCommand::Show { trigger } => known::show(trigger, hub, output),
        TriggerCommand::Remove { trigger } => known::restate(trigger, DefinitionStatus::Removed, hub, output),
        TriggerCommand::Disable { trigger } => known::restate(trigger, DefinitionStatus::Disabled, hub, output),
        TriggerCommand::Enable { trigger } => known::restate(trigger, DefinitionStatus::Enabled, hub, output),
    }
}

/// Tells of records on the topic that the hub refuses.
fn refused(known: &Known, output: &mut Output) {
    known.refused.iter().for_each(|reason| output.notice(format!("refused by the hub: {reason}")));
}
