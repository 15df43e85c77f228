//! Exports that come in no useful order: read whole, sorted by event time, bounded.

use super::error::LoadError;
use super::event::{EventReader, LoadedEvent, Timed, TimedReader};
use super::rows::Rows;
use super::tally::Tally;

/// The most rows of one file that are sorted in memory.
pub(super) const MAX_ROWS: usize = 2_000_000;

/// Events that were sorted in memory.
pub(super) struct Sorted {
    kind: &'static str,
    events: std::vec::IntoIter<Timed>,
}

impl Sorted {
    /// Reads all rows of a table, makes an event of each and sorts them by time; the order of rows breaks ties.
    pub(super) fn read(
        mut rows: Rows,
        kind: &'static str,
        became: &'static str,
        tally: &mut Tally,
        mut event: impl FnMut(&Rows) -> Result<Timed, LoadError>,
    ) -> Result<Self, LoadError> {
        let mut events = Vec::new();
        while rows.advance()? {
            if events.len() == MAX_ROWS {
                return Err(LoadError::TooManyRows { path: rows.path().to_path_buf(), limit: MAX_ROWS });
            }
            events.push(event(&rows)?);
        }
        tally.rows(rows.path(), rows.count(), became);
        events.sort_by_key(|timed: &Timed| timed.at);
        Ok(Self { kind, events: events.into_iter() })
    }
}

impl TimedReader for Sorted {
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<Timed>, LoadError> {
        let next = self.events.next();
        if next.is_some() {
            tally.event(self.kind);
        }
        Ok(next)
    }
}

/// A reader that opens its files when the first event is asked for, so that opening counts in the tally of the run.
pub(super) struct Opening<F> {
    open: Option<F>,
    reader: Option<Box<dyn EventReader>>,
}

impl<F> Opening<F> {
    pub(super) fn new(open: F) -> Self {
        Self { open: Some(open), reader: None }
    }
}

impl<F> EventReader for Opening<F>
where
    F: FnOnce(&mut Tally) -> Result<Box<dyn EventReader>, LoadError> + Send,
{
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<LoadedEvent>, LoadError> {
        if let Some(open) = self.open.take() {
            self.reader = Some(open(tally)?);
        }
        match &mut self.reader {
            Some(reader) => reader.advance(tally),
            None => Ok(None),
        }
    }
}
