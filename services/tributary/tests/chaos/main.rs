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

use std::collections::BTreeMap;
use std::time::Duration;

use bed::Bed;
use fleet::Fleet;
use shoppers::Shoppers;
use storm::{Storm, Toll};
use tables::Tables;

/// How much comes in, and how long the storm lasts.
struct Size {
    seconds: u64,
    least_kills: u64,
    /// Of so many households one is taken.
    one_in: u64,
    shoppers: usize,
}

fn from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is \"{text}\": give a whole number")),
    }
}

fn weather(seed: u64, size: &Size) {
    let bed = Bed::new();
    let tables = Tables::slice(&bed.dir().join("tables"), size.one_in);
    let mut fleet = Fleet::start(&bed, &tables);
    let shoppers = Shoppers::start(bed.gateway_port(), size.shoppers, Duration::from_secs(size.seconds));
    let toll = Storm::new(seed).rage(&mut fleet, Duration::from_secs(size.seconds), size.least_kills);
    fleet.calm();
    let shoppers = shoppers.finish();
    fleet.until_loaded(Duration::from_secs(600));
    let reconciled = fleet.until_settled(Duration::from_secs(900));
    let differences = audit::differences(&bed, &tables, &shoppers, &reconciled);
    report(seed, &toll, &fleet, &tables, &shoppers, &differences);
    assert!(differences.is_empty(), "seed {seed}: {} differences", differences.len());
}

fn report(
    seed: u64,
    toll: &Toll,
    fleet: &Fleet<'_>,
    tables: &Tables,
    shoppers: &shoppers::Sent,
    differences: &[String],
) {
    eprintln!("seed {seed}: {toll}; {} ended by themselves and were started again", fleet.own_ends());
    eprintln!(
        "{} events of {} till lines and {} events of {} shoppers through the gateway, which took {} tries",
        tables.events(),
        tables.lines(),
        shoppers.events(),
        shoppers.shoppers(),
        shoppers.tries()
    );
    eprintln!("{} differences", differences.len());
    let mut shown = BTreeMap::<&str, u32>::new();
    for difference in differences {
        let of_its_kind = shown.entry(difference.split(':').next().unwrap_or_default()).or_default();
        *of_its_kind += 1;
        if *of_its_kind <= 10 {
            eprintln!("  ✗ {difference}");
        }
    }
}

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
