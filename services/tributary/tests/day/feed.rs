//! The retailer's events, loaded as history or as they happen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tributary_model::time::{DAY_MS, HOUR_MS, SECOND_MS, from_rfc3339};
use tributary_model::{Domain, topics};
use tributary_schema::Contracts;
use tributary_stream::{BulkPublisher, OutRecord};
use tributary_testkit::eventually_every;
use tributary_tributary::load::LoadedEvent;
use tributary_tributary::simulate::{Settings, SimulatedEvent, simulate};

use crate::bed::Bed;

const DAYS: u32 = 4;
const TIMEOUT: Duration = Duration::from_secs(30);

/// The retailer's events in order of event time.
pub(crate) struct Retail {
    events: Vec<SimulatedEvent>,
    day_at: i64,
}

impl Retail {
    pub(crate) fn new(persons: u32) -> Self {
        let start_at = from_rfc3339("2026-03-02T00:00:00Z").unwrap();
        let settings = Settings { persons, days: DAYS, seed: 7, start_at };
        let day_at = start_at + i64::from(DAYS - 1) * DAY_MS;
        let mut events = simulate(&settings).events;
        events.retain(|event| event.occurred_at < day_at + DAY_MS);
        Self { events, day_at }
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    fn split(&self) -> usize {
        self.events.partition_point(|event| event.occurred_at < self.day_at)
    }

    /// The days before, six hours at a time.
    pub(crate) fn history(&self) -> impl Iterator<Item = &[SimulatedEvent]> {
        self.events[..self.split()].chunk_by(|a, b| a.occurred_at / (6 * HOUR_MS) == b.occurred_at / (6 * HOUR_MS))
    }

    /// The day itself.
    pub(crate) fn day(&self) -> &[SimulatedEvent] {
        &self.events[self.split()..]
    }

    /// All of them.
    pub(crate) fn events(&self) -> &[SimulatedEvent] {
        &self.events
    }

    /// The identifiers of each event, by its touchpoint id.
    pub(crate) fn identifiers(&self) -> BTreeMap<String, Value> {
        let of = |event: &SimulatedEvent| {
            let body: Value = serde_json::from_slice(&event.body).ok()?;
            Some((format!("{}:{}", event.source, event.event_id), body.get("identifiers")?.clone()))
        };
        self.events.iter().filter_map(of).collect()
    }
}

/// Publishes events on the raw topics.
pub(crate) struct Feed {
    publisher: BulkPublisher,
    contracts: Arc<Contracts>,
    began: Instant,
}

impl Feed {
    pub(crate) fn new(bed: &Bed) -> Self {
        let publisher = BulkPublisher::new(&bed.settings(), TIMEOUT).unwrap();
        Self { publisher, contracts: bed.contracts(), began: Instant::now() }
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// All at once.
    pub(crate) fn publish(&self, events: &[SimulatedEvent]) {
        events.iter().for_each(|event| self.send(event));
        self.publisher.flush(TIMEOUT).unwrap();
    }

    /// Each when its time has come, at `speed` times that of the clock.
    pub(crate) fn publish_at(&self, events: &[SimulatedEvent], speed: u32) {
        let Some(first_at) = events.first().map(|event| event.occurred_at) else { return };
        let began = Instant::now();
        let passed = |event: &SimulatedEvent| {
            let after = Duration::from_millis((event.occurred_at - first_at) as u64) / speed;
            began.elapsed() >= after
        };
        for event in events {
            let came = eventually_every(Duration::from_millis(2), TIMEOUT * 10, || passed(event).then_some(()));
            assert!(came.is_some(), "a pause of more than {} s of the clock", TIMEOUT.as_secs() * 10);
            self.send(event);
        }
        self.publisher.flush(TIMEOUT).unwrap();
    }

    /// All at once and on one topic, whatever silo they are of, so that they are read in this order.
    pub(crate) fn publish_in_order(&self, events: &[SimulatedEvent]) {
        for event in events {
            let record = self.record(event);
            self.publisher.send(&OutRecord { topic: topics::raw(Domain::Channel), ..record }).unwrap();
        }
        self.publisher.flush(TIMEOUT).unwrap();
    }

    fn send(&self, event: &SimulatedEvent) {
        self.publisher.send(&self.record(event)).unwrap();
    }

    fn record(&self, event: &SimulatedEvent) -> OutRecord {
        let loaded = LoadedEvent {
            source: event.source.into(),
            domain: event.domain,
            event_id: Some(event.event_id.clone()),
            body: event.body.clone(),
            file: Path::new("retail").into(),
            line: 1,
        };
        loaded.to_record(event.occurred_at + 2 * SECOND_MS, &self.contracts).unwrap()
    }
}
