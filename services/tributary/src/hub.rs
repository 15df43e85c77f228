//! The hub in this process: its stages on their threads, the canvas table beside them, and one word to stop them all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tributary_model::{Canvas, topics};
use tributary_schema::Contracts;
use tributary_service::{Component, Health};
use tributary_stream::{
    Checkpoints, KafkaSettings, Pulses, Stage, StageStats, StandbySettings, StreamError, Table, Worker, run_table,
};

use crate::accounting::{Flow, flows};
use crate::canvas;
use crate::error::CliError;
use crate::trigger::live::{LiveTriggers, has_topics};

/// What all stages read, and is kept as its topic says by a thread of its own.
#[derive(Debug, Clone)]
pub struct Tables {
    /// The canvas.
    pub canvas: Table<Canvas>,
    /// The triggers.
    pub triggers: LiveTriggers,
}

impl Tables {
    /// What has not been read yet.
    fn missing(&self) -> Option<&'static str> {
        match (self.canvas.is_caught_up(), self.triggers.table().is_caught_up()) {
            (false, _) => Some("reading the canvas"),
            (true, false) => Some("reading the triggers"),
            (true, true) => None,
        }
    }
}

/// A stage and the number of its threads here.
#[derive(Debug, Clone)]
pub struct Staffed {
    /// The stage.
    pub stage: Stage,
    /// Its threads.
    pub workers: u32,
    /// Where copies of its state are kept.
    pub checkpoints: Option<Arc<Checkpoints>>,
    /// How copies of the state of partitions that others work on are kept.
    pub standby: Option<StandbySettings>,
}

/// A part of the hub that has ended, and how.
#[derive(Debug)]
pub struct Ended {
    /// The thread.
    pub part: String,
    /// How.
    pub result: Result<(), StreamError>,
}

/// The stages at work.
#[derive(Debug)]
pub struct Hub {
    stages: Vec<(Stage, StageStats)>,
    threads: Vec<JoinHandle<()>>,
    ended: Receiver<Ended>,
    stop: Arc<AtomicBool>,
    pulses: Pulses,
}

/// What the threads of a hub share.
struct Shared {
    settings: KafkaSettings,
    contracts: Arc<Contracts>,
    stop: Arc<AtomicBool>,
    ended: Sender<Ended>,
    pulses: Pulses,
}

impl Hub {
    /// Starts the stages, and threads that keep `tables` as their topics say.
    ///
    /// # Errors
    /// [`CliError::System`] when a thread cannot be started. What fails later is told by [`Hub::wait`].
    pub fn start(
        settings: &KafkaSettings,
        contracts: &Arc<Contracts>,
        staffed: &[Staffed],
        tables: &Tables,
        health: &Health,
    ) -> Result<Self, CliError> {
        let (sender, ended) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let pulses = Pulses::default();
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            contracts: Arc::clone(contracts),
            stop: Arc::clone(&stop),
            ended: sender,
            pulses: pulses.clone(),
        });
        let mut threads =
            vec![start_canvas(&shared, tables.canvas.clone())?, start_triggers(&shared, tables.triggers.clone())?];
        let mut stages = Vec::new();
        for member in staffed {
            let Staffed { stage, workers, .. } = member;
            let stats = StageStats::default();
            for worker in 0..*workers {
                let component = health.component(format!("{}-{worker}", stage.name));
                threads.push(start_worker(&shared, member.clone(), worker, stats.clone(), tables.clone(), component)?);
            }
            stages.push((stage.clone(), stats));
        }
        Ok(Self { stages, threads, ended, stop, pulses })
    }

    /// The stages with their accounts in this process.
    pub fn stages(&self) -> impl Iterator<Item = (&Stage, &StageStats)> {
        self.stages.iter().map(|(stage, stats)| (stage, stats))
    }

    /// What the workers' outputs are waiting for.
    #[must_use]
    pub fn pulses(&self) -> Pulses {
        self.pulses.clone()
    }

    /// What flows between the stages; what comes from outside counts as written.
    #[must_use]
    pub fn flows(&self, written_outside: &BTreeMap<String, i64>) -> Vec<Flow> {
        let counted: Vec<_> = self.stages.iter().map(|(stage, stats)| (stage, stats.counts())).collect();
        flows(&counted, written_outside)
    }

    /// Waits at most `timeout` for a part to end by itself, which is an error unless the hub was told to stop.
    ///
    /// # Errors
    /// [`CliError::PartStopped`], or what the part failed with.
    pub fn wait(&self, timeout: Duration) -> Result<(), CliError> {
        match self.ended.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
            Ok(Ended { result: Err(error), part }) => {
                tracing::error!(part, %error, "a part of the hub failed");
                Err(error.into())
            }
            Ok(Ended { part, .. }) if !self.stop.load(Ordering::Acquire) => {
                Err(CliError::PartStopped { part, detail: "it ended by itself".to_owned() })
            }
            Ok(_) => Ok(()),
        }
    }

    /// Tells all parts to stop, and returns when they have: each commits what is open first.
    ///
    /// # Errors
    /// What a part failed with while it stopped.
    pub fn stop(mut self) -> Result<(), CliError> {
        self.stop.store(true, Ordering::Release);
        let mut first_failure = Ok(());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() && first_failure.is_ok() {
                let detail = "it panicked".to_owned();
                first_failure = Err(CliError::PartStopped { part: "a worker".to_owned(), detail });
            }
        }
        while let Ok(ended) = self.ended.try_recv() {
            if let (Err(error), true) = (ended.result, first_failure.is_ok()) {
                first_failure = Err(error.into());
            }
        }
        first_failure
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn spawn(
    name: String,
    shared: &Arc<Shared>,
    work: impl FnOnce(&Shared) -> Result<(), StreamError> + Send + 'static,
) -> Result<JoinHandle<()>, CliError> {
    let shared = Arc::clone(shared);
    let part = name.clone();
    std::thread::Builder::new()
        .name(name)
        .spawn(move || {
            let result = work(&shared);
            // Nobody listens any more once the hub is gone.
            drop(shared.ended.send(Ended { part, result }));
        })
        .map_err(CliError::system("starting a thread"))
}

fn start_canvas(shared: &Arc<Shared>, table: Table<Canvas>) -> Result<JoinHandle<()>, CliError> {
    spawn("canvas".to_owned(), shared, move |shared| {
        run_table(&shared.settings, topics::CANVAS, &table, &shared.stop, |value, record| {
            canvas::apply_record(&shared.contracts, value, &record);
        })
    })
}

fn start_triggers(shared: &Arc<Shared>, triggers: LiveTriggers) -> Result<JoinHandle<()>, CliError> {
    spawn("triggers".to_owned(), shared, move |shared| {
        let table = triggers.table();
        run_table(&shared.settings, topics::TRIGGER_DEFINITIONS, table, &shared.stop, |catalogue, record| {
            catalogue.take_over(&shared.contracts, &record, |team| has_topics(&shared.settings, team));
        })
    })
}

fn start_worker(
    shared: &Arc<Shared>,
    Staffed { stage, checkpoints, standby, .. }: Staffed,
    worker: u32,
    stats: StageStats,
    tables: Tables,
    ready: Component,
) -> Result<JoinHandle<()>, CliError> {
    spawn(format!("{}-{worker}", stage.name), shared, move |shared| {
        // Touches are counted under the team that the canvas names, and no trigger must miss one: not before all was read.
        while let Some(missing) = tables.missing() {
            ready.not_ready(missing);
            if shared.stop.load(Ordering::Acquire) {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        ready.not_ready("joining its group");
        let contracts = Arc::clone(&shared.contracts);
        let name = stage.name;
        let mut running = Worker::start(stage, &shared.settings, contracts, worker, stats)?;
        if let Some(checkpoints) = checkpoints {
            running = running.with_checkpoints(checkpoints);
        }
        if let Some(standby) = standby {
            running = running.with_standby(standby);
        }
        shared.pulses.add(name, running.pulse());
        ready.ready();
        running.run(&shared.stop)
    })
}
