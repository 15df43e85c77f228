//! The whole hub as a process: started with a configuration of its own, fed with traffic whose truth is known, watched from
//! outside and held against that truth.

mod judge;
mod process;
mod throughput;
mod traffic;

pub use judge::judge;
pub use process::{Hub, HubSettings};
pub use throughput::{HubRun, Phase, throughput};
pub use traffic::{Traffic, Truth};
