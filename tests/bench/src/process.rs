//! The journey stage in a process of its own, which is killed and started again.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tributary_journey::{AccountRules, STAGE, StageDefinitions, journey_stage};
use tributary_model::Canvas;
use tributary_model::step::NoStep;
use tributary_stream::{Checkpoints, KafkaSettings, Recovery, Stage, StageStats, StateSettings, Table, Worker};

/// How often the process says how it stands.
const SAY: Duration = Duration::from_millis(2);

/// Where the checkpoints of a process are, and how often they are written.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// The directory.
    pub directory: PathBuf,
    /// `state.checkpoint_interval_s`.
    pub interval_s: u64,
    /// `state.checkpoint_max_age_s`.
    pub max_age_s: u64,
}

/// What a process has said last about itself.
#[derive(Debug, Default, Clone, Copy)]
struct Said {
    accepted: u64,
    tasks: u64,
    recovery: Recovery,
}

/// The journey stage without triggers.
///
/// # Errors
/// When the built-in definitions are broken.
pub fn stage() -> Result<Stage> {
    let stages = Arc::new(StageDefinitions::built_in()?);
    let config = tributary_journey::Config::default();
    Ok(journey_stage(&config, stages, Arc::new(AccountRules::built_in()?), Table::fixed(Canvas::default()), || NoStep))
}

/// The journey stage in a process of its own; killed when it goes out of sight.
pub struct Process {
    child: Child,
    said: Arc<Mutex<Said>>,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts this program again as a worker.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start(bootstrap: &str, keeping: Option<&Keeping>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--work", bootstrap]).stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(keeping) = keeping {
            command.arg("--directory").arg(&keeping.directory);
            command.args(["--interval", &keeping.interval_s.to_string()]);
            command.args(["--max-age", &keeping.max_age_s.to_string()]);
        }
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let said = Arc::new(Mutex::new(Said::default()));
        let heard = Arc::clone(&said);
        let listener = std::thread::spawn(move || {
            for new in lines.map_while(Result::ok).filter_map(|line| parse(&line)) {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = new;
            }
        });
        Ok(Self { child, said, listener: Some(listener) })
    }

    /// Waits until it has accepted this many records since its state began, with all its tasks.
    ///
    /// # Errors
    /// When it ends or does not get there within `timeout`.
    pub fn until_accepted(&mut self, count: u64, tasks: u64, timeout: Duration) -> Result<()> {
        self.until(timeout, |said| said.accepted >= count && said.tasks >= tasks)
    }

    /// Waits until it has written this many checkpoints.
    ///
    /// # Errors
    /// As [`Process::until_accepted`].
    pub fn until_checkpoints(&mut self, count: u64, timeout: Duration) -> Result<()> {
        self.until(timeout, |said| said.recovery.checkpoints_written >= count)
    }

    /// Where its state came from, and what was kept of it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.said().recovery
    }

    fn said(&self) -> Said {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until(&mut self, timeout: Duration, holds: impl Fn(Said) -> bool) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while !holds(self.said()) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the worker ended: {status}");
            }
            if Instant::now() > deadline {
                bail!("not there after {} s: {:?}", timeout.as_secs(), self.said());
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL; it may have ended by itself.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

fn parse(line: &str) -> Option<Said> {
    let numbers: Vec<u64> = line.strip_prefix("said ")?.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [accepted, tasks, checkpoint_entries, changelog_records, checkpoints_written, files, logs] = numbers[..] else {
        return None;
    };
    let (checkpoints_took, changelogs_took) = (Duration::from_micros(files), Duration::from_micros(logs));
    let recovery = Recovery {
        checkpoint_entries,
        changelog_records,
        checkpoints_took,
        changelogs_took,
        checkpoints_written,
        ..Recovery::default()
    };
    Some(Said { accepted, tasks, recovery })
}

/// What the process does: works, and says how it stands, until it is killed.
///
/// # Errors
/// When the worker fails.
pub fn work_until_killed(settings: KafkaSettings, keeping: Option<Keeping>) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let stats = StageStats::default();
    let (thread_stop, thread_stats) = (Arc::clone(&stop), stats.clone());
    let worker = std::thread::spawn(move || -> Result<()> {
        let contracts = settings.contracts()?;
        let mut worker = Worker::start(stage()?, &settings, contracts, 0, thread_stats)?;
        let state = keeping.map(|keeping| StateSettings {
            directory: Some(keeping.directory),
            checkpoint_interval_s: keeping.interval_s,
            checkpoint_max_age_s: keeping.max_age_s,
            ..StateSettings::default()
        });
        if let Some(checkpoints) = state.and_then(|state| Checkpoints::in_directory(&state, STAGE, settings.instance)) {
            worker = worker.with_checkpoints(checkpoints);
        }
        Ok(worker.run(&thread_stop)?)
    });
    let mut out = std::io::stdout();
    while !worker.is_finished() {
        let recovery = stats.recovery();
        let numbers = [
            stats.counts().accepted_total() as u64,
            stats.task_count() as u64,
            recovery.checkpoint_entries,
            recovery.changelog_records,
            recovery.checkpoints_written,
            recovery.checkpoints_took.as_micros() as u64,
            recovery.changelogs_took.as_micros() as u64,
        ];
        writeln!(out, "said {}", numbers.map(|number| number.to_string()).join(" "))?;
        out.flush()?;
        std::thread::park_timeout(SAY);
    }
    stop.store(true, Ordering::Release);
    worker.join().map_err(|_| anyhow::anyhow!("the worker panicked"))?
}
