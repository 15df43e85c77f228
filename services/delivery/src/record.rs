//! The delivery log as records of its topic.

use tributary_model::delivery::DeliveryLogEntry;

use crate::log::LogEntry;

/// Step of the log: what somebody asked for is done.
pub const REQUEST_DONE: &str = "request_done";
/// Step of the log: what somebody asked for cannot be done; the detail says why.
pub const REQUEST_REFUSED: &str = "request_refused";

/// What became of a request.
pub(crate) fn answer(
    at: i64,
    destination: &str,
    request_id: String,
    outcome: &Result<String, String>,
) -> DeliveryLogEntry {
    let (step, detail) = match outcome {
        Ok(detail) => (REQUEST_DONE, detail),
        Err(why) => (REQUEST_REFUSED, why),
    };
    DeliveryLogEntry {
        at,
        destination: destination.to_owned(),
        step: step.to_owned(),
        decision_id: None,
        trigger_id: None,
        team_id: None,
        attempt: 0,
        status: None,
        failure: None,
        duration_ms: None,
        next_at: None,
        detail: detail.clone(),
        request_id: Some(request_id),
    }
}

impl From<&LogEntry> for DeliveryLogEntry {
    fn from(entry: &LogEntry) -> Self {
        match entry {
            LogEntry::Delivery(event) => Self {
                at: event.at,
                destination: event.destination.to_string(),
                step: event.step.name().to_owned(),
                decision_id: Some(event.decision_id.to_string()),
                trigger_id: Some(event.trigger_id.clone()),
                team_id: Some(event.team_id.clone()),
                attempt: i32::try_from(event.attempt).unwrap_or(i32::MAX),
                status: event.result.and_then(|result| result.status).map(i32::from),
                failure: event.result.and_then(|result| result.failure).map(|class| class.name().to_owned()),
                duration_ms: event.result.map(|result| i64::try_from(result.duration_ms).unwrap_or(i64::MAX)),
                next_at: event.next_attempt_at,
                detail: event.detail.clone(),
                request_id: None,
            },
            LogEntry::Destination(event) => Self {
                at: event.at,
                destination: event.destination.to_string(),
                step: event.step.name().to_owned(),
                decision_id: None,
                trigger_id: None,
                team_id: None,
                attempt: 0,
                status: None,
                failure: None,
                duration_ms: None,
                next_at: event.until_at,
                detail: event.detail.clone(),
                request_id: None,
            },
        }
    }
}
