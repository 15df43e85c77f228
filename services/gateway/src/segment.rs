//! Segment's messages: the calls, the batch, and what an event needs.
//!
//! Source: Segment's HTTP Tracking API and Spec (segment.com/docs/connections/sources/catalog/libraries/server/http-api).

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::event::{Event, Sorted};
use crate::instant;
use crate::json;
use crate::limits::Rules;
use crate::refusal::{Fault, FaultCode, Refusal};

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Identify,
    Track,
    Page,
    Screen,
    Group,
    Alias,
}

impl Call {
    pub(crate) const ALL: [Self; 6] = [Self::Identify, Self::Track, Self::Page, Self::Screen, Self::Group, Self::Alias];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }
}

/// The members of a message that matter here; `null` and absent are two things.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Members<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "present")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    message_id: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    user_id: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    anonymous_id: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    previous_id: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    group_id: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    event: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    sent_at: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    properties: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    traits: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    context: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    integrations: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    write_key: Option<&'a RawValue>,
}

/// A batch; what stands beside the messages holds for those that do not have it themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
    #[serde(borrow, deserialize_with = "present")]
    sent_at: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    context: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    integrations: Option<&'a RawValue>,
}

/// The write key in the body, as the oldest SDKs and those in browsers send it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keyed<'a> {
    #[serde(borrow, default)]
    write_key: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The write key in a body, when it has one.
pub(crate) fn write_key(body: &str) -> Result<Option<String>, Refusal> {
    if json::first_char(body) != Some('{') {
        return Ok(None);
    }
    let keyed: Keyed<'_> = serde_json::from_str(body).map_err(|error| Refusal::malformed(&error))?;
    Ok(keyed.write_key.and_then(json::text))
}

/// One message sent to the path of its call.
pub(crate) fn single(call: Call, body: &str, rules: Rules<'_>, new_id: &dyn Fn() -> String) -> Result<Sorted, Refusal> {
    let message: &RawValue = serde_json::from_str(body).map_err(|error| Refusal::malformed(&error))?;
    let mut sorted = Sorted::default();
    sorted.push(event(message, Some(call), &Batch::default(), rules, new_id));
    Ok(sorted)
}

/// Many messages.
pub(crate) fn batch(body: &str, rules: Rules<'_>, new_id: &dyn Fn() -> String) -> Result<Sorted, Refusal> {
    let no_batch = || {
        let detail = "the body is no object with a member `batch`, an array of messages".to_owned();
        Refusal::Malformed { line: 1, column: 1, detail }
    };
    // An array would be read as the members in their order.
    if json::first_char(body) == Some('[') {
        return Err(no_batch());
    }
    let mut batch: Batch<'_> = serde_json::from_str(body).map_err(|error| Refusal::malformed(&error))?;
    let messages = batch.batch.take().ok_or_else(no_batch)?;
    let limits = rules.limits;
    if messages.len() > limits.batch_events {
        return Err(Refusal::TooManyEvents { count: messages.len(), limit: limits.batch_events });
    }
    let bytes = messages.iter().map(|message| message.get().len()).sum();
    if bytes > limits.batch.as_usize() {
        return Err(Refusal::BatchTooLarge { bytes, limit: limits.batch });
    }
    let mut sorted = Sorted::default();
    let mut published = 0;
    for message in messages {
        let outcome = event(message, None, &batch, rules, new_id);
        published += outcome.as_ref().map_or(0, |event| event.body.len());
        // What the batch hands down is copied to every message: a bound on that too.
        if published > limits.body_bytes().saturating_mul(2) {
            return Err(Refusal::BatchTooLarge { bytes: published, limit: limits.batch });
        }
        sorted.push(outcome);
    }
    Ok(sorted)
}

fn event(
    message: &RawValue,
    call: Option<Call>,
    batch: &Batch<'_>,
    rules: Rules<'_>,
    new_id: &dyn Fn() -> String,
) -> Result<Event, Vec<Fault>> {
    let text = message.get();
    if json::first_char(text) != Some('{') {
        let remedy = "send a JSON object for each message";
        return Err(vec![Fault::new(FaultCode::NotAnObject, "", text, "the message is no object", remedy)]);
    }
    if let Some(fault) = rules.size(text.len()) {
        return Err(vec![fault]);
    }
    let members: Members<'_> = serde_json::from_str(text).map_err(|error| {
        let detail = crate::refusal::without_place(&error);
        vec![Fault::new(FaultCode::InvalidField, "", "", detail, "give each member once")]
    })?;

    let mut faults = Vec::new();
    let call = kind(&members, call, &mut faults);
    let id = message_id(&members, rules, &mut faults);
    if let Some(call) = call {
        faults.extend(missing(call, &members));
    }
    faults.extend(times(&members, batch, rules));
    faults.extend(sizes(&members, rules));
    if !faults.is_empty() {
        return Err(faults);
    }

    let (id, made) = match id {
        Some(id) => (id, None),
        None => {
            let id = new_id();
            (id.clone(), Some(format!("\"{id}\"")))
        }
    };
    let named = call.filter(|_| members.kind.is_none()).map(|call| format!("\"{}\"", call.name()));
    let mut added: Vec<(&str, &str)> = Vec::new();
    added.extend(named.as_deref().map(|value| ("type", value)));
    added.extend(made.as_deref().map(|value| ("messageId", value)));
    for (name, own, handed_down) in [
        ("sentAt", members.sent_at, batch.sent_at),
        ("context", members.context, batch.context),
        ("integrations", members.integrations, batch.integrations),
    ] {
        if let (None, Some(value)) = (own, handed_down) {
            added.push((name, value.get()));
        }
    }
    Ok(Event { id, own_id: true, body: complete(text, &added, members.write_key) })
}

/// The message with members put in front, and its write key, which is no business of readers, made unreadable.
fn complete(text: &str, added: &[(&str, &str)], write_key: Option<&RawValue>) -> Vec<u8> {
    let extra: usize = added.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut body = Vec::with_capacity(text.len() + extra);
    let rest = &text[1..];
    body.push(b'{');
    for (name, value) in added {
        body.extend_from_slice(format!("\"{name}\":").as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.push(b',');
    }
    if !added.is_empty() && json::first_char(rest) == Some('}') {
        body.pop();
    }
    match write_key.and_then(|key| place_of(key.get(), rest)) {
        Some((start, end)) => {
            body.extend_from_slice(&rest.as_bytes()[..start]);
            body.extend_from_slice(b"\"***\"");
            body.extend_from_slice(&rest.as_bytes()[end..]);
        }
        None => body.extend_from_slice(rest.as_bytes()),
    }
    body
}

/// Where `part`, a slice of `whole`, begins and ends in it.
fn place_of(part: &str, whole: &str) -> Option<(usize, usize)> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (whole.get(start..end)? == part).then_some((start, end))
}

fn kind(members: &Members<'_>, path: Option<Call>, faults: &mut Vec<Fault>) -> Option<Call> {
    const REMEDY: &str = "give identify, track, page, screen, group or alias";
    let Some(raw) = members.kind else {
        if path.is_none() {
            faults.push(Fault::new(FaultCode::MissingField, "type", "", "the message has no type", REMEDY));
        }
        return path;
    };
    let found = json::text(raw).and_then(|name| Call::named(&name));
    match (found, path) {
        (None, _) => {
            faults.push(Fault::new(FaultCode::InvalidField, "type", raw.get(), "this is no type of message", REMEDY));
        }
        (Some(found), Some(path)) if found != path => {
            let detail = format!("the message is sent to the path of {}", path.name());
            let remedy = "send it to the path of its type, or to /v1/batch";
            faults.push(Fault::new(FaultCode::InvalidField, "type", raw.get(), detail, remedy));
        }
        _ => {}
    }
    found
}

/// The message's own id; `None` when one has to be made.
fn message_id(members: &Members<'_>, rules: Rules<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    let raw = members.message_id?;
    match json::text(raw).filter(|id| !id.is_empty()) {
        Some(id) => {
            faults.extend(rules.id("messageId", &id));
            Some(id)
        }
        None => {
            let remedy = "give text, or leave the member out to have an id made";
            faults.push(Fault::new(FaultCode::InvalidField, "messageId", raw.get(), "the id is no text", remedy));
            None
        }
    }
}

/// What the call needs and does not have.
fn missing(call: Call, members: &Members<'_>) -> Vec<Fault> {
    let has = |raw: Option<&RawValue>| raw.is_some_and(|raw| json::id_text(raw).is_some());
    let mut faults = Vec::new();
    let mut need = |is_there: bool, field: &str, remedy: &str| {
        if !is_there {
            let detail = format!("{} needs it", call.name());
            faults.push(Fault::new(FaultCode::MissingField, field, "", detail, remedy));
        }
    };
    if call == Call::Alias {
        need(has(members.user_id), "userId", "give the id from now on as text or number");
        need(has(members.previous_id), "previousId", "give the id until now as text or number");
        return faults;
    }
    need(
        has(members.user_id) || has(members.anonymous_id),
        "userId",
        "give userId or anonymousId as text or number, so that it is somebody's",
    );
    match call {
        Call::Track => need(has(members.event), "event", "give the name of what happened"),
        Call::Group => need(has(members.group_id), "groupId", "give the id of the group as text or number"),
        _ => {}
    }
    faults
}

fn times(members: &Members<'_>, batch: &Batch<'_>, rules: Rules<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (field, raw) in [("timestamp", members.timestamp), ("sentAt", members.sent_at.or(batch.sent_at))] {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else { continue };
        let text = json::text(raw);
        match text.as_deref().and_then(instant::from_iso) {
            Some(at) if field == "timestamp" => faults.extend(rules.happened(field, raw.get(), at)),
            Some(at) => faults.extend(rules.not_ahead(field, raw.get(), at)),
            None => {
                let remedy = "write it as 2026-03-01T12:00:00.000Z";
                faults.push(Fault::new(FaultCode::InvalidTime, field, raw.get(), "this is no ISO 8601 time", remedy));
            }
        }
    }
    faults
}

fn sizes(members: &Members<'_>, rules: Rules<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (field, raw) in [("properties", members.properties), ("traits", members.traits)] {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else { continue };
        match json::member_count(raw.get()) {
            Some(count) => faults.extend(rules.properties(field, count)),
            None => {
                let remedy = "give a JSON object, or leave it out";
                faults.push(Fault::new(FaultCode::InvalidField, field, raw.get(), "this is no object", remedy));
            }
        }
    }
    faults
}
