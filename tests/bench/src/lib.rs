//! What the benches share: journeys to load, the journey stage as a process that can be killed, and medians.

mod load;
mod process;
mod spread;

pub use load::Load;
pub use process::{Keeping, Process, stage, work_until_killed};
pub use spread::{Spread, percentile};
