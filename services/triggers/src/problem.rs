//! What is wrong with a definition or the configuration: where, what, and what to do.

use std::fmt;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or `configuration`.
    pub file: String,
    /// The key inside it, such as `pattern[1].within`; empty when it is about the whole file.
    pub key: String,
    /// What is wrong, with the value.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}: {}", self.file, self.what, self.remedy),
            key => write!(f, "{}:{key}: {}: {}", self.file, self.what, self.remedy),
        }
    }
}
