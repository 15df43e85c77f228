//! Samples: events with the touchpoints they must become. They are the tests of a mapping.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tributary_model::time::from_rfc3339;

use crate::draft::Draft;
use crate::engine::Outcome;
use crate::error::Problem;
use crate::rulebook::Rulebook;
use crate::source::Source;

/// A file of `samples/`. One of `expected`, `drop` and `dead_letter` says what has to become of `input`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    received_at: String,
    input: Json,
    #[serde(default)]
    expected: Option<Json>,
    #[serde(default)]
    drop: Option<String>,
    #[serde(default)]
    dead_letter: Option<String>,
    /// What the sample shows, for people.
    #[serde(default)]
    #[allow(dead_code, reason = "read by people only")]
    about: Option<String>,
}

/// What becomes of an event, in the words of a sample: an object with `expected`, `drop`, or `dead_letter` and `message`.
/// Raw identifiers are in it, so show it to the author of the source only.
#[must_use]
pub fn explain(rulebook: &Rulebook, source: &str, received_at: i64, input: &Json) -> Json {
    let body = input.to_string();
    let source = rulebook.source(source);
    let outcome = source.and_then(|source| rulebook.drafts(source, body.as_bytes(), received_at));
    match outcome {
        Ok(Outcome::Touchpoints(drafts)) => {
            json!({ "expected": drafts.iter().map(Draft::to_json).collect::<Vec<_>>() })
        }
        Ok(Outcome::Dropped(reason)) => json!({ "drop": reason }),
        Err(refusal) => json!({ "dead_letter": refusal.code, "message": refusal.message }),
    }
}

/// Runs every sample of every source.
pub(crate) fn check(rulebook: &Rulebook) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in rulebook.sources.iter() {
        if source.samples.is_empty() {
            let remedy = "add an event and the touchpoints it must become as samples/<name>.json";
            problems.push(Problem::new(format!("{}/samples", source.origin), "", "there is no sample", remedy));
        }
        for (name, text) in &source.samples {
            let file = format!("{}/samples/{name}", source.origin);
            if let Err(found) = run(rulebook, source, &file, text) {
                problems.extend(found);
            }
        }
    }
    problems
}

fn run(rulebook: &Rulebook, source: &Source, file: &str, text: &str) -> Result<(), Vec<Problem>> {
    let wrong = |key: &str, what: String, remedy: &str| vec![Problem::new(file, key, what, remedy)];
    let sample: Sample = serde_json::from_str(text)
        .map_err(|error| wrong("", error.to_string(), "see samples in docs/adding-a-source.md"))?;
    let Some(received_at) = from_rfc3339(&sample.received_at) else {
        return Err(wrong("received_at", "is not RFC 3339".to_owned(), "write it as 2026-03-01T09:00:02Z"));
    };
    let stated = [sample.expected.is_some(), sample.drop.is_some(), sample.dead_letter.is_some()];
    if stated.iter().filter(|stated| **stated).count() != 1 {
        let what = "states not exactly one of expected, drop and dead_letter".to_owned();
        return Err(wrong("", what, "say the one thing that has to become of the event"));
    }
    let remedy = "mend the mapping, or the sample if it is out of date";
    match rulebook.drafts(source, sample.input.to_string().as_bytes(), received_at) {
        Err(refusal) if sample.dead_letter.as_deref() == Some(refusal.code) => Ok(()),
        Err(refusal) => Err(wrong("", format!("becomes a dead letter: {refusal}"), remedy)),
        Ok(Outcome::Dropped(reason)) if sample.drop.as_deref() == Some(reason) => Ok(()),
        Ok(Outcome::Dropped(reason)) => Err(wrong("", format!("is dropped as {reason}"), remedy)),
        Ok(Outcome::Touchpoints(drafts)) => {
            let actual = Json::Array(drafts.iter().map(|draft| draft.to_json()).collect());
            let Some(expected) = sample.expected else {
                let what = format!("becomes touchpoints:\n{}", pretty(&actual));
                return Err(wrong("", what, remedy));
            };
            let mut found = Vec::new();
            differences("expected", &expected, &actual, &mut |place, what| {
                found.push(Problem::new(file, place, what, remedy));
            });
            if found.is_empty() { Ok(()) } else { Err(found) }
        }
    }
}

/// Calls `report` for every place where the two differ.
fn differences(place: &str, expected: &Json, actual: &Json, report: &mut impl FnMut(String, String)) {
    match (expected, actual) {
        (Json::Object(left), Json::Object(right)) => {
            for (key, value) in left {
                differences(&format!("{place}.{key}"), value, right.get(key).unwrap_or(&Json::Null), report);
            }
            for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                report(format!("{place}.{key}"), format!("is {} and was not expected", pretty(value)));
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{place}[{index}]"), left, right, report);
            }
        }
        _ if expected == actual => {}
        (_, Json::Null) => report(place.to_owned(), format!("is absent, expected {}", pretty(expected))),
        _ => report(place.to_owned(), format!("is {}, expected {}", pretty(actual), pretty(expected))),
    }
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}
