//! What is wrong with a figure, and what to do about it.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which figure.
    pub key: String,
    /// What was given.
    pub value: String,
    /// Why it cannot be used.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// A problem with `key`.
    pub fn new(key: impl Into<String>, value: impl fmt::Display, why: &str, remedy: &str) -> Self {
        Self { key: key.into(), value: value.to_string(), why: why.to_owned(), remedy: remedy.to_owned() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}; {}", self.key, self.value, self.why, self.remedy)
    }
}

/// Everything that is wrong, at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct Problems(pub Vec<Problem>);

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Looks at figures one after the other and keeps what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Check(Vec<Problem>);

impl Check {
    /// Notes a problem.
    pub(crate) fn note(&mut self, key: impl Into<String>, value: impl fmt::Display, why: &str, remedy: &str) {
        self.0.push(Problem::new(key, value, why, remedy));
    }

    /// Demands a number from `least` to `most`.
    pub(crate) fn within(&mut self, key: impl Into<String>, value: f64, least: f64, most: f64, remedy: &str) {
        if !(least..=most).contains(&value) {
            self.note(key, value, &format!("must be from {least} to {most}"), remedy);
        }
    }

    /// All of it, if there is any.
    pub(crate) fn done(self) -> Result<(), Problems> {
        if self.0.is_empty() { Ok(()) } else { Err(Problems(self.0)) }
    }
}
