//! Webhooks as people see them: what waits for each destination, what became of it, and what they can ask for.
//!
//! What waits is read from the changelogs of the stage, which are committed with what it does; what became of it from the
//! delivery log. No running process is asked.

pub mod args;
mod log;
mod standing;

pub use log::{Failure, History, Log};
pub use standing::{Queued, Standing, count, read_queue};
