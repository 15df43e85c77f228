//! The hub as separate processes on a real broker, through a storm of kills, stops, freezes, cut and slow connections
//! and changing numbers of instances; then every output topic, read-committed, against what must be on it.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod audit;
mod bed;
mod fleet;
mod pod;
mod shoppers;
mod statements;
mod storm;
mod tables;
mod trial;

use trial::{Size, from_environment, weather};

#[test]
fn a_short_storm_loses_nothing_and_repeats_nothing() {
    weather(
        from_environment("TRIBUTARY_CHAOS_SEED", 1),
        &Size { seconds: 45, least_kills: 4, one_in: 80, shoppers: 40 },
    );
}

#[test]
#[ignore = "takes minutes: `just chaos`"]
fn a_long_storm_loses_nothing_and_repeats_nothing() {
    let minutes = from_environment("TRIBUTARY_CHAOS_MINUTES", 10);
    let size = Size { seconds: 60 * minutes, least_kills: 5 * minutes, one_in: 5, shoppers: 600 };
    weather(from_environment("TRIBUTARY_CHAOS_SEED", 1), &size);
}
