//! What a team expects of a rehearsal, and where it was mistaken: triggers with tests of their own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_model::Decision;
use tributary_model::time::{from_rfc3339, to_rfc3339};

use super::report::{Scene, fate};

/// One decision that is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The trigger.
    pub trigger: String,
    /// When it is decided, RFC 3339.
    pub at: String,
    /// `sent`, or the reason for which it is withheld.
    pub fate: String,
    /// The channel, if that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Fields of the payload, if they matter.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub payload: Map<String, Value>,
}

/// Why a file holds no expectations.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationsError {
    /// It cannot be read.
    #[error("cannot read expectations from {path}: {source}: name a YAML file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It says something else.
    #[error(
        "{path}: {detail}: write a list such as `- {{trigger: cart-abandoned, at: 2026-03-02T11:20:00Z, fate: sent}}`"
    )]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}

/// The expectations of a file.
///
/// # Errors
/// [`ExpectationsError`] says what is wrong with it.
pub fn read_expectations(path: &Path) -> Result<Vec<Expectation>, ExpectationsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ExpectationsError::Unreadable { path: path.to_owned(), source })?;
    let wrong = |detail: String| ExpectationsError::Wrong { path: path.to_owned(), detail };
    let expectations: Vec<Expectation> = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    match expectations.iter().find(|expected| from_rfc3339(&expected.at).is_none()) {
        Some(expected) => Err(wrong(format!("at \"{}\" is not RFC 3339", expected.at))),
        None => Ok(expectations),
    }
}

impl Expectation {
    fn is_met_by(&self, decision: &Decision, payload: Option<&Value>) -> bool {
        let has_field = |(name, value): (&String, &Value)| payload.and_then(|payload| payload.get(name)) == Some(value);
        self.trigger == decision.trigger_id
            && from_rfc3339(&self.at) == Some(decision.decided_at)
            && self.fate == fate(decision)
            && self.channel.as_ref().is_none_or(|channel| *channel == decision.channel)
            && self.payload.iter().all(has_field)
    }
}

/// Where the decisions are not those expected, in words; each decision meets one expectation.
#[must_use]
pub fn differences(expected: &[Expectation], scenes: &[Scene]) -> Vec<String> {
    let mut made: Vec<(&Decision, Option<&Value>)> = scenes
        .iter()
        .flat_map(|scene| &scene.decided)
        .map(|(decision, payload)| (decision, payload.as_ref()))
        .collect();
    let mut differences = Vec::new();
    for expectation in expected {
        match made.iter().position(|(decision, payload)| expectation.is_met_by(decision, *payload)) {
            Some(met) => drop(made.remove(met)),
            None => {
                let Expectation { trigger, at, fate, .. } = expectation;
                let wanted = serde_json::to_string(expectation).unwrap_or_default();
                differences.push(format!("expected {trigger} to be {fate} at {at}, and it is not: {wanted}"));
            }
        }
    }
    differences.extend(made.iter().map(|(decision, payload)| {
        let Decision { trigger_id, decided_at, channel, .. } = decision;
        let payload = payload.map(Value::to_string).unwrap_or_default();
        let at = to_rfc3339(*decided_at);
        format!("not expected: {trigger_id} {} at {at} on \"{channel}\" {payload}", fate(decision))
            .trim_end()
            .to_owned()
    }));
    differences
}
