//! A day of a simulated retailer at many times its speed, with thirty triggers, the teams' tools that act on them, and a
//! kill of the hub in the middle; then the ledger against what it must be. And the same days in steps, once with kills and
//! once without: then the two ledgers against each other.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod audit;
mod bed;
mod caps;
mod feed;
mod ledger;
mod plan;
mod rules;
mod settle;
mod tools;
mod trial;
mod twice;

use trial::{from_environment, trial};
use twice::the_same_with_kills;

#[test]
fn a_fast_day_keeps_every_promise_of_the_ledger_through_a_kill() {
    trial(600, 2_000);
}

#[test]
#[ignore = "takes a quarter of an hour: `just day`"]
fn a_day_at_a_hundred_times_its_speed_keeps_every_promise() {
    trial(from_environment("TRIBUTARY_DAY_PERSONS", 4_000), from_environment("TRIBUTARY_DAY_SPEED", 100));
}

#[test]
fn kills_in_the_middle_leave_the_same_ledger() {
    the_same_with_kills(250, 24);
}

#[test]
#[ignore = "takes minutes: `just day-twice`"]
fn kills_in_the_middle_of_many_steps_leave_the_same_ledger() {
    the_same_with_kills(from_environment("TRIBUTARY_DAY_PERSONS", 4_000), 4);
}
