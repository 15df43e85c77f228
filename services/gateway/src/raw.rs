//! Raw JSON of any source: an object, an array, or one a line (NDJSON).

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::directory::Source;
use crate::event::{Event, Sorted};
use crate::instant;
use crate::json;
use crate::limits::Rules;
use crate::refusal::{Fault, FaultCode, Refusal};

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One event, or an array of them; several lines are taken too.
    Json,
    /// One event a line.
    Lines,
}

/// The events of a body.
pub(crate) fn events(body: &str, form: Form, source: &Source, rules: Rules<'_>) -> Result<Sorted, Refusal> {
    if form == Form::Json {
        if json::first_char(body) == Some('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(body).map_err(|error| Refusal::malformed(&error))?;
            return sort(elements.into_iter().map(Ok), source, rules);
        }
        match serde_json::from_str::<&RawValue>(body) {
            Ok(element) => return sort(std::iter::once(Ok(element)), source, rules),
            Err(error) if !continues_on_another_line(body, &error) => return Err(Refusal::malformed(&error)),
            Err(_) => {}
        }
    }
    sort(lines(body), source, rules)
}

/// Whether the body is a whole value followed by more on a later line.
fn continues_on_another_line(body: &str, error: &serde_json::Error) -> bool {
    let first = body.trim_start().lines().next().unwrap_or_default();
    error.line() > 1 && serde_json::from_str::<&RawValue>(first).is_ok()
}

/// The values of the lines that are not empty.
fn lines(body: &str) -> impl Iterator<Item = Result<&RawValue, Vec<Fault>>> {
    body.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(|(index, line)| {
        serde_json::from_str(line).map_err(|error| {
            let place = format!("line {}, column {}", index + 1, error.column());
            let detail = format!("{place}: {}", crate::refusal::without_place(&error));
            vec![Fault::new(FaultCode::MalformedJson, "", line, detail, "send one JSON object a line")]
        })
    })
}

fn sort<'a>(
    elements: impl Iterator<Item = Result<&'a RawValue, Vec<Fault>>>,
    source: &Source,
    rules: Rules<'_>,
) -> Result<Sorted, Refusal> {
    let limits = rules.limits;
    let mut sorted = Sorted::default();
    let mut bytes = 0;
    for element in elements {
        if sorted.total() == limits.batch_events {
            return Err(Refusal::TooManyEvents { count: limits.batch_events + 1, limit: limits.batch_events });
        }
        bytes += element.as_ref().map_or(0, |element| element.get().len());
        if bytes > limits.batch.as_usize() {
            return Err(Refusal::BatchTooLarge { bytes, limit: limits.batch });
        }
        sorted.push(element.and_then(|element| event(element.get(), source, rules)));
    }
    Ok(sorted)
}

fn event(text: &str, source: &Source, rules: Rules<'_>) -> Result<Event, Vec<Fault>> {
    if let Some(fault) = rules.size(text.len()) {
        return Err(vec![fault]);
    }
    let Some(members) = json::member_count(text) else {
        let remedy = "send a JSON object for each event";
        return Err(vec![Fault::new(FaultCode::NotAnObject, "", text, "the event is no object", remedy)]);
    };
    let mut faults = Vec::new();
    faults.extend(rules.properties("", members));
    let own_id = own_id(text, source);
    if let Some(id) = &own_id {
        faults.extend(rules.id(&pointer_text(&source.event_id), id));
    }
    if let Some(pointer) = &source.occurred_at
        && let Some(raw) = json::at_pointer(text, pointer)
        && let Some(at) = instant::from_json(raw)
    {
        faults.extend(rules.happened(&pointer_text(std::slice::from_ref(pointer)), raw.get(), at));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let known = own_id.is_some();
    let id = own_id.unwrap_or_else(|| hex(&Sha256::digest(text.as_bytes())));
    Ok(Event { id, own_id: known, body: text.as_bytes().to_vec() })
}

/// The parts of the source's own id, joined; `None` when the source has none or a part is missing.
fn own_id(text: &str, source: &Source) -> Option<String> {
    let parts: Option<Vec<String>> =
        source.event_id.iter().map(|pointer| json::at_pointer(text, pointer).and_then(json::id_text)).collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("."))
}

fn pointer_text(pointers: &[Vec<String>]) -> String {
    let texts: Vec<String> = pointers.iter().map(|steps| format!("/{}", steps.join("/"))).collect();
    texts.join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
