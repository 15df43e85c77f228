//! Writes checkpoints on a thread of its own, so that no worker ever waits for a disk.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;

use super::files::{CheckpointFile, CheckpointFiles};
use super::format::{Encoder, Header};

/// Blocks on their way to the thread: two megabytes.
const QUEUE: usize = 16;

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Job {
    /// Begin a file: its number, its name, its header. One that was begun before is given up.
    Begin(u64, String, Box<Header>),
    /// Write a block of entries.
    Entries(Vec<u8>),
    /// Complete the file, which has this many entries.
    Finish(u64),
    /// Give the file up.
    Abandon,
}

/// What became of a file.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its number.
    pub(crate) number: u64,
    /// Its bytes. After an error the other jobs of the file do nothing.
    pub(crate) result: io::Result<u64>,
}

/// The file at hand.
struct Writing {
    file: Box<dyn CheckpointFile>,
    encoder: Encoder,
    bytes: u64,
}

impl Writing {
    fn begin(files: &dyn CheckpointFiles, name: &str, header: &Header) -> io::Result<Self> {
        let mut writing = Self { file: files.create(name)?, encoder: Encoder::default(), bytes: 0 };
        let bytes = writing.encoder.header(header);
        writing.put(&bytes)?;
        Ok(writing)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write(bytes)
    }

    fn finish(mut self, entries: u64) -> io::Result<u64> {
        let bytes = self.encoder.footer(entries);
        self.put(&bytes)?;
        self.file.finish()?;
        Ok(self.bytes)
    }
}

/// Does the jobs.
struct Scribe {
    files: Arc<dyn CheckpointFiles>,
    number: u64,
    writing: Option<Writing>,
}

impl Scribe {
    fn new(files: Arc<dyn CheckpointFiles>) -> Self {
        Self { files, number: 0, writing: None }
    }

    fn run(&mut self, job: Job) -> Option<Outcome> {
        let step = match job {
            Job::Begin(number, name, header) => {
                self.number = number;
                self.writing = None;
                Writing::begin(self.files.as_ref(), &name, &header).map(|writing| self.writing = Some(writing))
            }
            Job::Entries(payload) => match &mut self.writing {
                Some(writing) => {
                    let bytes = writing.encoder.entries(&payload);
                    writing.put(&bytes)
                }
                None => Ok(()),
            },
            Job::Finish(entries) => {
                let writing = self.writing.take()?;
                return Some(Outcome { number: self.number, result: writing.finish(entries) });
            }
            Job::Abandon => {
                self.writing = None;
                Ok(())
            }
        };
        step.err().map(|error| {
            self.writing = None;
            Outcome { number: self.number, result: Err(error) }
        })
    }
}

/// Takes the jobs of one worker, in order.
pub(crate) struct Writer {
    way: Way,
}

enum Way {
    Thread { jobs: Option<SyncSender<Job>>, outcomes: Receiver<Outcome>, thread: Option<JoinHandle<()>> },
    InStep { scribe: Scribe, outcomes: VecDeque<Outcome> },
}

impl Writer {
    /// A writer on a thread of its own.
    pub(crate) fn on_thread(files: Arc<dyn CheckpointFiles>) -> io::Result<Self> {
        let (jobs, todo) = sync_channel(QUEUE);
        let (done, outcomes) = channel();
        let scribe = Scribe::new(files);
        let thread =
            std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || work(scribe, &todo, &done))?;
        Ok(Self { way: Way::Thread { jobs: Some(jobs), outcomes, thread: Some(thread) } })
    }

    /// A writer that does each job at once.
    pub(crate) fn in_step(files: Arc<dyn CheckpointFiles>) -> Self {
        Self { way: Way::InStep { scribe: Scribe::new(files), outcomes: VecDeque::new() } }
    }

    /// Takes a job, or gives it back when there is no room for it now.
    pub(crate) fn take(&mut self, job: Job) -> Result<(), Job> {
        match &mut self.way {
            Way::Thread { jobs: Some(jobs), .. } => match jobs.try_send(job) {
                Err(TrySendError::Full(job)) => Err(job),
                // The thread is gone: its outcome says so.
                Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            },
            Way::Thread { jobs: None, .. } => Ok(()),
            Way::InStep { scribe, outcomes } => {
                outcomes.extend(scribe.run(job));
                Ok(())
            }
        }
    }

    /// What became of the file `number`, once that is known.
    pub(crate) fn outcome(&mut self, number: u64) -> Option<io::Result<u64>> {
        loop {
            let outcome = self.next_outcome()?;
            match outcome {
                Some(outcome) if outcome.number == number => return Some(outcome.result),
                Some(_) => {} // Of a file that was given up.
                None => return Some(Err(io::Error::other("the thread that writes has ended"))),
            }
        }
    }

    /// `None`: nothing yet; `Some(None)`: nothing ever again.
    fn next_outcome(&mut self) -> Option<Option<Outcome>> {
        match &mut self.way {
            Way::Thread { outcomes, .. } => match outcomes.try_recv() {
                Ok(outcome) => Some(Some(outcome)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(None),
            },
            Way::InStep { outcomes, .. } => outcomes.pop_front().map(Some),
        }
    }
}

fn work(mut scribe: Scribe, todo: &Receiver<Job>, done: &Sender<Outcome>) {
    while let Ok(job) = todo.recv() {
        if let Some(outcome) = scribe.run(job)
            && done.send(outcome).is_err()
        {
            return; // The worker is gone.
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Way::Thread { jobs, thread, .. } = &mut self.way {
            drop(jobs.take());
            // What was given to the thread is written first: a file that only lacks its end gets it.
            if thread.take().is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the thread that writes checkpoints has panicked");
            }
        }
    }
}
