//! What can be wrong with the data the normaliser runs on, and with the events it gets.

use std::fmt;

/// One thing that is wrong with a source, a rule file or the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or `configuration`.
    pub file: String,
    /// The key or place inside it; empty when it is about the whole file.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    pub(crate) fn new(
        file: impl Into<String>,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.into(), key: key.into(), what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}: {}", self.file, self.what, self.remedy),
            key => write!(f, "{}: {key}: {}: {}", self.file, self.what, self.remedy),
        }
    }
}

/// Why the normaliser cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NormalizerError {
    /// The data it runs on is not right.
    #[error("{}", list(.0))]
    Data(Vec<Problem>),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Why an event becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Reason code, from a fixed set (`docs/adding-a-source.md` lists them).
    pub(crate) code: &'static str,
    /// What is wrong, naming the field and no values of identifiers.
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
