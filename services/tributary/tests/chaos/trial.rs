//! One trial: a hub, its input, a storm, and what the topics must hold afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit;
use crate::bed::Bed;
use crate::fleet::Fleet;
use crate::shoppers::{Sent, Shoppers};
use crate::storm::{Storm, Toll};
use crate::tables::Tables;

/// How much comes in, and how long the storm lasts.
pub(crate) struct Size {
    pub(crate) seconds: u64,
    pub(crate) least_kills: u64,
    /// Of so many households one is taken.
    pub(crate) one_in: u64,
    pub(crate) shoppers: usize,
}

pub(crate) fn from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is \"{text}\": give a whole number")),
    }
}

pub(crate) fn weather(seed: u64, size: &Size) {
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

fn report(seed: u64, toll: &Toll, fleet: &Fleet<'_>, tables: &Tables, shoppers: &Sent, differences: &[String]) {
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
