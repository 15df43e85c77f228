//! What was read: every row of every file is counted somewhere.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

/// The rows of one file and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileTally {
    /// The file's name without its folder.
    pub file: String,
    /// Rows or objects read from it.
    pub rows: u64,
    /// What they became, in words.
    pub became: &'static str,
}

/// Counts of one load, in a fixed order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Files in the order in which they were first counted.
    pub files: Vec<FileTally>,
    /// Events by their kind.
    pub events: BTreeMap<&'static str, u64>,
    /// Further facts of the data set, such as how many households it has.
    pub facts: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Sets how many rows were read from a file so far.
    pub(super) fn rows(&mut self, path: &Path, rows: u64, became: &'static str) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match self.files.iter_mut().find(|known| known.file == name) {
            Some(known) => known.rows = rows,
            None => self.files.push(FileTally { file: name.into_owned(), rows, became }),
        }
    }

    /// Counts one event of a kind.
    pub(super) fn event(&mut self, kind: &'static str) {
        *self.events.entry(kind).or_default() += 1;
    }

    /// Rows of all files.
    #[must_use]
    pub fn total_rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Events of all kinds.
    #[must_use]
    pub fn total_events(&self) -> u64 {
        self.events.values().sum()
    }
}
