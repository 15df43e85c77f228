//! A workload whose truth is known, and a batch oracle that judges what the hub made of it.
//!
//! **In**: a seed ([`Workload::generate`]), and the read-committed contents of the hub's topics ([`Outputs`]). **Out**: every
//! difference between what is there and what has to be there ([`Oracle::check`]), each in one line. **State**: none.
//! **Promise**: nothing that is judged here is worked out by code of the hub. The types of `tributary-model` are used to
//! read and write records only, and the published rules (`docs/`, `schemas/`) are written down here a second time, as a
//! batch over the whole history instead of step by step.
#![allow(clippy::expect_used, reason = "only tests use it: what cannot be made here is a broken build")]

mod check;
mod names;
mod outputs;
mod plan;
mod truth;
mod workload;

pub use check::{Difference, Oracle};
pub use names::{PSEUDONYM_KEY, REALM};
pub use outputs::{Outputs, Record, StageAccount};
pub use plan::{canvas, canvas_file};
pub use workload::{Event, START_AT, Size, Touch, Truth, Workload};
