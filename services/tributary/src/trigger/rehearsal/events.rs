//! The events of a rehearsal: JSON values one after the other, or lists of them, from files.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tributary_model::time::from_rfc3339;
use tributary_triggers::Place;

/// One event as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// File and line, or file and place in the list, for messages.
    pub origin: String,
    /// What stands there.
    pub body: Map<String, Value>,
    /// When the hub received it, when the file says so.
    pub received_at: Option<i64>,
    /// The source that it names itself.
    pub source: Option<String>,
}

/// Why a file gives no events.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// It cannot be read.
    #[error("cannot read events from {path}: {source}: name a file of JSON, one event a line or a list of them")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not JSON.
    #[error("{path}:{line}:{column}: is not JSON: {detail}: mend it there; write one event a line, or a list\n{shown}",
        line = .place.line, column = .place.column, shown = .place)]
    NotJson {
        /// The file.
        path: String,
        /// Where.
        place: Place,
        /// What the parser said.
        detail: String,
    },
    /// A value is no event.
    #[error("{origin}: {what}: {remedy}")]
    NoEvent {
        /// The file and the line.
        origin: String,
        /// What it is.
        what: String,
        /// What to write.
        remedy: String,
    },
}

/// The events of these files, in their order.
///
/// # Errors
/// [`EventsError`] of the first thing that is none.
pub fn read_events(paths: &[PathBuf]) -> Result<Vec<Event>, EventsError> {
    let mut events = Vec::new();
    for path in paths {
        let text =
            std::fs::read_to_string(path).map_err(|source| EventsError::Unreadable { path: path.clone(), source })?;
        events.extend(parse(path, &text)?);
    }
    Ok(events)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Event>, EventsError> {
    let name = path.display().to_string();
    let mut events = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let line = line_of(text, values.byte_offset());
        match values.next() {
            None => return Ok(events),
            Some(Ok(Value::Array(list))) => {
                for (index, value) in list.into_iter().enumerate() {
                    events.push(event(format!("{name}[{index}]"), value)?);
                }
            }
            Some(Ok(value)) => events.push(event(format!("{name}:{line}"), value)?),
            Some(Err(error)) => {
                let (line, column) = (error.line().max(1), error.column().max(1));
                let shown = text.lines().nth(line - 1).unwrap_or_default().to_owned();
                let place = Place { line, column, width: 1, text: shown };
                return Err(EventsError::NotJson { path: name, place, detail: without_position(&error) });
            }
        }
    }
}

/// The line, from 1, of the first thing that is no space at or after an offset.
fn line_of(text: &str, offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or_default();
    let start = offset + (rest.len() - rest.trim_start().len());
    text.get(..start).unwrap_or(text).matches('\n').count() + 1
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

fn event(origin: String, value: Value) -> Result<Event, EventsError> {
    let refuse = |origin: String, what: String, remedy: &str| {
        Err(EventsError::NoEvent { origin, what, remedy: remedy.to_owned() })
    };
    let Value::Object(mut body) = value else {
        return refuse(origin, format!("{value} is no event"), "write an object in braces");
    };
    // A sample of a source says when its event was received.
    let is_sample = body.contains_key("input") && body.contains_key("received_at");
    if !is_sample {
        let source = match body.remove("source") {
            Some(Value::String(source)) => Some(source),
            Some(other) => {
                body.insert("source".to_owned(), other);
                None
            }
            None => None,
        };
        return Ok(Event { origin, body, received_at: None, source });
    }
    let received_at = body.get("received_at").and_then(Value::as_str).and_then(from_rfc3339);
    match (received_at, body.remove("input")) {
        (Some(at), Some(Value::Object(input))) => {
            Ok(Event { origin, body: input, received_at: Some(at), source: None })
        }
        (None, _) => refuse(origin, "received_at is not RFC 3339".to_owned(), "write it as 2026-03-01T09:00:02Z"),
        (_, other) => {
            refuse(origin, format!("input {} is no event", other.unwrap_or_default()), "write an object in braces")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_one_by_one_and_from_lists_and_know_where_they_stand() {
        let text = "{\"type\": \"a.b\"}\n\n{\n \"type\": \"c.d\", \"source\": \"shop\"}\n[{\"type\": \"e.f\"}]";
        let events = parse(Path::new("e.json"), text).unwrap();
        let origins: Vec<&str> = events.iter().map(|event| event.origin.as_str()).collect();
        assert_eq!(origins, ["e.json:1", "e.json:3", "e.json[0]"]);
        assert_eq!(events[1].source.as_deref(), Some("shop"));
        assert!(!events[1].body.contains_key("source"));
    }

    #[test]
    fn what_is_no_event_is_named_with_its_place() {
        let error = parse(Path::new("e.json"), "{\"type\": \"a.b\"}\n{\"type\": }").unwrap_err().to_string();
        assert!(error.starts_with("e.json:2:10: is not JSON: expected value: mend it there"), "{error}");
        assert!(error.ends_with("2 | {\"type\": }\n    |          ^"), "{error}");
        let error = parse(Path::new("e.json"), "[1]").unwrap_err().to_string();
        assert_eq!(error, "e.json[0]: 1 is no event: write an object in braces");
    }
}
