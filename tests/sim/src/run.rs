//! One seed: its world, its faults, its check.

use std::collections::BTreeMap;
use std::rc::Rc;

use tributary_schema::Contracts;

use crate::check::{Picture, against_truth, check, differences};
use crate::faults::{Profile, Site};
use crate::hub::Hub;
use crate::log::LogCounts;
use crate::outputs::Outputs;
use crate::pills;
use crate::workload::{Workload, workload};
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
}

/// A world that has come to rest, and what it has written.
pub struct Lived {
    /// The world.
    pub world: Rc<World>,
    /// Its output topics.
    pub outputs: Outputs,
    /// What is wrong with them, in themselves and against what went in.
    pub broken: Vec<String>,
}

/// Runs a seed with its faults and compares it with a run of the same events without any.
///
/// # Errors
/// When the hub cannot be made or an output cannot be read.
pub fn run(seed: u64, is_traced: bool) -> anyhow::Result<Outcome> {
    let mut workload = workload(seed)?;
    pills::strew(&mut workload, &Hub::built_in()?.stages, seed);
    let calm = live(&Profile::calm(2, 1), seed, &workload, is_traced)?;
    let lived = live(&Profile::draw(seed), seed, &workload, is_traced)?;
    let mut found: Vec<String> = calm.broken.iter().map(|line| format!("without faults: {line}")).collect();
    found.extend(lived.broken);
    found.extend(differences(&Picture::new(&calm.outputs), &Picture::new(&lived.outputs)));
    let world = lived.world;
    let timers: i64 = (0..world.stages().len()).map(|of| world.accounts(of).timers_fired).sum();
    let faults = world.faults();
    Ok(Outcome {
        seed,
        differences: found,
        events: workload.arrivals.len() as u64,
        steps: world.steps(),
        crashes: faults.crash_counts().clone(),
        stalls: faults.stall_count(),
        refusals: faults.refusal_count(),
        rebalances: world.log().rebalances(),
        timers: timers as u64,
        log: world.log().counts(),
    })
}

/// Lets the hub live on this workload in the world of a profile until it has come to rest.
///
/// # Errors
/// As [`run`].
pub fn live(profile: &Profile, seed: u64, workload: &Workload, is_traced: bool) -> anyhow::Result<Lived> {
    let world = World::new(Hub::built_in()?, profile, seed, workload.arrivals.clone())?;
    if is_traced {
        world.log().trace();
    }
    world.run();
    let outputs = Outputs::read(world.log(), &*Contracts::single_object()?)?;
    let mut broken = check(&world, &outputs);
    broken.extend(against_truth(workload, &outputs));
    Ok(Lived { world, outputs, broken })
}
