//! One delivery: an intent on its way to one destination, as it is kept until it is settled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tributary_model::time::to_rfc3339;
use tributary_model::{AccountId, PersonId, TriggerIntent};

use crate::error::DeliveryError;

/// The longest `webhook-id`.
const MAX_ID_CHARS: usize = 200;

/// Which delivery: one intent has one for each destination of its team, all under the same `webhook-id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryKey {
    /// The destination's name.
    pub destination: Arc<str>,
    /// The `webhook-id`: the id of the decision.
    pub message_id: Arc<str>,
}

impl DeliveryKey {
    /// The delivery of `message_id` to `destination`.
    #[must_use]
    pub fn new(destination: impl Into<Arc<str>>, message_id: impl Into<Arc<str>>) -> Self {
        Self { destination: destination.into(), message_id: message_id.into() }
    }
}

/// One intent on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The trigger behind it.
    pub trigger_id: String,
    /// The team that owns it.
    pub team_id: String,
    /// The person it is about; the account's id when it is about an account.
    pub person_id: PersonId,
    /// The account, when it is about one.
    pub account_id: Option<AccountId>,
    /// What it asks for: `message`, `suppress`, `notify`.
    pub action: String,
    /// The channel chosen.
    pub channel: String,
    /// When it became eligible, event time.
    pub decided_at: i64,
    /// What is posted, the same for every attempt.
    pub body: Arc<str>,
    /// When it was taken on.
    pub queued_at: i64,
    /// Not before then is it sent.
    pub due_at: i64,
    /// Not after then is it sent.
    pub valid_until_at: i64,
    /// Attempts that have ended.
    pub attempts: u32,
    /// Attempts that have failed since it was taken on, or asked for again by hand: its place in the schedule.
    pub failures: u32,
    /// Whether its schedule is used up: it then waits to be asked for by hand until it expires.
    pub is_given_up: bool,
}

impl Delivery {
    /// The delivery of an intent that comes at `now_at`.
    ///
    /// # Errors
    /// [`DeliveryError::MessageId`] or [`DeliveryError::Payload`] when it cannot be a webhook.
    pub fn of(intent: &TriggerIntent, now_at: i64) -> Result<Self, DeliveryError> {
        let id = &intent.decision_id;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > MAX_ID_CHARS || !id.bytes().all(fits) {
            return Err(DeliveryError::MessageId(id.clone()));
        }
        Ok(Self {
            trigger_id: intent.trigger_id.clone(),
            team_id: intent.team_id.clone(),
            person_id: intent.person_id,
            account_id: intent.account_id,
            action: intent.action.clone(),
            channel: intent.channel.clone(),
            decided_at: intent.decided_at,
            body: body(intent)?,
            queued_at: now_at,
            due_at: now_at,
            valid_until_at: intent.valid_until_at,
            attempts: 0,
            failures: 0,
            is_given_up: false,
        })
    }
}

/// What is posted, in the form that Standard Webhooks recommends: type, timestamp and data.
#[derive(Serialize)]
struct Message<'a> {
    r#type: String,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    decision_id: &'a str,
    trigger_id: &'a str,
    trigger_version: i32,
    team_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    person_id: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    action: &'a str,
    channel: &'a str,
    valid_until: String,
    payload: &'a RawValue,
}

fn body(intent: &TriggerIntent) -> Result<Arc<str>, DeliveryError> {
    let no_json = |error: serde_json::Error| DeliveryError::Payload {
        decision_id: intent.decision_id.clone(),
        // The parser's own words hold no value of the payload, only the place.
        detail: error.to_string(),
    };
    let message = Message {
        r#type: format!("trigger.{}", intent.action),
        timestamp: to_rfc3339(intent.decided_at),
        data: Data {
            decision_id: &intent.decision_id,
            trigger_id: &intent.trigger_id,
            trigger_version: intent.trigger_version,
            team_id: &intent.team_id,
            person_id: intent.account_id.is_none().then_some(intent.person_id),
            account_id: intent.account_id,
            action: &intent.action,
            channel: &intent.channel,
            valid_until: to_rfc3339(intent.valid_until_at),
            payload: serde_json::from_str(&intent.payload).map_err(no_json)?,
        },
    };
    serde_json::to_string(&message).map(Into::into).map_err(no_json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::intent;

    #[test]
    fn the_body_is_what_the_standard_recommends_with_the_payload_as_it_stands() {
        let delivery = Delivery::of(&intent("d-1", "sales"), 5).unwrap();
        assert_eq!(
            &*delivery.body,
            "{\"type\":\"trigger.message\",\"timestamp\":\"2026-03-01T12:00:00Z\",\"data\":{\"decision_id\":\"d-1\",\
             \"trigger_id\":\"call-back\",\"trigger_version\":3,\"team_id\":\"sales\",\
             \"person_id\":\"6ba7b811-9dad-51d1-80b4-00c04fd430c8\",\"action\":\"message\",\"channel\":\"call\",\
             \"valid_until\":\"2026-03-02T12:00:00Z\",\"payload\":{\"z\": 1.50, \"a\": \"ö\"}}}"
        );
        assert_eq!((delivery.queued_at, delivery.due_at, delivery.attempts), (5, 5, 0));
    }

    #[test]
    fn about_an_account_it_names_the_account() {
        let mut about_account = intent("d-1", "sales");
        about_account.account_id = Some(AccountId(about_account.person_id.0));
        let body = Delivery::of(&about_account, 5).unwrap().body;
        assert!(body.contains("\"account_id\":\"6ba7b811") && !body.contains("person_id"), "{body}");
    }

    #[test]
    fn what_cannot_be_a_webhook_is_refused() {
        for id in ["", "a.b", "a b", "a\r\nx: y", &"x".repeat(201)] {
            let error = Delivery::of(&intent(id, "sales"), 0).unwrap_err();
            assert_eq!(error.code(), "invalid_message_id", "{id}");
        }
        let mut broken = intent("d-1", "sales");
        broken.payload = "{\"a\":".to_owned();
        let error = Delivery::of(&broken, 0).unwrap_err();
        assert_eq!(error.code(), "invalid_payload");
        assert!(error.to_string().starts_with("the payload of decision d-1 is no JSON: EOF"), "{error}");
    }
}
