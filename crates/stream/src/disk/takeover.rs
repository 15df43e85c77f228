//! Tasks whose state is on disk, on their way into service: what is there is held against what it should be, and then
//! either is the state or is thrown away.

use std::sync::Arc;
use std::time::Duration;

use super::database::Database;
use super::failure::DiskError;
use super::task_disk::{Label, TaskDisk};
use crate::checkpoint::{AskSpans, Keeper, Unusable, ask_spans, check, hold};
use crate::error::StreamError;
use crate::metrics::disk_refused;
use crate::takeover::Question;
use crate::task::Task;

/// What the steps need, apart from the client.
pub(crate) struct DiskContext<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) database: &'a Arc<Database>,
    /// True when there are partitions that stand still while the broker is waited for.
    pub(crate) is_working: bool,
}

/// A task and its place on disk.
struct Place {
    task: Task,
    /// `None` when no store of the task is on disk.
    disk: Option<Arc<TaskDisk>>,
    /// What was found there, as long as it may be trusted.
    label: Option<Label>,
}

/// Tasks whose state is on disk.
pub(crate) struct DiskTakeover {
    places: Vec<Place>,
    question: Question,
}

impl DiskTakeover {
    /// Begins with tasks without state; reads what is said of what is there.
    pub(crate) fn new(tasks: Vec<Task>, context: &DiskContext<'_>) -> Result<Self, StreamError> {
        let places = tasks.into_iter().map(|task| Place::new(task, context)).collect::<Result<_, _>>();
        let places = places.map_err(|error| context.stop(&error))?;
        Ok(Self { places, question: Question::new() })
    }

    /// Holds what was found against the changelogs; true once that is done.
    pub(crate) fn step(
        &mut self,
        now: Duration,
        ask: &mut AskSpans<'_>,
        context: &DiskContext<'_>,
    ) -> Result<bool, StreamError> {
        let Some(wait) = self.question.wait(now, context.is_working) else { return Ok(false) };
        let headers = self.places.iter().filter_map(|place| place.label.as_ref()).map(|label| &label.header);
        let Some(spans) = ask_spans(headers, ask, wait)? else {
            self.question = self.question.again(now, context.is_working);
            return Ok(false);
        };
        for place in &mut self.places {
            if let Some(label) = &place.label
                && let Err(why) = hold(&label.header, &spans)
            {
                place.refuse(&why.to_string(), why.code(), context).map_err(|error| context.stop(&error))?;
            }
            place.settle();
        }
        Ok(true)
    }

    /// The tasks; the offsets of their changelogs say what is in their state.
    pub(crate) fn into_tasks(self) -> Vec<Task> {
        self.places.into_iter().map(|place| place.task).collect()
    }
}

impl Place {
    fn new(mut task: Task, context: &DiskContext<'_>) -> Result<Self, DiskError> {
        let header = context.keeper.blank_header(&mut task);
        let clock = context.keeper.clock();
        let disk = Arc::new(TaskDisk::new(Arc::clone(context.database), task.info(), header, clock)?);
        let is_on_disk = task.attach(&disk);
        let mut place = Self { task, disk: is_on_disk.then_some(disk), label: None };
        if let Some(disk) = &place.disk {
            match disk.found() {
                Ok(Some(bytes)) => match place.scrutinize(disk, &bytes, context) {
                    Ok(label) => place.label = Some(label),
                    Err(why) => place.refuse(&why.to_string(), why.code(), context)?,
                },
                // What is there may be the rest of what was thrown away.
                Ok(None) if disk.is_empty()? => {}
                Ok(None) => disk.empty()?,
                Err(error) => place.refuse(&error.detail, error.reason, context)?,
            }
        }
        Ok(place)
    }

    /// Holds what was found against what it should be.
    fn scrutinize(&self, disk: &TaskDisk, bytes: &[u8], context: &DiskContext<'_>) -> Result<Label, Unusable> {
        let (found, expected) = (Label::decoded(bytes)?, disk.expected());
        check(&found.header, &expected.header, context.keeper.max_age())?;
        let stores = |label: &Label| format!("stores {:?} on disk", label.lens.keys().collect::<Vec<_>>());
        let (is, should_be) = (stores(&found), stores(&expected));
        if is == should_be { Ok(found) } else { Err(Unusable::Other { found: is, expected: should_be }) }
    }

    /// Begins anew without what is there.
    fn refuse(&mut self, why: &str, reason: &'static str, context: &DiskContext<'_>) -> Result<(), DiskError> {
        self.label = None;
        let Some(disk) = &self.disk else { return Ok(()) };
        let (stage, place) = (context.database.stage(), disk.describe());
        tracing::warn!(stage, place, reason, "the state in {place} is not used: {why}; restoring from the changelog");
        disk_refused(stage, reason);
        disk.empty()
    }

    /// What was found and not refused is the state.
    fn settle(&mut self) {
        let (Some(disk), Some(label)) = (&self.disk, &self.label) else { return };
        disk.trust(label);
        for (store, mark) in label.header.changelogs.iter().enumerate() {
            if let Some(next) = mark.next {
                self.task.note_changelog(store, next);
            }
        }
    }
}

impl DiskContext<'_> {
    fn stop(&self, error: &DiskError) -> StreamError {
        StreamError::Disk { path: self.database.describe(), detail: error.to_string() }
    }
}
