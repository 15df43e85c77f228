//! Reads what a mapping returned, strictly: every key is known, every amount exact, every refusal names the field.

mod fields;
mod money;
#[cfg(test)]
mod tests;

use tributary_model::experiment_viewed::{EXPERIMENT_VIEWED, experiment_viewed};
use tributary_model::{Consent, Direction, Touchpoint};
use tributary_rules::{ObjectMap, Value};

use crate::draft::{Draft, RawIdentifier};
use crate::error::Refusal;
use fields::{Fields, Path};

/// The most identifiers one touchpoint may carry.
const MAX_IDENTIFIERS: usize = 32;
/// The longest identifier or id, in bytes.
const MAX_ID_BYTES: usize = 512;

/// What a mapping's result comes down to.
#[derive(Debug)]
pub(crate) enum Mapped {
    /// Touchpoints, at least one, each with its own id.
    Drafts(Vec<Draft>),
    /// A drop, with the reason the mapping gave.
    Drop(String),
}

/// Reads a mapping's result.
pub(crate) fn read(result: Value) -> Result<Mapped, Refusal> {
    match result {
        Value::Object(map) if map.contains_key("drop") => read_drop(map),
        Value::Object(map) => Ok(Mapped::Drafts(vec![read_draft(map)?])),
        Value::Array(list) => read_list(list),
        other => Err(bad_result(format!(
            "the result is {}: return a touchpoint, an array of them or a drop",
            other.kind_str()
        ))),
    }
}

fn bad_result(message: impl Into<String>) -> Refusal {
    Refusal::new("bad_result", message)
}

fn read_drop(map: ObjectMap) -> Result<Mapped, Refusal> {
    match map.get("drop").and_then(Value::to_str_lossy) {
        Some(reason) if map.len() == 1 => Ok(Mapped::Drop(reason.into_owned())),
        _ => Err(bad_result("a drop is an object with the one key drop and a string")),
    }
}

fn read_list(list: Vec<Value>) -> Result<Mapped, Refusal> {
    if list.is_empty() {
        return Err(bad_result("the result is an empty array: return a drop with a reason instead"));
    }
    let mut drafts: Vec<Draft> = Vec::with_capacity(list.len());
    for (index, value) in list.into_iter().enumerate() {
        let in_list = |refusal: Refusal| Refusal { message: format!("[{index}].{}", refusal.message), ..refusal };
        let Value::Object(map) = value else {
            return Err(bad_result(format!("[{index}] is {}: return objects", value.kind_str())));
        };
        let draft = read_draft(map).map_err(in_list)?;
        if drafts.iter().any(|other| other.id == draft.id) {
            return Err(bad_result(format!("[{index}].id is that of an earlier touchpoint of the same event")));
        }
        drafts.push(draft);
    }
    Ok(Mapped::Drafts(drafts))
}

fn read_draft(map: ObjectMap) -> Result<Draft, Refusal> {
    let mut fields = Fields::new(map, Path::Root);
    let money = money::read(&mut fields)?;
    let draft = Draft {
        id: fields.required("id", Fields::text)?,
        event_type: fields.required("type", event_type)?,
        occurred_at: fields.required("occurred_at", Fields::instant)?,
        identifiers: identifiers(&mut fields, "identifiers")?,
        account_identifiers: identifiers(&mut fields, "account_identifiers")?,
        refused: Vec::new(),
        channel: fields.text("channel")?,
        referral: fields.texts("referral", usize::MAX)?,
        direction: direction(&mut fields)?,
        campaign_id: fields.text("campaign_id")?,
        message_id: fields.text("message_id")?,
        decision_id: fields.text("decision_id")?,
        agency: fields.text("agency")?,
        partner: fields.text("partner")?,
        cost: money.cost,
        value: money.value,
        items: money.items,
        order_id: fields.text("order_id")?,
        location: fields.text("location")?,
        consents: consents(&mut fields)?,
        properties: fields.texts("properties", Touchpoint::MAX_PROPERTIES)?.unwrap_or_default(),
        user_agent: fields.text("user_agent")?,
    };
    fields.finish()?;
    if draft.event_type == EXPERIMENT_VIEWED {
        experiment_viewed(&draft.properties).map_err(|problem| Refusal::new("invalid_field", problem.to_string()))?;
    }
    if draft.id.is_empty() || draft.id.len() > MAX_ID_BYTES {
        return Err(Refusal::new("invalid_field", format!("id: has to have 1 to {MAX_ID_BYTES} bytes")));
    }
    Ok(draft)
}

fn event_type(fields: &mut Fields, key: &'static str) -> Result<Option<String>, Refusal> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    match text.split_once('.') {
        Some((object, action)) if is_name(object) && is_name(action) => Ok(Some(text)),
        _ => Err(fields.invalid(key, "is not of the form object.action in lower case letters, digits and _")),
    }
}

/// A name: a lower case letter, then lower case letters, digits and `_`.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn direction(fields: &mut Fields) -> Result<Direction, Refusal> {
    match fields.text("direction")?.as_deref() {
        None | Some("inbound") => Ok(Direction::Inbound),
        Some("outbound") => Ok(Direction::Outbound),
        Some(_) => Err(fields.invalid("direction", "is neither inbound nor outbound")),
    }
}

fn identifiers(fields: &mut Fields, key: &'static str) -> Result<Vec<RawIdentifier>, Refusal> {
    let Some(map) = fields.object(key)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (namespace, value) in map {
        if !is_name(&namespace) {
            return Err(fields.invalid(key, "has a namespace that is not lower case letters, digits and _"));
        }
        let values = match value {
            Value::Array(list) => list,
            one => vec![one],
        };
        for value in values {
            let Some(text) = fields::scalar_text(&value) else {
                if value.is_null() {
                    continue;
                }
                let why = format!("has a value under {} that is neither string nor number", namespace.as_str());
                return Err(fields.invalid(key, why));
            };
            if text.len() > MAX_ID_BYTES {
                let why = format!("has a value under {} longer than {MAX_ID_BYTES} bytes", namespace.as_str());
                return Err(fields.invalid(key, why));
            }
            found.push(RawIdentifier { namespace: namespace.as_str().to_owned(), value: text });
        }
    }
    if found.len() > MAX_IDENTIFIERS {
        return Err(fields.invalid(key, format!("has {} values, more than {MAX_IDENTIFIERS}", found.len())));
    }
    Ok(found)
}

fn consents(fields: &mut Fields) -> Result<Vec<Consent>, Refusal> {
    let mut consents = Vec::new();
    for (index, map) in fields.objects("consents")?.into_iter().enumerate() {
        let mut fields = Fields::new(map, Path::Consent(index));
        consents.push(Consent {
            channel: fields.required("channel", Fields::text)?,
            purpose: fields.required("purpose", Fields::text)?,
            granted: fields.required("granted", Fields::boolean)?,
        });
        fields.finish()?;
    }
    Ok(consents)
}
