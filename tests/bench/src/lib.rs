//! What the benches share: journeys to load, the journey stage as a process that can be killed, medians, and identity
//! in memory with a population to resolve, and the contest of engines on one broker.

mod codec;
pub mod contest;
mod crowd;
mod doors;
mod ends;
mod figures;
pub mod hub;
mod identity;
pub mod inline;
mod latency;
mod load;
pub mod plot;
pub mod population;
mod process;
pub mod programme;
pub mod report;
mod spread;
pub mod steps;

pub use crowd::{Crowd, Findings, resolve, touchpoint};
pub use doors::{Door, DoorRun, doors};
pub use figures::{IdentityFigures, RestoreFigures};
pub use identity::{Identity, Tally};
pub use latency::{LatencyRun, Rate, latency};
pub use load::Load;
pub use process::{Keeping, Process, stage, work_until_killed};
pub use spread::{Spread, percentile};
