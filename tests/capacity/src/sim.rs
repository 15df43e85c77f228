//! The hub as a queueing system: stages of partitions, workers that own them, and transactions.
//!
//! Events happen one after the other at their times; nothing runs on a clock, and chance comes from one seed. A worker does
//! what that of the runtime does: it takes the oldest record of its partitions, handles it, and commits when its input is
//! drained, or the interval or the number of records is reached. What it writes has its place in the partition at once, and
//! is read when its transaction and all that were open before it have ended.

mod cases;
mod draw;
mod fault;
mod hub;
mod log;
mod model;
mod outcome;
#[cfg(test)]
mod tests;

pub use cases::{Case, FAULT_AT_S, PATH, Slice};
pub use draw::Time;
pub use hub::run;
pub use model::{Arrivals, Commit, Fault, FaultKind, Model, StageModel};
pub use outcome::{LagPoint, Outcome, Sample};
