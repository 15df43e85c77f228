//! One seed: its world, its faults, its check.

use crate::check::{Picture, check, differences};
use crate::faults::Profile;
use crate::hub::Hub;
use crate::outputs::Outputs;
use crate::workload;
use crate::world::World;
use std::rc::Rc;

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
    /// Crashes.
    pub crashes: u64,
    /// Standstills.
    pub stalls: u64,
    /// Rebalances.
    pub rebalances: u64,
    /// Committed transactions.
    pub transactions: u64,
    /// Aborted transactions.
    pub aborts: u64,
}

/// Runs a seed with its faults and compares it with a run of the same events without any.
///
/// # Errors
/// When the hub cannot be made or an output cannot be read.
pub fn run(seed: u64, is_traced: bool) -> anyhow::Result<Outcome> {
    let hub = Hub::built_in()?;
    let arrivals = workload::arrivals(seed)?;
    let events = arrivals.len() as u64;
    let calm = Profile::calm(2, 1);
    let (_, expected, mut found) = live(hub, &calm, seed, arrivals.clone(), false)?;
    found.iter_mut().for_each(|line| line.insert_str(0, "without faults: "));
    let (world, outputs, broken) = live(hub, &Profile::draw(seed), seed, arrivals, is_traced)?;
    found.extend(broken);
    found.extend(differences(&Picture::new(&expected), &Picture::new(&outputs)));
    let counts = world.log().counts();
    let faults = world.faults();
    Ok(Outcome {
        seed,
        differences: found,
        events,
        steps: world.steps(),
        crashes: faults.crash_counts().values().sum(),
        stalls: faults.stall_count(),
        rebalances: world.log().rebalances(),
        transactions: counts.commits,
        aborts: counts.aborts,
    })
}

fn live(
    hub: &Hub,
    profile: &Profile,
    seed: u64,
    arrivals: Vec<tributary_stream::OutRecord>,
    is_traced: bool,
) -> anyhow::Result<(Rc<World>, Outputs, Vec<String>)> {
    let world = World::new(hub, profile, seed, arrivals)?;
    if is_traced {
        world.log().trace();
    }
    world.run();
    let contracts = tributary_schema::Contracts::single_object()?;
    let outputs = Outputs::read(world.log(), &contracts)?;
    let broken = check(&world, &outputs);
    Ok((world, outputs, broken))
}
