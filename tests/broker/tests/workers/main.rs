//! Workers as threads and processes on a real broker: killed, frozen, scaled, restarted from checkpoints.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bed;
mod checkpoints;
mod rebalances;

/// The process that the tests start and kill; see [`bed::Process`].
#[test]
#[ignore = "it is the process that the other tests start and kill"]
fn worker_process() {
    bed::work_until_killed();
}
