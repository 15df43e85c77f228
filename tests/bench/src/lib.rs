//! What the benches share: journeys to load, the journey stage as a process that can be killed, medians, and identity
//! in memory with a population to resolve.

mod crowd;
mod identity;
mod load;
mod process;
mod spread;

pub use crowd::{Crowd, Findings, resolve, touchpoint};
pub use identity::{Identity, Tally};
pub use load::Load;
pub use process::{Keeping, Process, stage, work_until_killed};
pub use spread::{Spread, percentile};
