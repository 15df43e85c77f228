//! Any source's own files: every CSV row and every JSON object is one event, in the order of the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use tributary_model::Domain;

use super::SourceEntry;
use super::error::LoadError;
use super::event::{EventReader, LoadedEvent};
use super::input::{ByteCounter, Format, format};
use super::json::Objects;
use super::rows::Rows;
use super::tally::Tally;

/// The events of some files of one source, one a row or object.
pub(super) struct SourceFiles {
    source: Arc<str>,
    domain: Domain,
    event_id: Vec<String>,
    waiting: std::vec::IntoIter<PathBuf>,
    open: Option<Open>,
    counter: ByteCounter,
}

enum Open {
    Table(Rows),
    Objects(Arc<Path>, Objects),
}

impl SourceFiles {
    pub(super) fn new(source: &SourceEntry, paths: Vec<PathBuf>, counter: ByteCounter) -> Self {
        let (name, domain, event_id) = (source.name.as_str().into(), source.domain, source.event_id.clone());
        Self { source: name, domain, event_id, waiting: paths.into_iter(), open: None, counter }
    }

    fn event(&self, file: Arc<Path>, line: u64, body: Vec<u8>) -> LoadedEvent {
        let (source, event_id) = (Arc::clone(&self.source), self.own_id(&body));
        LoadedEvent { source, domain: self.domain, event_id, body, file, line }
    }

    /// The event's own id, when every part of it is there.
    fn own_id(&self, body: &[u8]) -> Option<String> {
        if self.event_id.is_empty() {
            return None;
        }
        let object: Value = serde_json::from_slice(body).ok()?;
        let part = |pointer: &String| match object.pointer(pointer)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        self.event_id.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join("."))
    }
}

impl EventReader for SourceFiles {
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<LoadedEvent>, LoadError> {
        loop {
            let next = match &mut self.open {
                Some(Open::Table(rows)) => next_row(rows, tally)?,
                Some(Open::Objects(file, objects)) => next_object(file, objects, tally)?,
                None => None,
            };
            if let Some((file, line, body)) = next {
                return Ok(Some(self.event(file, line, body)));
            }
            let Some(path) = self.waiting.next() else { return Ok(None) };
            self.open = Some(match format(&path)? {
                Format::Csv => Open::Table(Rows::open(&path, &self.counter)?),
                Format::Json => Open::Objects(path.as_path().into(), Objects::open(&path, &self.counter)?),
            });
        }
    }
}

/// File, line and body of an event.
type Found = (Arc<Path>, u64, Vec<u8>);

fn next_row(rows: &mut Rows, tally: &mut Tally) -> Result<Option<Found>, LoadError> {
    if !rows.advance()? {
        return Ok(None);
    }
    tally.event("row");
    tally.rows(rows.path(), rows.count(), "one event a row");
    Ok(Some((Arc::clone(rows.path()), rows.line(), row_object(rows)?)))
}

fn next_object(file: &Arc<Path>, objects: &mut Objects, tally: &mut Tally) -> Result<Option<Found>, LoadError> {
    let Some((line, body)) = objects.advance()? else { return Ok(None) };
    tally.event("object");
    tally.rows(file, objects.count(), "one event an object");
    Ok(Some((Arc::clone(file), line, body)))
}

/// The current row as a JSON object of texts under the names of the header.
pub(super) fn row_object(rows: &Rows) -> Result<Vec<u8>, LoadError> {
    let mut object = Map::new();
    for (name, value) in rows.headers().iter().zip(rows.row()) {
        object.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    serde_json::to_vec(&object).map_err(|error| rows.bad_row(error.to_string()))
}
