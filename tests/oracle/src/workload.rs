//! Raw events as gateway and own producers write them, each with the truth of what has to become of it.

mod bad;
mod cast;
pub(crate) mod draft;
mod retail;
mod scenes;
mod segment;
mod shopify;
pub(crate) mod spec;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_model::{Identifier, Touchpoint};

use draft::Draft;

/// The first instant of the story: 2026-03-02T00:00:00Z.
pub const START_AT: i64 = 1_772_409_600_000;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// How many days the scenes begin in.
const DAYS: i64 = 36;
/// The longest that a scene goes on. Both together are fewer than the 62 days for which the hub tells the persons of a day
/// apart.
const SEQUEL_DAYS: i64 = 20;
/// When the history begins to come in: after all of it has happened. Everything is received within minutes, so that the
/// window of deduplication is never left, whatever the order.
pub(crate) const RECEIVED_AT: i64 = START_AT + (DAYS + SEQUEL_DAYS + 1) * DAY_MS;

/// How much is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// People with a story; each gives about 14 events.
    pub persons: usize,
}

impl Size {
    /// About 150 events: for simulations by the thousand.
    pub const SMALL: Self = Self { persons: 10 };

    /// About so many events.
    #[must_use]
    pub fn events(count: usize) -> Self {
        Self { persons: (count / 15).max(1) }
    }
}

/// A touchpoint that has to come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The touchpoint, with pseudonyms.
    pub touchpoint: Touchpoint,
    /// Those of its identifiers that many persons share: they link nobody in the end.
    pub shared: BTreeSet<Identifier>,
}

/// What has to become of a raw event, duplicates aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// Touchpoints.
    Touches(Vec<Touch>),
    /// A dead letter with this code.
    DeadLetter(&'static str),
    /// A drop that is counted under this reason.
    Dropped(&'static str),
}

/// One record for a raw topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `tributary.raw.<domain>`.
    pub topic: String,
    /// The record key: source and event id, so that duplicates meet on one partition.
    pub key: Vec<u8>,
    /// An Avro `raw_event`, or the bare body when `headers` name the source.
    pub value: Vec<u8>,
    /// Headers in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The record's timestamp. A producer that cannot set it (the broker then takes its clock's) may send a workload in the
    /// order in which it was generated, and not [`Workload::shuffled`]: ids would be forgotten before their repeats come.
    pub timestamp_ms: i64,
    /// The source's name.
    pub source: String,
    /// What has to become of it.
    pub truth: Truth,
    /// SHA-256 of the body in hexadecimal: what tells duplicates from events of the same id that say something else.
    pub fingerprint: String,
    /// True when its receive time is the record's timestamp and not in the value.
    pub is_bare: bool,
}

/// Raw events in the order of their arrival.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The seed it was made from.
    pub seed: u64,
    /// The events, in the order in which they are to be produced.
    pub events: Vec<Event>,
}

impl Workload {
    /// The workload of a seed: the same seed and size give the same bytes.
    #[must_use]
    pub fn generate(seed: u64, size: Size) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut drafts = scenes::all(&mut rng, size.persons);
        drafts.extend(bad::all(&mut rng, size.persons));
        let mut arrivals: Vec<(i64, Draft)> =
            drafts.into_iter().map(|draft| (draft.at + delay(&mut rng), draft)).collect();
        let repeats: Vec<(i64, Draft)> = arrivals.iter().filter_map(|arrival| repeat(&mut rng, arrival)).collect();
        arrivals.extend(repeats);
        arrivals.sort_by_key(|(arrived_at, _)| *arrived_at);
        let events = arrivals.into_iter().zip(0..).map(|((_, draft), index)| draft.event(RECEIVED_AT + index));
        Self { seed, events: events.collect() }
    }

    /// The same events in another order of arrival.
    ///
    /// Only events of one record key keep their order among each other: when two of them say different things under one
    /// id, the first to arrive keeps the id, so their order is content. Everything the oracle demands is the same for
    /// every such order. What is *not* the same: revisions, the surviving person id of a merge (the oracle only demands
    /// that it is one of the person's ids), which of the sharers a shared identifier stays with, and decisions beyond
    /// the rules that [`crate::Oracle::check`] names.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_0f0d);
        let mut by_key: BTreeMap<&[u8], Vec<&Event>> = BTreeMap::new();
        for event in &self.events {
            by_key.entry(&event.key).or_default().push(event);
        }
        let mut order: Vec<&[u8]> = self.events.iter().map(|event| event.key.as_slice()).collect();
        order.shuffle(&mut rng);
        for events in by_key.values_mut() {
            events.reverse();
        }
        let events = order.into_iter().filter_map(|key| by_key.get_mut(key)?.pop()).cloned().collect();
        Self { seed: self.seed, events }
    }
}

/// How long an event is on its way: mostly minutes, sometimes within the allowed lateness, sometimes days.
fn delay(rng: &mut ChaCha8Rng) -> i64 {
    match rng.random_range(0..20) {
        0 => rng.random_range(HOUR_MS..3 * DAY_MS),
        1 | 2 => rng.random_range(MINUTE_MS..HOUR_MS),
        _ => rng.random_range(0..MINUTE_MS),
    }
}

/// Sometimes an event that came in time comes again soon, or another comes under its id, or an order in a later state.
fn repeat(rng: &mut ChaCha8Rng, (arrived_at, draft): &(i64, Draft)) -> Option<(i64, Draft)> {
    if arrived_at - draft.at > HOUR_MS {
        return None;
    }
    let again_at = arrived_at + rng.random_range(1..2 * HOUR_MS);
    match rng.random_range(0..25) {
        0 | 1 => Some((again_at, draft.clone())),
        2 => Some((again_at, draft.edited()?)),
        3..=7 => Some((again_at, shopify::restated(draft, again_at)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
