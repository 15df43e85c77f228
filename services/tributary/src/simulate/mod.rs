//! A retailer with known truth: shoppers with several identifiers, four silos that each see a part of them, campaigns
//! that really cause purchases, an experiment with a known effect, and the traps of real data.
//!
//! Pure: the same [`Settings`] give the same bytes. Nothing here knows the hub; the truth is counted while the events
//! are made, so that it can be held against what the hub found.

mod accounts;
mod catalogue;
mod days;
mod draft;
mod ledger;
mod letter;
mod people;
mod plan;
mod stories;
#[cfg(test)]
mod tests;
mod traps;
mod truth;
mod visits;
mod wire;

use tributary_model::Domain;
use tributary_model::time::DAY_MS;

pub use plan::{
    ACQUISITION_MESSAGE, CAMPAIGNS, CONTRADICTING_OFFER_MESSAGE, MESSAGES, UNAPPROVED_MESSAGE, VOUCHER_LETTER,
};
pub use truth::{Caused, DomainTotals, Letter, Noise, Planted, TruePerson, Truth};

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Shoppers.
    pub persons: u32,
    /// Days.
    pub days: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Midnight (UTC) of the first day, in milliseconds since the epoch.
    pub start_at: i64,
}

impl Settings {
    /// Midnight of day `day`, counted from 0.
    #[must_use]
    pub fn day_at(&self, day: u32) -> i64 {
        self.start_at + i64::from(day) * DAY_MS
    }
}

/// One event as a source would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedEvent {
    /// The source, a folder under `schemas/sources/`.
    pub source: &'static str,
    /// The source's domain, which decides the raw topic.
    pub domain: Domain,
    /// The source's own id of the event.
    pub event_id: String,
    /// When it happened.
    pub occurred_at: i64,
    /// The JSON it sends.
    pub body: Vec<u8>,
}

/// The events in event-time order, and what is true about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// The events, oldest first.
    pub events: Vec<SimulatedEvent>,
    /// The truth.
    pub truth: Truth,
}

/// Simulates the retailer.
#[must_use]
pub fn simulate(settings: &Settings) -> Simulation {
    let mut ledger = ledger::Ledger::new(settings.seed);
    for person in people::population(settings) {
        let lived = days::live(settings, &person, &mut ledger);
        accounts::sell(settings, &person, &mut ledger);
        stories::plant(settings, &person, &lived, &mut ledger);
        letter::send(settings, &person, &mut ledger);
    }
    traps::spring(settings, &mut ledger);
    ledger.finish()
}
