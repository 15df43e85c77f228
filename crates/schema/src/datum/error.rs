//! What can be wrong with a datum, and where.

use std::fmt;

/// Why a value could not be written or read: the field, and what is wrong there.
#[derive(Debug)]
pub struct DatumError(Box<Problem>);

#[derive(Debug)]
struct Problem {
    /// The outermost record so far; empty outside records.
    record: String,
    /// The fields that lead from it to the problem, joined by dots.
    path: String,
    detail: String,
}

impl DatumError {
    #[cold]
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self(Box::new(Problem { record: String::new(), path: String::new(), detail: detail.into() }))
    }

    /// The same problem, seen from the record that holds it.
    #[cold]
    pub(super) fn within(mut self, record: &str, field: &str) -> Self {
        let Problem { record: outermost, path, .. } = &mut *self.0;
        record.clone_into(outermost);
        *path = if path.is_empty() { field.to_owned() } else { format!("{field}.{path}") };
        self
    }
}

impl fmt::Display for DatumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { record, path, detail } = &*self.0;
        if record.is_empty() { f.write_str(detail) } else { write!(f, "{record}.{path}: {detail}") }
    }
}

impl std::error::Error for DatumError {}

impl serde::ser::Error for DatumError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl serde::de::Error for DatumError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
