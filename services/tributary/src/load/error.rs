//! What can go wrong while files are loaded: always which file, which line, and what to do.

use std::path::{Path, PathBuf};

/// Why loading stopped. Everything acknowledged before it stays loaded and is skipped when loading resumes.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No file was named.
    #[error("nothing to load for {what}: name at least one file, for example `tributary load {what} events.ndjson`")]
    NoFiles {
        /// The data set or source.
        what: String,
    },
    /// Neither a data set nor a source has this name.
    #[error(
        "there is no data set or source \"{what}\": known are {known}; a new source is a folder under schemas/sources"
    )]
    UnknownSource {
        /// What was asked for.
        what: String,
        /// The names there are, with commas.
        known: String,
    },
    /// A file or directory is not there.
    #[error("{} is missing: {remedy}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: String,
    },
    /// The system refused to read.
    #[error("{} cannot be read after line {line}: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The last line that was read, from 1; 0 before the first.
        line: u64,
        /// What the system said.
        detail: String,
    },
    /// A compressed file ends in the middle, or is not what its name says.
    #[error("{} cannot be unpacked after line {line}: {detail}: fetch the file again and compare its size", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The last line that was read, from 1; 0 before the first.
        line: u64,
        /// What the decompressor said.
        detail: String,
    },
    /// A directory stands where files were expected.
    #[error("{} is a directory: name the files in it that are to be loaded, for example {}/*.json", path.display(), path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The name ends in nothing that is known.
    #[error("{} has no known format: name it .csv, .json, .ndjson or .jsonl, with .gz or .zst behind it when it is compressed", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A table lacks a column.
    #[error("{} line 1 has no column \"{column}\": its columns are {found}; give the file as the publisher made it", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns there are, with commas.
        found: String,
    },
    /// A row of a table is broken.
    #[error("{} line {line}: {detail}: mend or remove that row and load again", path.display())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// A value of a row is not what its column promises.
    #[error("{} line {line}: {column} is \"{value}\", expected {expected}: mend that row and load again", path.display())]
    BadValue {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The value that was found.
        value: String,
        /// What it should have been.
        expected: String,
    },
    /// A JSON value is broken.
    #[error("{} line {line}: {detail}: every event is one JSON object, alone, in an array, or one a line", path.display())]
    BadJson {
        /// The file.
        path: PathBuf,
        /// The line on which the value begins, from 1.
        line: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// A file that must be in the order of a column is not.
    #[error("{} line {line}: {column} goes back from {before} to {value}: sort the rows by {column} and load again", path.display())]
    Unsorted {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The value of the row before.
        before: String,
        /// The smaller value found here.
        value: String,
    },
    /// A file that is sorted in memory is too long for that.
    #[error("{} has more than {limit} rows, which is more than this loader sorts by time: split it by month and load each part", path.display())]
    TooManyRows {
        /// The file.
        path: PathBuf,
        /// The most rows.
        limit: usize,
    },
    /// The progress file is of no use.
    #[error("progress file {}: {detail}: remove it to load from the start", path.display())]
    Progress {
        /// The progress file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// An event does not fit the contract of raw events.
    #[error("{position}: the event cannot be encoded: {detail}")]
    Encode {
        /// File and line of the event.
        position: String,
        /// What the encoder said.
        detail: String,
    },
    /// The sink refused.
    #[error("after {acknowledged} acknowledged events: {detail}; load again to go on from there")]
    Sink {
        /// Events that are safe.
        acknowledged: u64,
        /// What the sink said.
        detail: String,
    },
}

impl LoadError {
    /// A missing input with the remedy that fits most.
    pub(super) fn missing(path: &Path) -> Self {
        Self::Missing { path: path.to_owned(), remedy: "check the path; nothing was loaded from it".to_owned() }
    }
}
