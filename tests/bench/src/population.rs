//! What an event costs with few and with many persons known, and what a person takes up in memory: all stages on one thread.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tributary_schema::Contracts;

use crate::contest::Usage;
use crate::hub::Traffic;
use crate::inline::{InlineHub, StageCost};

mod neighbour;

pub use neighbour::Neighbour;

/// Events that are under way at a time.
const PIECE: u64 = 2_000;

/// What a process says when its population has settled.
const READY: &str = "ready";

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Population {
    /// Persons that the hub knows.
    pub persons: u64,
    /// Events that it has taken in for each of them before the measurement.
    pub touches: u64,
    /// Bytes of resident memory for each of them, all stages together.
    pub bytes_a_person: f64,
    /// Events of the measurement.
    pub events: u64,
    /// What each stage used in it.
    pub stages: BTreeMap<String, StageCost>,
}

impl Population {
    /// Microseconds of CPU for one event, all stages together.
    #[must_use]
    pub fn us_per_event(&self) -> f64 {
        self.stages.values().map(StageCost::total_us).sum::<f64>() / self.events as f64
    }

    /// Microseconds of CPU that a stage's step takes for one event, decoding, encoding and changelogs aside.
    #[must_use]
    pub fn step_us(&self, stage: &str) -> f64 {
        self.stages.get(stage).map_or(0.0, StageCost::step_us) / self.events as f64
    }
}

/// What is left out of a measurement.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeftOut {
    /// The clock.
    pub clock: bool,
    /// The triggers.
    pub triggers: bool,
}

/// A hub that knows its population, and goes on whenever it is asked to.
pub struct Settled {
    hub: InlineHub,
    traffic: Traffic,
    contracts: Arc<Contracts>,
    persons: u32,
    touches: u64,
    bytes_a_person: f64,
}

impl Settled {
    /// Lets everybody of a population do `touches` things.
    ///
    /// # Errors
    /// When a stage refuses a record.
    pub fn settle(persons: u32, touches: u64, without: LeftOut) -> Result<Self> {
        let contracts = Contracts::single_object()?;
        let hub = if without.triggers { InlineHub::without_triggers()? } else { InlineHub::new()? };
        let mut hub = if without.clock { hub.untimed() } else { hub };
        // What is made once, whoever comes, is made before memory is looked at.
        let mut others = Traffic::of_others(500);
        feed(&mut hub, &mut others, &contracts, 5_000)?;
        let before = resident()?;
        let mut traffic = Traffic::of_each_in_turn(persons);
        feed(&mut hub, &mut traffic, &contracts, u64::from(persons) * touches)?;
        let bytes_a_person = (resident()? - before) / f64::from(persons);
        Ok(Self { hub, traffic, contracts, persons, touches, bytes_a_person })
    }

    /// Measures `events` more.
    ///
    /// # Errors
    /// When a stage refuses a record.
    pub fn measure(&mut self, events: u64) -> Result<Population> {
        drop(self.hub.take_costs());
        feed(&mut self.hub, &mut self.traffic, &self.contracts, events)?;
        let Self { persons, touches, bytes_a_person, .. } = *self;
        Ok(Population { persons: persons.into(), touches, bytes_a_person, events, stages: self.hub.take_costs() })
    }

    /// Says that it is there, and measures `events` more for each line that comes.
    ///
    /// # Errors
    /// When a stage refuses a record, or nobody listens.
    pub fn serve(&mut self, events: u64) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{READY}")?;
        out.flush()?;
        for line in std::io::stdin().lock().lines() {
            line?;
            writeln!(out, "{}", serde_json::to_string(&self.measure(events)?)?)?;
            out.flush()?;
        }
        Ok(())
    }
}

fn feed(hub: &mut InlineHub, traffic: &mut Traffic, contracts: &Contracts, count: u64) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let piece = left.min(PIECE);
        let records = (0..piece).map(|_| traffic.record(contracts)).collect::<Result<Vec<_>>>()?;
        hub.take(records).context("working in memory")?;
        left -= piece;
    }
    Ok(())
}

fn resident() -> Result<f64> {
    let usage = Usage::of(std::process::id());
    ensure!(usage.rss_mib > 0.0, "/proc does not say what is in memory");
    Ok(usage.rss_mib * 1_048_576.0)
}
