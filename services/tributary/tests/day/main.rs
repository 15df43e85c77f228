//! A day of a simulated retailer at many times its speed, with thirty triggers, the teams' tools that act on them, and a
//! kill of the hub in the middle; then the ledger against what it must be.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod audit;
mod bed;
mod caps;
mod feed;
mod ledger;
mod rules;
mod tools;
mod trial;

use trial::{from_environment, trial};

#[test]
fn a_fast_day_keeps_every_promise_of_the_ledger_through_a_kill() {
    trial(600, 2_000);
}

#[test]
#[ignore = "takes a quarter of an hour: `just day`"]
fn a_day_at_a_hundred_times_its_speed_keeps_every_promise() {
    trial(from_environment("TRIBUTARY_DAY_PERSONS", 4_000), from_environment("TRIBUTARY_DAY_SPEED", 100));
}
