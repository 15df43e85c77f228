//! What is wrong with a configuration, told so that it can be mended.

use std::fmt;

use serde::Serialize;

/// The longest piece of a value that is repeated in a message, in characters.
const MAX_VALUE_CHARS: usize = 80;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: `kafka.bootstrap`.
    pub key: String,
    /// What stands there, shortened; empty when nothing does, or when it is secret.
    pub value: String,
    /// Why it is wrong.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// A problem of the value at `key`.
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        value: impl fmt::Display,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let value = value.to_string();
        let value = match value.char_indices().nth(MAX_VALUE_CHARS) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value,
        };
        Self { key: key.into(), value, why: why.into(), remedy: remedy.into() }
    }

    /// The same problem seen from outside the section `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.key = if self.key.is_empty() { prefix.to_owned() } else { format!("{prefix}.{}", self.key) };
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.is_empty(), self.value.is_empty()) {
            (false, false) => write!(f, "{} = {}: ", self.key, self.value)?,
            (false, true) => write!(f, "{}: ", self.key)?,
            (true, false) => write!(f, "{}: ", self.value)?,
            (true, true) => {}
        }
        write!(f, "{}; {}", self.why, self.remedy)
    }
}

/// All problems of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the configuration has a problem:")?,
            count => write!(f, "the configuration has {count} problems:")?,
        }
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
