//! Reads what a mapping returned, strictly: every key is known, every amount exact, every refusal names the field.

mod fields;
mod money;
mod said;
#[cfg(test)]
mod tests;

use tributary_model::experiment_viewed::{EXPERIMENT_VIEWED, experiment_viewed};
use tributary_model::{Consent, Direction, Touchpoint};

use crate::draft::{Draft, RawIdentifier};
use crate::error::Refusal;
use fields::{Fields, Path};
pub(crate) use said::{Object, Said};

/// The most identifiers one touchpoint may carry.
const MAX_IDENTIFIERS: usize = 32;
/// The longest identifier or id, in bytes.
const MAX_ID_BYTES: usize = 512;

/// What a mapping's result comes down to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mapped {
    /// Touchpoints, at least one, each with its own id.
    Drafts(Vec<Draft>),
    /// A drop, with the reason the mapping gave.
    Drop(String),
}

/// Reads a mapping's result.
pub(crate) fn read(result: Said<'_>) -> Result<Mapped, Refusal> {
    match result {
        Said::Object(fields) if fields.iter().any(|(key, _)| key == "drop") => read_drop(fields),
        Said::Object(fields) => Ok(Mapped::Drafts(vec![read_draft(fields)?])),
        Said::List(list) => read_list(list),
        other => {
            Err(bad_result(format!("the result is {}: return a touchpoint, an array of them or a drop", other.kind())))
        }
    }
}

fn bad_result(message: impl Into<String>) -> Refusal {
    Refusal::new("bad_result", message)
}

fn read_drop(fields: Object<'_>) -> Result<Mapped, Refusal> {
    match fields.as_slice() {
        [(_, Said::Text(reason))] => Ok(Mapped::Drop(reason.clone().into_owned())),
        _ => Err(bad_result("a drop is an object with the one key drop and a string")),
    }
}

fn read_list(list: Vec<Said<'_>>) -> Result<Mapped, Refusal> {
    if list.is_empty() {
        return Err(bad_result("the result is an empty array: return a drop with a reason instead"));
    }
    let mut drafts: Vec<Draft> = Vec::with_capacity(list.len());
    for (index, value) in list.into_iter().enumerate() {
        let in_list = |refusal: Refusal| Refusal { message: format!("[{index}].{}", refusal.message), ..refusal };
        let Said::Object(fields) = value else {
            return Err(bad_result(format!("[{index}] is {}: return objects", value.kind())));
        };
        let draft = read_draft(fields).map_err(in_list)?;
        if drafts.iter().any(|other| other.id == draft.id) {
            return Err(bad_result(format!("[{index}].id is that of an earlier touchpoint of the same event")));
        }
        drafts.push(draft);
    }
    Ok(Mapped::Drafts(drafts))
}

fn read_draft(fields: Object<'_>) -> Result<Draft, Refusal> {
    let mut fields = Fields::new(fields, Path::Root);
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

fn event_type(fields: &mut Fields<'_>, key: &'static str) -> Result<Option<String>, Refusal> {
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

fn direction(fields: &mut Fields<'_>) -> Result<Direction, Refusal> {
    match fields.text("direction")?.as_deref() {
        None | Some("inbound") => Ok(Direction::Inbound),
        Some("outbound") => Ok(Direction::Outbound),
        Some(_) => Err(fields.invalid("direction", "is neither inbound nor outbound")),
    }
}

fn identifiers(fields: &mut Fields<'_>, key: &'static str) -> Result<Vec<RawIdentifier>, Refusal> {
    let Some(by_namespace) = fields.object(key)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (namespace, value) in by_namespace {
        if !is_name(&namespace) {
            return Err(fields.invalid(key, "has a namespace that is not lower case letters, digits and _"));
        }
        let (one, list) = match value {
            Said::List(list) => (None, list),
            one => (Some(one), Vec::new()),
        };
        for value in one.into_iter().chain(list) {
            if value == Said::Null {
                continue;
            }
            let Ok(text) = value.into_text() else {
                let why = format!("has a value under {namespace} that is neither string nor number");
                return Err(fields.invalid(key, why));
            };
            if text.len() > MAX_ID_BYTES {
                let why = format!("has a value under {namespace} longer than {MAX_ID_BYTES} bytes");
                return Err(fields.invalid(key, why));
            }
            found.push(RawIdentifier { namespace: namespace.to_string(), value: text });
        }
    }
    if found.len() > MAX_IDENTIFIERS {
        return Err(fields.invalid(key, format!("has {} values, more than {MAX_IDENTIFIERS}", found.len())));
    }
    Ok(found)
}

fn consents(fields: &mut Fields<'_>) -> Result<Vec<Consent>, Refusal> {
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
