//! `tributary load`: files as raw events on the raw topics.
//!
//! [`Load::open`] knows the data sets (`complete-journey`, `olist`, `snowplow`) and takes any other source's CSV, JSON
//! and NDJSON files as they are, plain, `.gz` or `.zst`. Readers are pure and deterministic: the same files give the
//! same events in the same order, so that [`run()`] can stop anywhere and go on behind the last acknowledged event.
//! Every row is counted in the [`Tally`]; every error names file, line and remedy.

mod bar;
mod clock;
mod complete_journey;
mod error;
mod event;
mod generic;
mod held;
mod input;
mod json;
mod olist;
mod progress;
mod rows;
mod run;
mod snowplow;
mod sorted;
mod tally;

use std::path::PathBuf;

use tributary_model::Domain;

pub use bar::LoadBar;
pub use error::LoadError;
pub use event::{EventReader, LoadedEvent};
pub use held::{Held, LagSource};
pub use input::ByteCounter;
pub use progress::{Progress, ProgressFile};
pub use run::{BrokerSink, LoadOptions, LoadReport, Sink, SinkError, Step, run};
pub use tally::{FileTally, Tally};

/// The names of the data sets that have a reader of their own, each with what it is given.
pub const DATASETS: [(&str, &str); 3] = [
    (complete_journey::NAME, "the directory with its eight tables"),
    (olist::NAME, "the directory with leads.csv and closed_deals.csv"),
    (snowplow::NAME, "CSV exports of the atomic events table, or the directory with an *events.csv"),
];

/// What loading has to know of a source, from its `source.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEntry {
    /// Its name, a folder under `schemas/sources/`.
    pub name: String,
    /// Decides the raw topic.
    pub domain: Domain,
    /// JSON pointers to the parts of an event's own id, joined with `.`.
    pub event_id: Vec<String>,
}

/// Files that were found and can be read.
pub struct Load {
    what: String,
    files: Vec<PathBuf>,
    bytes: ByteCounter,
    reader: Box<dyn EventReader>,
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load").field("what", &self.what).field("files", &self.files).finish_non_exhaustive()
    }
}

impl Load {
    /// Opens a data set or a source's files. `sources` are the sources there are.
    ///
    /// # Errors
    /// [`LoadError`] when nothing has this name, or a file is missing or of no known format.
    pub fn open(what: &str, paths: &[PathBuf], sources: &[SourceEntry]) -> Result<Self, LoadError> {
        let [first, ..] = paths else { return Err(LoadError::NoFiles { what: what.to_owned() }) };
        let bytes = ByteCounter::default();
        let directory = if paths.len() == 1 && !first.is_file() { Some(first) } else { None };
        let (files, reader) = match (what, directory) {
            (complete_journey::NAME, Some(directory)) => {
                (complete_journey::files(directory)?, complete_journey::open(directory, bytes.clone()))
            }
            (olist::NAME, Some(directory)) => (olist::files(directory)?, olist::open(directory, bytes.clone())),
            (snowplow::NAME, Some(directory)) => {
                let files = snowplow::files(directory)?;
                (files.clone(), snowplow::open(files, bytes.clone()))
            }
            (snowplow::NAME, None) if paths.iter().all(|path| input::format(path).is_ok_and(is_table)) => {
                (paths.to_vec(), snowplow::open(paths.to_vec(), bytes.clone()))
            }
            _ => {
                let source = sources.iter().find(|source| source.name == what);
                let source = source.ok_or_else(|| unknown(what, sources))?;
                let reader = generic::SourceFiles::new(source, paths.to_vec(), bytes.clone());
                (paths.to_vec(), Box::new(reader) as Box<dyn EventReader>)
            }
        };
        if let Some(directory) = files.iter().find(|path| path.is_dir()) {
            return Err(LoadError::Directory { path: directory.clone() });
        }
        if let Some(missing) = files.iter().find(|path| !path.is_file()) {
            return Err(LoadError::missing(missing));
        }
        for file in &files {
            input::format(file)?;
        }
        Ok(Self { what: what.to_owned(), files, bytes, reader })
    }

    /// The data set's or source's name.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The bytes read so far; stays good while the load runs.
    #[must_use]
    pub fn bytes(&self) -> ByteCounter {
        self.bytes.clone()
    }

    /// The size of all files in bytes.
    ///
    /// # Errors
    /// [`LoadError::Missing`] when one is gone.
    pub fn total_bytes(&self) -> Result<u64, LoadError> {
        input::total_bytes(&self.files)
    }

    /// A name for the content of the files, by which a progress file knows them.
    ///
    /// # Errors
    /// [`LoadError`] when a file cannot be read.
    pub fn fingerprint(&self) -> Result<String, LoadError> {
        input::fingerprint(&self.files).map(|fingerprint| fingerprint.to_string())
    }

    /// The events, without a sink.
    #[must_use]
    pub fn into_reader(self) -> Box<dyn EventReader> {
        self.reader
    }

    fn into_parts(self) -> (String, Box<dyn EventReader>) {
        (self.what, self.reader)
    }
}

fn is_table(format: input::Format) -> bool {
    format == input::Format::Csv
}

fn unknown(what: &str, sources: &[SourceEntry]) -> LoadError {
    let mut known: Vec<&str> = DATASETS.iter().map(|(name, _)| *name).collect();
    known.extend(sources.iter().map(|source| source.name.as_str()));
    known.sort_unstable();
    known.dedup();
    LoadError::UnknownSource { what: what.to_owned(), known: known.join(", ") }
}
