//! The gateway's configuration.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use tributary_service::config::{ByteSize, Duration, Problem, Secret, Validate};

/// Configuration of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Write keys by source; several keys let a key be replaced without a gap.
    pub write_keys: BTreeMap<String, Vec<Secret>>,
    /// The sources whose keys may use the Segment-compatible calls.
    pub segment_sources: Vec<String>,
    /// What an event and a batch may be.
    pub limits: Limits,
    /// How much of all requests together may be in memory; beyond it the answer is 503.
    pub in_flight: ByteSize,
    /// How long a sender may take to send a body.
    pub body_timeout: Duration,
    /// How long the broker may take to acknowledge.
    pub publish_timeout: Duration,
    /// How long running requests may take after a signal to stop.
    pub drain_timeout: Duration,
    /// Web origins whose browsers may send, `*` for all.
    pub allowed_origins: Vec<String>,
}

/// What an event and a batch may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The size of one event as JSON.
    pub event: ByteSize,
    /// The sizes of all events of a request together, uncompressed.
    pub batch: ByteSize,
    /// How many events a request may carry.
    pub batch_events: usize,
    /// How many members `properties`, `traits` or an object of a raw source may have (those inside members do not count).
    pub properties: usize,
    /// How many characters an event's id may have.
    pub id_chars: usize,
    /// How far ahead of our clock an event may be dated.
    pub ahead: Duration,
    /// How old an event may be, unless its source says otherwise.
    pub age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            write_keys: BTreeMap::new(),
            segment_sources: vec!["segment".to_owned()],
            limits: Limits::default(),
            in_flight: ByteSize::mib(64),
            body_timeout: Duration::from_secs(30),
            publish_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            allowed_origins: vec!["*".to_owned()],
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Segment's own SDKs count in units of 1,024 bytes.
            event: ByteSize::kib(32),
            batch: ByteSize::kib(500),
            batch_events: 5000,
            properties: 300,
            id_chars: 100,
            ahead: Duration::from_secs(24 * 3600),
            age: Duration::from_secs(400 * 24 * 3600),
        }
    }
}

impl Limits {
    /// The most that a body may have, uncompressed: the events, and what stands around them.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.batch.as_usize().saturating_add(self.event.as_usize())
    }
}

impl Validate for Config {
    fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |key: &str, value: &dyn std::fmt::Display, why: &str, remedy: String| {
            problems.push(Problem::new(key, value, why, remedy));
        };
        let limits = &self.limits;
        for (key, size) in [("limits.event", limits.event), ("limits.batch", limits.batch)] {
            if size.bytes() == 0 {
                refuse(key, &size, "lets no event pass", "give a size above 0B".to_owned());
            }
        }
        if limits.batch < limits.event {
            let remedy = format!("give at least limits.event, {}", limits.event);
            refuse("limits.batch", &limits.batch, "is smaller than one event may be", remedy);
        }
        if limits.body_bytes() > MAX_BODY_BYTES {
            let remedy = format!("give at most {} together with limits.event", ByteSize::new(MAX_BODY_BYTES as u64));
            refuse("limits.batch", &limits.batch, "would let one request take too much memory", remedy);
        }
        if self.in_flight.as_usize() < limits.body_bytes() {
            let remedy = format!("give at least {}", ByteSize::new(limits.body_bytes() as u64));
            refuse("in_flight", &self.in_flight, "is smaller than one request may be", remedy);
        }
        for (key, count) in [
            ("limits.batch_events", limits.batch_events),
            ("limits.properties", limits.properties),
            ("limits.id_chars", limits.id_chars),
        ] {
            if count == 0 {
                refuse(key, &count, "lets no event pass", "give a number above 0".to_owned());
            }
        }
        for (key, span) in [
            ("body_timeout", self.body_timeout),
            ("publish_timeout", self.publish_timeout),
            ("drain_timeout", self.drain_timeout),
            ("limits.age", limits.age),
        ] {
            if span.as_millis() == 0 {
                refuse(key, &span, "leaves no time", "give a duration above 0s".to_owned());
            }
        }
        for (index, origin) in self.allowed_origins.iter().enumerate() {
            if !is_origin(origin) {
                let remedy = "write * or scheme and host, as https://shop.example".to_owned();
                refuse(&format!("allowed_origins[{index}]"), origin, "is no web origin", remedy);
            }
        }
        problems
    }
}

/// One request never takes more than this, whatever is configured.
const MAX_BODY_BYTES: usize = 64 << 20;

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*"
        || host.is_some_and(|host| !host.is_empty() && !host.contains('/') && HeaderValue::from_str(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_every_problem_is_told() {
        assert_eq!(Config::default().validate(), Vec::new());
        let limits = Limits { event: ByteSize::kib(64), batch: ByteSize::kib(32), properties: 0, ..Limits::default() };
        let config = Config {
            limits,
            in_flight: ByteSize::kib(1),
            publish_timeout: Duration::from_secs(0),
            allowed_origins: vec!["https://shop.example".to_owned(), "shop.example/path".to_owned()],
            ..Config::default()
        };
        let keys: Vec<_> = config.validate().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["limits.batch", "in_flight", "limits.properties", "publish_timeout", "allowed_origins[1]"]);
    }
}
