//! A gateway in the process, with a publisher that remembers.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use serde_json::Value;
use tokio::sync::Notify;
use tributary_gateway::{Config, Publish, SourceDirectory, SourceEntry};
use tributary_model::{Domain, RawEvent};
use tributary_schema::Contracts;
use tributary_service::config::Secret;
use tributary_stream::{OutRecord, PublishError};

pub(crate) const SEGMENT_KEY: &str = "wk-segment";
pub(crate) const SHOP_KEY: &str = "wk-shop";

/// Remembers what it was given, and fails as it is told.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    records: Mutex<Vec<OutRecord>>,
    calls: AtomicUsize,
    failures_left: AtomicUsize,
    queue_full: AtomicUsize,
    hanging: Mutex<Option<Arc<Notify>>>,
}

impl Memory {
    /// The next publishes fail: the broker does not acknowledge.
    pub(crate) fn fail_next(&self, count: usize) {
        self.state.failures_left.store(count, Ordering::SeqCst);
    }

    /// The next publishes find the queue full.
    pub(crate) fn full_next(&self, count: usize) {
        self.state.queue_full.store(count, Ordering::SeqCst);
    }

    /// Publishes wait until the returned handle is notified.
    pub(crate) fn hang(&self) -> Arc<Notify> {
        let release = Arc::new(Notify::new());
        *self.state.hanging.lock().unwrap() = Some(Arc::clone(&release));
        release
    }

    pub(crate) fn calls(&self) -> usize {
        self.state.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn records(&self) -> Vec<OutRecord> {
        self.state.records.lock().unwrap().clone()
    }

    /// Topic, key, raw event and its body, of every record.
    pub(crate) fn events(&self) -> Vec<Published> {
        let contracts = Contracts::single_object().unwrap();
        let published = |record: OutRecord| {
            let raw: RawEvent = contracts.decode(record.value.as_deref().unwrap()).unwrap();
            let body = serde_json::from_slice(&raw.body).unwrap();
            Published { topic: record.topic, key: String::from_utf8(record.key).unwrap(), raw, body }
        };
        self.records().into_iter().map(published).collect()
    }
}

#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) raw: RawEvent,
    pub(crate) body: Value,
}

fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Publish for Memory {
    async fn publish(&self, records: Vec<OutRecord>) -> Result<(), PublishError> {
        self.state.calls.fetch_add(1, Ordering::SeqCst);
        let release = self.state.hanging.lock().unwrap().clone();
        if let Some(release) = release {
            release.notified().await;
        }
        if take_one(&self.state.queue_full) {
            return Err(PublishError::QueueFull);
        }
        if take_one(&self.state.failures_left) {
            return Err(PublishError::NotAcknowledged { topic: records[0].topic.clone(), detail: "test".to_owned() });
        }
        self.state.records.lock().unwrap().extend(records);
        Ok(())
    }
}

/// A Segment source, a shop with its own event ids, an open till, and a CRM nobody has a key for.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    for (source, key) in [("segment", SEGMENT_KEY), ("shop", SHOP_KEY)] {
        config.write_keys.insert(source.to_owned(), vec![Secret::generated(key)]);
    }
    config
}

pub(crate) fn directory(config: &Config) -> SourceDirectory {
    let entry = |name: &str, domain, event_id: &[&str]| SourceEntry {
        name: name.to_owned(),
        domain,
        open: name == "till",
        event_id: event_id.iter().map(|pointer| (*pointer).to_owned()).collect(),
        occurred_at: (name == "shop").then(|| "/created_at".to_owned()),
        max_age: None,
    };
    let entries = vec![
        entry("segment", Domain::Channel, &["/messageId"]),
        entry("shop", Domain::Ecommerce, &["/id", "/version"]),
        entry("till", Domain::Store, &[]),
        entry("crm", Domain::Crm, &["/id"]),
    ];
    SourceDirectory::new(entries, config).unwrap()
}

/// The paths of a gateway with this configuration.
pub(crate) fn router(config: Config, publisher: Memory) -> Router {
    let sources = directory(&config);
    tributary_gateway::router(config, sources, Contracts::single_object().unwrap(), publisher)
}
