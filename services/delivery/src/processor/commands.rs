//! Doing what a command says.

use tributary_model::delivery::{DeliveryCommand, DeliveryCommandKind};
use tributary_stream::Failure;

use crate::delivery::DeliveryKey;
use crate::error::DeliveryError;
use crate::queue::{Queue, Verdict};

/// Drop reason: the destination is not configured here any more.
const UNKNOWN_DESTINATION: &str = "unknown_destination";
/// Drop reason: what was asked for by hand is not in the queue any more.
const UNKNOWN_DELIVERY: &str = "unknown_delivery";

/// What became of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It is done; in words, for whoever asked.
    As(String),
    /// There is nothing that it could be done to.
    Nothing {
        /// The drop reason.
        reason: &'static str,
        /// Why, for whoever asked.
        why: String,
    },
}

/// Does what a command that comes at `now_at` says.
///
/// # Errors
/// [`Failure::Poison`] when it cannot be done to anything, ever.
pub(super) fn obey(queue: &mut Queue, command: DeliveryCommand, now_at: i64) -> Result<Done, Failure> {
    if let Some(verdict) = verdict(&command) {
        let (id, asked_at) = (command.decision_id.unwrap_or_default(), command.asked_at.unwrap_or_default());
        queue.answer(&DeliveryKey::new(command.destination, id), verdict, asked_at, now_at);
        return Ok(Done::As("the answer is heeded".to_owned()));
    }
    let name = command.destination.as_str();
    let said = |text: &str| text.to_owned();
    let outcome = match (command.kind, command.intent, command.person_id, command.decision_id) {
        (DeliveryCommandKind::Deliver, Some(intent), ..) => {
            queue.enqueue_to(name, &intent, now_at).map(|()| said("it is queued"))
        }
        (DeliveryCommandKind::Erase, _, Some(person_id), _) => {
            queue.erase(person_id, now_at);
            Ok(said("nothing is queued about the person"))
        }
        (DeliveryCommandKind::Retry, _, _, Some(id)) => {
            queue.retry(&DeliveryKey::new(name, id), now_at).map(|()| said("1 delivery is due again"))
        }
        (DeliveryCommandKind::Retry, ..) => {
            queue.retry_given_up(name, now_at).map(|count| format!("{count} given up deliveries are due again"))
        }
        (DeliveryCommandKind::Disable, ..) => {
            let reason = command.reason.unwrap_or_default();
            queue.disable(name, &reason, now_at).map(|()| said("nothing is sent to it until it is enabled"))
        }
        (DeliveryCommandKind::Enable, ..) => queue.enable(name, now_at).map(|()| said("what waits is sent to it")),
        _ => {
            let message = "it names no intent or person; mend what writes the commands".to_owned();
            return Err(Failure::Poison { code: "incomplete_command", message });
        }
    };
    match outcome {
        Ok(detail) => Ok(Done::As(detail)),
        Err(error @ DeliveryError::UnknownDestination { .. }) => {
            Ok(Done::Nothing { reason: UNKNOWN_DESTINATION, why: error.to_string() })
        }
        Err(error @ DeliveryError::UnknownDelivery { .. }) => {
            Ok(Done::Nothing { reason: UNKNOWN_DELIVERY, why: error.to_string() })
        }
        Err(error) => Err(Failure::Poison { code: error.code(), message: error.to_string() }),
    }
}

/// The answer to a question, if the command is one.
fn verdict(command: &DeliveryCommand) -> Option<Verdict> {
    match command.kind {
        DeliveryCommandKind::Permit => Some(Verdict::Send),
        DeliveryCommandKind::Withhold => Some(Verdict::Withhold(command.reason.clone().unwrap_or_default())),
        DeliveryCommandKind::Postpone => Some(Verdict::Postpone(command.until_at.unwrap_or_default())),
        _ => None,
    }
}
