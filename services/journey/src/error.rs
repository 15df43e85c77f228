//! What can be wrong with the configuration and the stage definitions.

use std::fmt;

/// One thing that is wrong, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: a configuration key such as `journey.horizon_days`, or a place such as `stages.yaml: person[2].any[0]`.
    pub key: String,
    /// The value that stands there.
    pub value: String,
    /// Why it cannot be used.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    pub(crate) fn new(
        key: impl Into<String>,
        value: impl ToString,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), value: value.to_string(), why: why.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}; {}", self.key, self.value, self.why, self.remedy)
    }
}

/// Why the journey service cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// The stage definitions are not YAML of the expected shape.
    #[error("{file}: {detail}; compare it with the built-in schemas/stages.yaml")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser said, with line and column.
        detail: String,
    },
    /// The stage definitions or the configuration say something impossible; all of it is listed.
    #[error("{}", join(.0))]
    Invalid(Vec<Problem>),
    /// A file cannot be read.
    #[error("{file}: {source}; check that it exists and can be read")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
