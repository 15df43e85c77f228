//! One seed: its world, its faults, its check.

use std::collections::BTreeMap;
use std::rc::Rc;

use tributary_schema::Contracts;
use tributary_test_oracle::Size;

use crate::check::{Picture, against_truth, check, differences, traces};
use crate::disk::DiskCounts;
use crate::faults::{Profile, Site};
use crate::hub::Hub;
use crate::judge;
use crate::log::LogCounts;
use crate::outputs::Outputs;
use crate::pills;
use crate::workload::{Arrival, workload};
use crate::world::World;

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What is wrong; empty is good.
    pub differences: Vec<String>,
    /// Raw records.
    pub events: u64,
    /// What of the ledger was compared, where it was.
    pub ledger: BTreeMap<String, u64>,
    /// Steps of the world.
    pub steps: u64,
    /// Crashes by site.
    pub crashes: BTreeMap<Site, u64>,
    /// Standstills.
    pub stalls: u64,
    /// Refused steps of transactions.
    pub refusals: u64,
    /// Rebalances.
    pub rebalances: u64,
    /// Timers that fired.
    pub timers: u64,
    /// What the log has counted.
    pub log: LogCounts,
    /// What the disks have counted.
    pub disks: DiskCounts,
    /// Entries of state that workers took over from checkpoints.
    pub restored_entries: u64,
    /// Databases of state that were there when a worker started.
    pub found_stores: u64,
}

/// A world that has come to rest, and what it has written.
pub struct Lived {
    /// The world.
    pub world: Rc<World>,
    /// Its output topics.
    pub outputs: Outputs,
    /// What is wrong with them, whatever went in.
    pub broken: Vec<String>,
}

/// Which story a seed tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// The oracle's: long, with every kind of event; judged by the oracle.
    Oracle,
    /// Our own: short, with records that no step survives; judged by its own truth and by a run without faults.
    Own,
}

impl Story {
    fn of(seed: u64) -> Self {
        if seed.is_multiple_of(3) { Self::Own } else { Self::Oracle }
    }
}

/// Runs a seed with its faults and compares what comes out with what has to.
///
/// # Errors
/// When the hub cannot be made or an output cannot be read.
pub fn run(seed: u64, is_traced: bool) -> anyhow::Result<Outcome> {
    let (world, differences, events) = match Story::of(seed) {
        Story::Oracle => run_oracle(seed, is_traced)?,
        Story::Own => run_own(seed, is_traced)?,
    };
    Ok(outcome(seed, &world, differences, events))
}

/// What the world of a seed came to.
pub(crate) fn outcome(seed: u64, world: &World, differences: Vec<String>, events: usize) -> Outcome {
    let timers: i64 = (0..world.stages().len()).map(|of| world.accounts(of).timers_fired).sum();
    let faults = world.faults();
    Outcome {
        seed,
        differences,
        events: events as u64,
        ledger: BTreeMap::new(),
        steps: world.steps(),
        crashes: faults.crash_counts().clone(),
        stalls: faults.stall_count(),
        refusals: faults.refusal_count(),
        rebalances: world.log().rebalances(),
        timers: timers as u64,
        log: world.log().counts(),
        disks: world.disks().counts(),
        restored_entries: world.restored_entries(),
        found_stores: world.found_stores(),
    }
}

type Judged = (Rc<World>, Vec<String>, usize);

fn run_oracle(seed: u64, is_traced: bool) -> anyhow::Result<Judged> {
    let workload = tributary_test_oracle::Workload::generate(seed, Size::SMALL);
    let lived = live(&Profile::draw(seed), seed, judge::arrivals(&workload), is_traced)?;
    let mut differences = lived.broken;
    differences.extend(judge::judge(&workload, &lived.world));
    Ok((lived.world, differences, workload.events.len()))
}

fn run_own(seed: u64, is_traced: bool) -> anyhow::Result<Judged> {
    let mut workload = workload(seed)?;
    pills::strew(&mut workload, &Hub::built_in()?.stages, seed);
    let calm = live_in_waves(&Profile::calm(2, 1), seed, workload.waves(), false)?;
    let lived = live_in_waves(&Profile::draw(seed).in_waves(seed), seed, workload.waves(), is_traced)?;
    let truth = against_truth(&workload, &calm.outputs).into_iter();
    let mut found: Vec<String> =
        calm.broken.into_iter().chain(truth).map(|line| format!("without faults: {line}")).collect();
    found.extend(lived.broken);
    found.extend(against_truth(&workload, &lived.outputs));
    found.extend(traces(lived.world.log(), &workload.unnamed));
    found.extend(differences(&Picture::new(&calm.outputs), &Picture::new(&lived.outputs)));
    Ok((lived.world, found, workload.waves().iter().map(Vec::len).sum()))
}

/// Lets the hub live in the world of a profile until everything that arrives is read and nothing is due any more.
///
/// # Errors
/// As [`run`].
pub fn live(profile: &Profile, seed: u64, arrivals: Vec<Arrival>, is_traced: bool) -> anyhow::Result<Lived> {
    live_in_waves(profile, seed, vec![arrivals], is_traced)
}

/// The same, each wave arriving once the one before has been worked off.
///
/// # Errors
/// As [`run`].
pub fn live_in_waves(profile: &Profile, seed: u64, waves: Vec<Vec<Arrival>>, is_traced: bool) -> anyhow::Result<Lived> {
    live_on(Hub::built_in()?, profile, seed, waves, is_traced)
}

/// The same, with another hub.
///
/// # Errors
/// As [`run`].
pub fn live_on(
    hub: &Hub,
    profile: &Profile,
    seed: u64,
    waves: Vec<Vec<Arrival>>,
    is_traced: bool,
) -> anyhow::Result<Lived> {
    let world = World::new(hub, profile, seed, waves)?;
    if is_traced {
        world.log().trace();
    }
    world.run();
    let outputs = Outputs::read(world.log(), &*Contracts::single_object()?)?;
    let broken = check(&world, &outputs);
    Ok(Lived { world, outputs, broken })
}
