//! A day lived, and what is held against it.

use std::time::Duration;

use crate::audit::Audit;
use crate::bed::Bed;
use crate::feed::{Feed, Retail};
use crate::ledger::Ledger;
use crate::tools::Tools;

pub(crate) fn from_environment(name: &str, default: u32) -> u32 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is \"{text}\": give a whole number")),
    }
}

/// Lives the last day of the retailer at `speed` times its own, after days of history that are loaded, and kills the hub in
/// the middle.
fn live(retail: &Retail, speed: u32) -> (Bed, Ledger) {
    let bed = Bed::new();
    let mut hub = bed.hub();
    let tools = Tools::start(&bed, retail);
    let feed = Feed::new(&bed);
    for slice in retail.history() {
        feed.publish(slice);
        bed.until_settled(Duration::from_secs(120));
    }
    let day = retail.day();
    let (morning, evening) = day.split_at(day.len() / 2);
    feed.publish_at(morning, speed);
    drop(hub);
    hub = bed.hub();
    feed.publish_at(evening, speed);
    bed.until_settled(Duration::from_secs(300));
    let acted = tools.finish();
    bed.until_settled(Duration::from_secs(120));
    drop(hub);
    let ledger = Ledger::read(&bed);
    eprintln!(
        "{} events in {} s of history and day, {acted} acts of the teams' tools, {} decisions, {} outcomes",
        retail.event_count(),
        feed.seconds(),
        ledger.decisions.len(),
        ledger.outcomes.len()
    );
    (bed, ledger)
}

/// Everything that the ledger promises, after a day with a kill.
pub(crate) fn trial(persons: u32, speed: u32) {
    let retail = Retail::new(persons);
    let (_bed, ledger) = live(&retail, speed);
    let differences = Audit::new(&ledger, &retail).differences();
    for difference in differences.iter().take(30) {
        eprintln!("  ✗ {difference}");
    }
    assert!(differences.is_empty(), "{} differences", differences.len());
}
