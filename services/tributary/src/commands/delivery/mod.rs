//! `tributary delivery`: what waits for the destinations of webhooks, and what people ask for.

mod list;
mod request;

use tributary_model::delivery::DeliveryCommandKind;

use crate::config::HubConfig;
use crate::delivery::args::DeliveryCommand;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Does what is asked for with deliveries.
///
/// # Errors
/// [`CliError`] when an argument names nothing, or no broker answers.
pub(super) fn delivery(command: &DeliveryCommand, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        DeliveryCommand::List(args) => list::list(args, hub, output),
        DeliveryCommand::Retry(args) => {
            let about = request::About { decision_id: args.decision_id.clone(), reason: None };
            request::request(DeliveryCommandKind::Retry, &args.of, about, hub, output)
        }
        DeliveryCommand::Disable(args) => {
            let reason = super::identity::request::reason(&args.reason)?;
            let about = request::About { decision_id: None, reason: Some(reason) };
            request::request(DeliveryCommandKind::Disable, &args.of, about, hub, output)
        }
        DeliveryCommand::Enable(args) => {
            let about = request::About::default();
            request::request(DeliveryCommandKind::Enable, &args.of, about, hub, output)
        }
    }
}

/// Refuses the name of a destination that is not among `known`.
fn check_name(name: &str, known: &[&String]) -> Result<(), CliError> {
    if known.iter().any(|one| *one == name) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|one| one.as_str()).collect();
    let remedy = match names.as_slice() {
        [] => "no destination is configured: name some under delivery.destinations".to_owned(),
        names => format!("there is no such destination: name one of {}", names.join(", ")),
    };
    Err(CliError::Argument { argument: "destination", value: name.to_owned(), remedy })
}
