//! Raw events as readers make them, and the trait of the readers.

use std::path::Path;
use std::sync::Arc;

use tributary_model::{Domain, RawEvent, topics};
use tributary_schema::Contracts;
use tributary_stream::OutRecord;
use uuid::Uuid;

use super::error::LoadError;
use super::tally::Tally;

/// One raw event read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedEvent {
    /// The source it belongs to.
    pub source: Arc<str>,
    /// The source's domain, which decides the raw topic.
    pub domain: Domain,
    /// The source's own id of it; without one the record key is derived from the content.
    pub event_id: Option<String>,
    /// The event, one JSON object.
    pub body: Vec<u8>,
    /// The file it came from; of a group of rows, the file of the rows.
    pub file: Arc<Path>,
    /// The line it came from, from 1; of a group of rows, the first.
    pub line: u64,
}

impl LoadedEvent {
    /// File and line, as errors name them.
    #[must_use]
    pub fn position(&self) -> String {
        format!("{} line {}", self.file.display(), self.line)
    }

    /// The raw event as the gateway would have received it at `received_at`.
    #[must_use]
    pub fn to_raw(&self, received_at: i64) -> RawEvent {
        RawEvent {
            source: self.source.to_string(),
            event_id: self.event_id.clone(),
            received_at,
            content_type: "application/json".to_owned(),
            body: self.body.clone(),
        }
    }

    /// The record on the raw topic of the domain, keyed `<source>:<event id>` so that repeats meet in one partition.
    ///
    /// # Errors
    /// [`LoadError::Encode`] when the event does not fit its contract.
    pub fn to_record(&self, received_at: i64, contracts: &Contracts) -> Result<OutRecord, LoadError> {
        let topic = topics::raw(self.domain);
        let value = contracts
            .encode(&topic, &self.to_raw(received_at))
            .map_err(|error| LoadError::Encode { position: self.position(), detail: error.to_string() })?;
        let id = match &self.event_id {
            Some(id) => id.clone(),
            None => Uuid::new_v5(&Uuid::NAMESPACE_OID, &self.body).to_string(),
        };
        let key = format!("{}:{id}", self.source).into_bytes();
        Ok(OutRecord { topic, key, value: Some(value), headers: Vec::new() })
    }
}

/// Something that turns files into raw events, always the same ones in the same order.
pub trait EventReader: Send {
    /// The next event; `None` at the end. What was read is counted in `tally`.
    ///
    /// # Errors
    /// [`LoadError`] names file, line and remedy; after an error the reader is of no more use.
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<LoadedEvent>, LoadError>;
}

/// An event with its event time, for merging in order of time.
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) at: i64,
    pub(super) event: LoadedEvent,
}

/// A reader whose events come in order of time.
pub(super) trait TimedReader: Send {
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<Timed>, LoadError>;
}

/// Several readers as one, in order of event time; at the same instant the earlier reader goes first.
pub(super) struct Merged {
    readers: Vec<(Box<dyn TimedReader>, Option<Timed>)>,
    started: bool,
}

impl Merged {
    pub(super) fn new(readers: Vec<Box<dyn TimedReader>>) -> Self {
        Self { readers: readers.into_iter().map(|reader| (reader, None)).collect(), started: false }
    }
}

impl EventReader for Merged {
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<LoadedEvent>, LoadError> {
        if !self.started {
            self.started = true;
            for (reader, head) in &mut self.readers {
                *head = reader.advance(tally)?;
            }
        }
        let heads = self.readers.iter().enumerate();
        let next = heads.filter_map(|(at, (_, head))| head.as_ref().map(|timed| (timed.at, at))).min();
        let Some((_, place)) = next else { return Ok(None) };
        let (reader, head) = &mut self.readers[place];
        let following = reader.advance(tally)?;
        Ok(std::mem::replace(head, following).map(|timed| timed.event))
    }
}
