//! Many seeds on all cores.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::faults::Site;
use crate::run::Outcome;
use crate::{ledger, run};

/// What is done with a seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trial {
    /// All topics are held against what has to be on them: [`crate::run`].
    #[default]
    Topics,
    /// The ledger is held against that of a run without faults: [`crate::ledger`].
    Ledger,
}

impl Trial {
    fn run(self, seed: u64, is_traced: bool) -> anyhow::Result<Outcome> {
        match self {
            Self::Topics => run::run(seed, is_traced),
            Self::Ledger => ledger::run(seed, is_traced),
        }
    }

    /// What the command line calls it.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Topics => "",
            Self::Ledger => "--ledger ",
        }
    }
}

/// What many seeds came to.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// What was done with each.
    pub trial: Trial,
    /// Seeds run.
    pub seeds: u64,
    /// Raw events.
    pub events: u64,
    /// What of ledgers was compared, where they were.
    pub ledger: BTreeMap<String, u64>,
    /// Steps of all worlds.
    pub steps: u64,
    /// Crashes by site.
    pub crashes: BTreeMap<Site, u64>,
    /// Standstills.
    pub stalls: u64,
    /// Refused steps of transactions.
    pub refusals: u64,
    /// Rebalances.
    pub rebalances: u64,
    /// Committed transactions.
    pub transactions: u64,
    /// Aborted transactions.
    pub aborts: u64,
    /// Producers fenced by another one of their name.
    pub fencings: u64,
    /// Members expelled for their silence.
    pub expulsions: u64,
    /// Timers that fired.
    pub timers: u64,
    /// Checkpoints that were written.
    pub checkpoints: u64,
    /// Entries of state that workers took over from checkpoints.
    pub restored_entries: u64,
    /// Databases of state that were there when a worker started.
    pub found_stores: u64,
    /// Checkpoints that something happened to.
    pub damaged: u64,
    /// Calls that disks refused.
    pub disk_refusals: u64,
    /// The seeds in which something was wrong, with what.
    pub failed: BTreeMap<u64, Vec<String>>,
}

impl Totals {
    /// Adds a run.
    pub fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.steps += outcome.steps;
        self.stalls += outcome.stalls;
        self.refusals += outcome.refusals;
        self.rebalances += outcome.rebalances;
        self.transactions += outcome.log.commits;
        self.aborts += outcome.log.aborts;
        self.fencings += outcome.log.fencings;
        self.expulsions += outcome.log.expulsions;
        self.timers += outcome.timers;
        self.checkpoints += outcome.disks.finished;
        self.restored_entries += outcome.restored_entries;
        self.found_stores += outcome.found_stores;
        self.damaged += outcome.disks.damaged;
        self.disk_refusals += outcome.disks.refused;
        for (what, count) in outcome.ledger {
            *self.ledger.entry(what).or_default() += count;
        }
        for (site, count) in outcome.crashes {
            *self.crashes.entry(site).or_default() += count;
        }
        if !outcome.differences.is_empty() {
            self.failed.insert(outcome.seed, outcome.differences);
        }
    }

    /// Crashes at all sites.
    #[must_use]
    pub fn crash_count(&self) -> u64 {
        self.crashes.values().sum()
    }
}

/// Runs a seed; a panic is a difference.
#[must_use]
pub fn run_safely(trial: Trial, seed: u64, is_traced: bool) -> Outcome {
    let failed = |what: String| Outcome { seed, differences: vec![what], ..Outcome::default() };
    match catch_unwind(AssertUnwindSafe(|| trial.run(seed, is_traced))) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => failed(format!("the run failed: {error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            failed(format!("the run panicked: {}", text.unwrap_or_default()))
        }
    }
}

/// Runs seeds on this many threads and tells `progress` now and then. Stops early once `max_failed` seeds have failed.
pub fn campaign(
    trial: Trial,
    seeds: impl Iterator<Item = u64> + Send,
    threads: usize,
    max_failed: usize,
    mut progress: impl FnMut(&Totals, Duration),
) -> Totals {
    let (seeds, stop) = (Mutex::new(seeds), AtomicBool::new(false));
    let (sender, outcomes) = channel();
    let started = Instant::now();
    let mut totals = Totals { trial, ..Totals::default() };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (sender, seeds, stop) = (sender.clone(), &seeds, &stop);
            let next = move || seeds.lock().unwrap_or_else(PoisonError::into_inner).next();
            scope.spawn(move || {
                while let Some(seed) = next().filter(|_| !stop.load(Ordering::Acquire)) {
                    if sender.send(run_safely(trial, seed, false)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for outcome in &outcomes {
            totals.add(outcome);
            progress(&totals, started.elapsed());
            if totals.failed.len() >= max_failed {
                stop.store(true, Ordering::Release);
            }
        }
    });
    totals
}
