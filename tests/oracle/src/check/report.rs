//! Differences, each in one line, and the list they are gathered in.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The most fields that are named of two records that differ.
const MAX_FIELDS: usize = 6;

/// One thing that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The topic, or `stage <name>` when it is about what a stage says.
    pub topic: String,
    /// The record key, or what the difference is about.
    pub key: String,
    /// What has to be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]: expected {}, found {}", self.topic, self.key, self.expected, self.found)
    }
}

/// Differences found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) differences: Vec<Difference>,
}

impl Report {
    pub(super) fn add(
        &mut self,
        topic: impl Into<String>,
        key: impl fmt::Display,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) {
        self.differences.push(Difference {
            topic: topic.into(),
            key: key.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }

    /// Reports when two counts are not the same.
    pub(super) fn count(&mut self, topic: &str, key: impl fmt::Display, what: &str, expected: i64, found: i64) {
        if expected != found {
            self.add(topic, key, format!("{expected} {what}"), found);
        }
    }

    /// Reports the fields in which two records are not the same.
    pub(super) fn fields<T: Serialize + PartialEq>(
        &mut self,
        topic: &str,
        key: impl fmt::Display,
        expected: &T,
        found: &T,
    ) {
        if expected == found {
            return;
        }
        let mut paths = Vec::new();
        compare("", &json(expected), &json(found), &mut paths);
        let side = |pick: fn(&(String, String, String)) -> &String| {
            let named = paths.iter().take(MAX_FIELDS).map(|entry| format!("{}={}", entry.0, pick(entry)));
            named.collect::<Vec<_>>().join(" ")
        };
        self.add(topic, key, side(|entry| &entry.1), side(|entry| &entry.2));
    }
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("records are plain data")
}

/// The paths at which two values differ, with both texts.
fn compare(path: &str, expected: &Value, found: &Value, paths: &mut Vec<(String, String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (expected, found) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names = ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
            for name in names {
                let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                compare(&below(name), &of(ours), &of(theirs), paths);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                compare(&below(&index.to_string()), ours, theirs, paths);
            }
        }
        _ if expected == found => {}
        _ => paths.push((path.to_owned(), expected.to_string(), found.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_the_field_and_both_values_in_one_line() {
        let mut report = Report::default();
        report.fields("t", "k", &json!({"a": 1, "b": [1, 2]}), &json!({"a": 1, "b": [1, 3]}));
        report.fields("t", "k", &json!({"a": 1}), &json!({"a": 1}));
        report.count("t", "k", "records", 2, 1);
        let lines: Vec<String> = report.differences.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["t [k]: expected b.1=2, found b.1=3", "t [k]: expected 2 records, found 1"]);
    }
}
