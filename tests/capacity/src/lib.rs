//! How large a hub has to be, and how it behaves then.
//!
//! In: what the hub costs ([`Costs`], read from `costs.yaml`) and what it is to do ([`Scenario`]). Out: a [`Plan`], by
//! arithmetic; and latencies, by a simulation in which workers handle, commit, move and die as those of the runtime do
//! ([`sim`]). Both end in `docs/capacity.md`, whose tables and pictures are made here ([`document`]).
//!
//! Promise: the same costs and seed give the same document on every machine.

pub mod cli;
mod costs;
pub mod document;
mod figure;
mod flow;
pub mod format;
mod kafka;
mod plan;
mod problem;
pub mod record;
pub mod report;
mod scenario;
pub mod sim;
pub mod svg;
pub mod tables;
#[cfg(test)]
mod testing;
mod worker;

pub use costs::{Changelog, Costs, Of, Runtime, Stage, State, Write};
pub use figure::{Figure, Source};
pub use flow::{Flow, Input};
pub use kafka::KafkaPlan;
pub use plan::{Plan, RealmPlan, Realms, Restore, SequencerPlan, StagePlan};
pub use problem::{Problem, Problems};
pub use scenario::Scenario;
pub use worker::{Cycle, Pace};
