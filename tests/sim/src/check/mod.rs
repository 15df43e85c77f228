//! What must hold of the outputs whatever went wrong on the way. Each difference is one line that names what is wrong.

mod accounts;
mod decisions;
mod journeys;
mod same;
mod traces;
mod truth;

use crate::outputs::Outputs;
use crate::world::World;

pub use same::{Picture, differences};
pub use traces::traces;
pub use truth::against_truth;

/// All differences of a run that do not need to be told what went in, but for the number of raw records.
#[must_use]
pub fn check(world: &World, outputs: &Outputs) -> Vec<String> {
    let mut found = world.problems();
    found.extend(accounts::check(world, outputs));
    found.extend(journeys::check(outputs));
    found.extend(decisions::check(outputs));
    found
}
