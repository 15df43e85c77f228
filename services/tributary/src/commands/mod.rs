//! What the commands do, one a file.

mod account;
mod attribution;
mod brand_demand;
mod canvas;
mod check;
mod decisions;
mod delivery;
mod dlq;
mod identity;
mod identity_changes;
mod journey;
mod lift;
mod load;
mod persons;
mod privacy;
mod publish;
mod reconcile;
mod run;
mod scorecard;
mod silo_report;
mod story;
mod topics;
mod trigger;

pub(crate) use load::now_ms;
use tributary_service::config;

use crate::cli::{Cli, Command};
use crate::config::HubConfig;
use crate::demo;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Does what the command line asks for.
///
/// # Errors
/// [`CliError`] with what went wrong and what to do; [`CliError::exit`] is the exit code.
pub fn dispatch(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
    match &cli.command {
        Command::Check => return check::check(&cli.global, output),
        Command::Demo(args) => return demo::demo(args, &cli.global, output),
        _ => {}
    }
    let hub = HubConfig::load(&cli.global)?;
    match &cli.command {
        Command::Run(args) => run::run(args, &hub),
        Command::Topics(command) => topics::topics(*command, &hub, output),
        Command::Trigger(command) => trigger::trigger(command, &hub, output),
        Command::Canvas(command) => canvas::canvas(command, &hub, output),
        Command::Load(args) => load::load(args, &hub, output),
        Command::Journey(args) => journey::journey(args, &hub, output),
        Command::Account(args) => account::account(args, &hub, output),
        Command::Decisions(args) => decisions::decisions(args, &hub, output),
        Command::Identity(command) => identity::identity(command, &hub, output),
        Command::Privacy(command) => privacy::privacy(command, &hub, output),
        Command::Attribution(args) => attribution::attribution(args, &hub, output),
        Command::SiloReport(args) => silo_report::silo_report(args, &hub, output),
        Command::BrandDemand => brand_demand::brand_demand(&hub, output),
        Command::Story(args) => story::story(args, &hub, output),
        Command::Lift(args) => lift::lift(args, &hub, output),
        Command::Scorecard(args) => scorecard::scorecard(args, &hub, output),
        Command::Delivery(command) => delivery::delivery(command, &hub, output),
        Command::Dlq(command) => dlq::dlq(command, &hub, output),
        Command::Reconcile(args) => reconcile::reconcile(args, &hub, output),
        Command::DumpConfig => {
            let yaml = config::dump(&hub)?;
            output.text(yaml.trim_end())?;
            Ok(Exit::Done)
        }
        Command::Check | Command::Demo(_) => Ok(Exit::Done),
    }
}
