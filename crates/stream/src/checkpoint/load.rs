//! Takes checkpoints over into new tasks, step by step: first what they say about themselves, which has to hold, then
//! their entries. A file that may not be trusted leaves an empty task, whose changelogs are then read whole.

use std::io::Read;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::files::CheckpointFiles;
use super::format::{Decoder, Header, Piece, each_entry};
use super::keeper::Keeper;
use super::name_of;
use super::trust::{AskSpans, ask_spans, check, hold};
use super::unusable::Unusable;
use crate::error::StreamError;
use crate::metrics::StageMetrics;
use crate::takeover::Question;
use crate::task::Task;

/// Pieces that a file's thread reads ahead.
const AHEAD: usize = 8;

/// What comes of a file next; `Ok(None)`: it is not there.
type Event = Result<Option<Piece>, Unusable>;

/// A file being read.
enum Source {
    Thread(Receiver<Event>),
    InStep(Decoder<Box<dyn Read + Send>>),
    Nothing(Option<Event>),
}

impl Source {
    fn open(files: &Arc<dyn CheckpointFiles>, name: String, is_in_step: bool) -> Self {
        if is_in_step {
            return match files.open(&name) {
                Ok(Some(input)) => Self::InStep(Decoder::new(input)),
                Ok(None) => Self::Nothing(Some(Ok(None))),
                Err(error) => Self::Nothing(Some(Err(Unusable::Unreadable(error.to_string())))),
            };
        }
        let (sender, receiver) = sync_channel(AHEAD);
        let files = Arc::clone(files);
        let read = move || {
            let mut decoder = match files.open(&name) {
                Ok(Some(input)) => Decoder::new(input),
                // Here and below: if nobody listens any more, nobody wants to know.
                Ok(None) => return drop(sender.send(Ok(None))),
                Err(error) => return drop(sender.send(Err(Unusable::Unreadable(error.to_string())))),
            };
            loop {
                let piece = decoder.next();
                let is_last = matches!(piece, Ok(Piece::End) | Err(_));
                if sender.send(piece.map(Some)).is_err() || is_last {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("checkpoint".to_owned()).spawn(read) {
            Ok(_) => Self::Thread(receiver),
            Err(error) => Self::Nothing(Some(Err(Unusable::Unreadable(error.to_string())))),
        }
    }

    /// What comes next within `wait`; `None`: nothing yet.
    fn next(&mut self, wait: Duration) -> Option<Event> {
        match self {
            Self::Thread(pieces) => match pieces.recv_timeout(wait) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    Some(Err(Unusable::Unreadable("its reader has ended".to_owned())))
                }
            },
            Self::InStep(decoder) => Some(decoder.next().map(Some)),
            Self::Nothing(event) => Some(event.take().unwrap_or(Ok(None))),
        }
    }
}

/// A task on its way out of its checkpoint.
struct Load {
    task: Task,
    /// `None` once there is nothing more to read.
    source: Option<Source>,
    header: Option<Header>,
    /// Entries taken over so far.
    entries: u64,
}

/// A task with what its checkpoint was good for, if it came from one.
pub(crate) struct Loaded {
    pub(crate) task: Task,
    pub(crate) header: Option<Header>,
}

enum Phase {
    Headers,
    Verify { question: Question },
    Entries,
}

/// Tasks on their way out of their checkpoints.
pub(crate) struct Loads {
    loads: Vec<Load>,
    phase: Phase,
}

/// What the steps need, apart from the client.
pub(crate) struct LoadContext<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) metrics: &'a StageMetrics,
    /// Makes a task without state.
    pub(crate) empty: &'a dyn Fn(&Task) -> Task,
    /// True when there are partitions that stand still while the broker is waited for.
    pub(crate) is_working: bool,
}

impl Loads {
    /// Begins with tasks, those without state from their checkpoints.
    pub(crate) fn new(tasks: Vec<Task>, keeper: &Keeper) -> Self {
        let checkpoints = &keeper.checkpoints;
        let open = |task: &Task| Source::open(&checkpoints.files, name_of(task.info()), checkpoints.is_in_step);
        // One that has its state already, from a copy that followed the changelogs, lacks only the tail. What is on disk
        // says nothing of the stores that are not.
        let is_empty = |task: &Task| task.in_memory_next().next().is_none();
        let load = |task: Task| Load { source: is_empty(&task).then(|| open(&task)), task, header: None, entries: 0 };
        Self { loads: tasks.into_iter().map(load).collect(), phase: Phase::Headers }
    }

    /// The tasks, and how many entries were read for them.
    pub(crate) fn into_tasks(self) -> (Vec<Loaded>, u64) {
        let entries = self.loads.iter().map(|load| load.entries).sum();
        let loaded = |load: Load| Loaded { task: load.task, header: load.header };
        (self.loads.into_iter().map(loaded).collect(), entries)
    }

    /// Goes on by about `limit` entries, waiting at most `wait` for the first; true when all tasks are ready.
    pub(crate) fn step(
        &mut self,
        now: Duration,
        ask: &mut AskSpans<'_>,
        context: &LoadContext<'_>,
        limit: usize,
        wait: Duration,
    ) -> Result<bool, StreamError> {
        match self.phase {
            Phase::Headers => {
                if self.read_headers(context, wait) {
                    self.phase = Phase::Verify { question: Question::new() };
                }
                Ok(false)
            }
            Phase::Verify { question } => {
                if let Some(wait) = question.wait(now, context.is_working) {
                    let is_verified = self.verify(ask, context, wait)?;
                    self.phase = if is_verified {
                        Phase::Entries
                    } else {
                        Phase::Verify { question: question.again(now, context.is_working) }
                    };
                }
                Ok(false)
            }
            Phase::Entries => Ok(self.read_entries(context, limit, wait)),
        }
    }

    fn read_headers(&mut self, context: &LoadContext<'_>, wait: Duration) -> bool {
        let (mut is_complete, mut patience) = (true, wait);
        for load in &mut self.loads {
            let (Some(source), None) = (&mut load.source, &load.header) else { continue };
            let Some(event) = source.next(std::mem::take(&mut patience)) else {
                is_complete = false;
                continue;
            };
            let read = event.and_then(|piece| match piece {
                None => Ok(None),
                Some(Piece::Header(header)) => {
                    check(&header, &context.keeper.header(&mut load.task), context.keeper.checkpoints.max_age)?;
                    Ok(Some(header))
                }
                Some(Piece::Entries(_) | Piece::End) => Err(Unusable::Undecodable),
            });
            match read {
                Ok(Some(header)) => load.header = Some(header),
                Ok(None) => load.source = None,
                Err(why) => load.refuse(&why, context),
            }
        }
        is_complete
    }

    /// Holds the headers against the changelogs; false when the broker has to be asked again.
    fn verify(
        &mut self,
        ask: &mut AskSpans<'_>,
        context: &LoadContext<'_>,
        wait: Duration,
    ) -> Result<bool, StreamError> {
        let headers = self.loads.iter().filter_map(|load| load.header.as_ref());
        let Some(spans) = ask_spans(headers, ask, wait)? else { return Ok(false) };
        for load in &mut self.loads {
            if let Some(header) = &load.header
                && let Err(why) = hold(header, &spans)
            {
                load.refuse(&why, context);
            }
        }
        Ok(true)
    }

    /// Goes on with the files: in a simulation one after the other, and otherwise each on a thread of its own, so that a step
    /// takes about as long and gets as much further as there are cores.
    fn read_entries(&mut self, context: &LoadContext<'_>, limit: usize, wait: Duration) -> bool {
        let open: Vec<&mut Load> = self.loads.iter_mut().filter(|load| load.source.is_some()).collect();
        if context.keeper.checkpoints.is_in_step {
            let (mut left, mut patience) = (limit as u64, wait);
            for load in open {
                match load.read(left, std::mem::take(&mut patience)) {
                    Ok(entries) => left = left.saturating_sub(entries),
                    Err(why) => load.refuse(&why, context),
                }
            }
        } else {
            for (load, why) in read_at_once(open, limit, wait) {
                load.refuse(&why, context);
            }
        }
        self.loads.iter().all(|load| load.source.is_none())
    }
}

/// Goes on with these files at once; gives those that may not be trusted, and why.
fn read_at_once(mut loads: Vec<&mut Load>, limit: usize, wait: Duration) -> Vec<(&mut Load, Unusable)> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get).min(loads.len());
    let share = (limit * cores / loads.len().max(1)).max(1) as u64;
    let Some(first) = loads.pop() else { return Vec::new() };
    std::thread::scope(|scope| {
        let mut others = Vec::with_capacity(loads.len());
        for load in loads {
            let work = move || (load.read(share, wait).err(), load);
            // Without a thread its turn comes when it is the only one left.
            others.extend(std::thread::Builder::new().spawn_scoped(scope, work));
        }
        let mut read = vec![(first.read(share, wait).err(), first)];
        read.extend(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))));
        read.into_iter().filter_map(|(why, load)| Some((load, why?))).collect()
    })
}

impl Load {
    /// Goes on by about `limit` entries, waiting at most `wait` for the first; gives how many it took over.
    fn read(&mut self, limit: u64, wait: Duration) -> Result<u64, Unusable> {
        let (mut entries, mut patience) = (0, wait);
        while let Some(source) = self.source.as_mut().filter(|_| entries < limit) {
            let Some(event) = source.next(std::mem::take(&mut patience)) else { break };
            match event? {
                Some(Piece::Entries(payload)) => entries += self.take(&payload)?,
                Some(Piece::End) => self.finish(),
                Some(Piece::Header(_)) | None => return Err(Unusable::Undecodable),
            }
        }
        Ok(entries)
    }

    fn take(&mut self, payload: &[u8]) -> Result<u64, Unusable> {
        let mut entries = 0;
        let mut restoring = self.task.restoring();
        each_entry(payload, |store, key, value| {
            // What is on disk has offsets of its own.
            if restoring.is_on_disk(store) {
                return Ok(());
            }
            entries += 1;
            restoring.restore(store, key, Some(value)).map_err(|error| Unusable::Entry(error.to_string()))
        })?;
        self.entries += entries;
        Ok(entries)
    }

    fn finish(&mut self) {
        self.source = None;
        for (store, mark) in self.header.iter().flat_map(|header| header.changelogs.iter().enumerate()) {
            if let Some(next) = mark.next.filter(|_| !self.task.is_on_disk(store)) {
                self.task.note_changelog(store, next);
            }
        }
    }

    /// Begins anew without the checkpoint.
    fn refuse(&mut self, why: &Unusable, context: &LoadContext<'_>) {
        let info = self.task.info();
        let file = context.keeper.checkpoints.files.describe(&name_of(info));
        tracing::warn!(
            stage = context.metrics.stage(),
            file,
            reason = why.code(),
            "checkpoint {file} is not used: {why}; restoring from the changelog"
        );
        context.metrics.checkpoint_refused(why.code());
        let empty = (context.empty)(&self.task);
        self.task.begin_anew(empty);
        self.source = None;
        self.header = None;
        self.entries = 0;
    }
}
