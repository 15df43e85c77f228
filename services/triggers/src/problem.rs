//! What is wrong with a definition or the configuration: where, what, and what to do.

use std::fmt;

use crate::place::{self, Place};

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
    /// Where it stands in the text of the file, when that is known.
    pub place: Option<Place>,
}

impl Problem {
    /// That a text is not YAML.
    pub(crate) fn of_syntax(file: &str, text: &str, error: &serde_saphyr::Error) -> Self {
        let said = error.without_snippet().to_string();
        let what = said.rsplit_once(" at line ").map(|(what, _)| what);
        Self {
            file: file.to_owned(),
            key: String::new(),
            what: format!("is not YAML: {}", what.unwrap_or(&said).trim()),
            remedy: "mend the syntax there".to_owned(),
            place: error.location().and_then(|location| place::at(text, location, 1)),
        }
    }

    /// The problem with its place in the text of its file.
    pub(crate) fn placed_in(self, text: &str) -> Self {
        let of_rule = position_in_rule(&self.what).and_then(|inner| place::inside_value(text, &self.key, inner));
        let place = of_rule.or_else(|| place::of_key(text, &self.key));
        Self { place, ..self }
    }
}

/// Line and column that the compiler of conditions names.
fn position_in_rule(what: &str) -> Option<(usize, usize)> {
    let (_, after) = what.split_once("┌─ ")?;
    let mut parts = after.lines().next()?.rsplit(':').map(|part| part.trim().parse().ok());
    let (column, line) = (parts.next()??, parts.next()??);
    Some((line, column))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (&self.place, self.key.as_str()) {
            (None, "") => {}
            (None, key) => write!(f, ":{key}")?,
            (Some(Place { line, column, .. }), "") => write!(f, ":{line}:{column}")?,
            (Some(Place { line, column, .. }), key) => write!(f, ":{line}:{column}: {key}")?,
        }
        write!(f, ": {}: {}", self.what, self.remedy)?;
        match &self.place {
            Some(place) => write!(f, "\n{place}"),
            None => Ok(()),
        }
    }
}
