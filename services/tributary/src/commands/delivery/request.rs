//! `tributary delivery retry`, `disable` and `enable`.

use std::time::{Duration, Instant};

use serde::Serialize;
use tributary_delivery::{REQUEST_DONE, REQUEST_REFUSED};
use tributary_model::delivery::{DeliveryCommand, DeliveryCommandKind, DeliveryLogEntry};
use tributary_model::topics;
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};

use super::check_name;
use crate::commands::now_ms;
use crate::commands::publish::publish_one;
use crate::config::HubConfig;
use crate::delivery::args::DestinationArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Pause between two looks for the answer.
const LOOK: Duration = Duration::from_millis(200);

/// What else is said of it.
#[derive(Debug, Default)]
pub(super) struct About {
    /// Which delivery.
    pub(super) decision_id: Option<String>,
    /// Why.
    pub(super) reason: Option<String>,
}

/// What was asked for, and what came of it.
#[derive(Serialize)]
struct Answer {
    destination: String,
    request_id: String,
    /// Whether it is done; none when nobody has answered yet.
    done: Option<bool>,
    detail: String,
}

/// Asks for it, and waits for the answer.
pub(super) fn request(
    kind: DeliveryCommandKind,
    of: &DestinationArgs,
    about: About,
    hub: &HubConfig,
    output: &mut Output,
) -> Result<Exit, CliError> {
    check_name(&of.destination, &hub.delivery.destinations.keys().collect::<Vec<_>>())?;
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let request_id = format!("by-hand:{}-{}", now_ms(), std::process::id());
    let command = DeliveryCommand {
        decision_id: about.decision_id,
        reason: about.reason,
        request_id: Some(request_id.clone()),
        ..DeliveryCommand::new(&of.destination, kind)
    };
    publish_one(&settings, &contracts, topics::DELIVERY_REQUESTS, command.to_key(), &command)?;
    let entry = answer(&settings, &contracts, &request_id, Duration::from_secs(of.wait))?;
    let done = entry.as_ref().map(|entry| entry.step == REQUEST_DONE);
    let detail = entry.map(|entry| entry.detail).unwrap_or_default();
    let answer = Answer { destination: of.destination.clone(), request_id, done, detail };
    output.either(&answer, || text(&answer))?;
    if done.is_none() {
        output.notice("the request is written and nobody has answered it yet: is `tributary run delivery` at work?");
    }
    Ok(if done == Some(true) { Exit::Done } else { Exit::Failed })
}

/// The entry of the log that answers a request, once it is there or time is over.
fn answer(
    settings: &KafkaSettings,
    contracts: &Contracts,
    request_id: &str,
    wait: Duration,
) -> Result<Option<DeliveryLogEntry>, CliError> {
    let until = Instant::now() + wait;
    loop {
        let mut found = None;
        read_to_end(settings, topics::DELIVERY_LOG, |record| {
            let entry = record.value.as_deref().and_then(|value| contracts.decode::<DeliveryLogEntry>(value).ok());
            let is_answer = |entry: &DeliveryLogEntry| {
                entry.request_id.as_deref() == Some(request_id)
                    && [REQUEST_DONE, REQUEST_REFUSED].contains(&&*entry.step)
            };
            found = entry.filter(is_answer).or(found.take());
        })?;
        if found.is_some() || Instant::now() >= until {
            return Ok(found);
        }
        std::thread::park_timeout(LOOK);
    }
}

fn text(answer: &Answer) -> String {
    match answer.done {
        Some(_) => format!("{}: {}", answer.destination, answer.detail),
        None => format!("{}: no answer yet", answer.destination),
    }
}
