//! Reads a YAML mapping key by key and keeps every problem, so that one look at the report mends the whole file.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::misspelt::Misspelt;
use crate::problem::Problem;

/// The problems of one file.
pub(crate) struct Report {
    file: String,
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: RefCell::default() }
    }

    pub(crate) fn add(&self, key: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.clone(),
            key: key.into(),
            what: what.into(),
            remedy: remedy.into(),
            place: None,
        });
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A mapping whose keys are taken one by one; what is left at the end is unknown.
pub(crate) struct Fields<'a> {
    report: &'a Report,
    path: String,
    map: Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The mapping at `path`; anything else is a problem and reads as an empty one.
    pub(crate) fn of(report: &'a Report, path: &str, value: Value) -> Self {
        let map = match value {
            Value::Object(map) => map,
            other => {
                report.add(path, format!("{other} is not a mapping"), "write keys and values, one a line");
                Map::new()
            }
        };
        Self { report, path: path.to_owned(), map, known: Vec::new() }
    }

    pub(crate) fn report(&self) -> &'a Report {
        self.report
    }

    /// Whether a key has a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// The full path of a key in this mapping.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn problem(&self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.report.add(self.key(key), what, remedy);
    }

    /// Reports a field that the condition under `key` names and that does not exist.
    pub(crate) fn misspelt(&self, key: &str, found: Option<Misspelt>) {
        let Some(Misspelt { path, position: (line, column) }) = found else { return };
        let what = format!("names `{path}`, which is no field\n  ┌─ {}:{line}:{column}\n  =", self.key(key));
        self.problem(key, what, "write one of the fields that docs/triggers.md and docs/accounts.md list");
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.map.remove(key).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            other => {
                self.problem(key, format!("{other} is not a text"), "write a text that is not empty");
                None
            }
        }
    }

    /// A text that must be there; its absence is a problem and reads as empty.
    pub(crate) fn required_text(&mut self, key: &'static str, example: &str) -> String {
        if !self.has(key) {
            self.known.push(key);
            self.problem(key, "is missing", format!("add it, such as `{key}: {example}`"));
            return String::new();
        }
        self.text(key).unwrap_or_default()
    }

    /// A text or number that reads as a `T`.
    pub(crate) fn parsed<T>(&mut self, key: &'static str, remedy: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = match self.take(key)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.problem(key, error.to_string(), remedy);
                None
            }
        }
    }

    pub(crate) fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(key)?;
        match value.as_i64().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let remedy = format!("write a whole number from {} to {}", range.start(), range.end());
                self.problem(key, format!("{value} is out of range"), remedy);
                None
            }
        }
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> bool {
        match self.take(key) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(other) => {
                self.problem(key, format!("{other} is neither true nor false"), "write true or false");
                false
            }
        }
    }

    /// A text or a list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let items = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(single) => vec![single],
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::String(text) if !text.is_empty() => texts.push(text),
                other => self.problem(key, format!("{other} is not a text"), "list texts, such as [email, push]"),
            }
        }
        texts
    }

    pub(crate) fn list(&mut self, key: &'static str) -> Vec<Value> {
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problem(key, format!("{other} is not a list"), "write a list, each entry after a dash");
                Vec::new()
            }
        }
    }

    /// One of a few words.
    pub(crate) fn one_of<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let choice = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if choice.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.problem(key, format!("\"{text}\" is unknown"), format!("write one of {}", names.join(", ")));
        }
        choice
    }

    /// Everything left is unknown.
    pub(crate) fn finish(self) {
        for key in self.map.keys() {
            let remedy = format!("remove it or write one of {}", self.known.join(", "));
            self.report.add(self.key(key), "is not a key that exists here", remedy);
        }
    }
}
