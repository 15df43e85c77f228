//! How to reach Kafka, and how the runtime uses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};
use tributary_schema::{Contracts, SchemaError};

/// Connection and runtime settings, the `kafka` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSettings {
    /// Broker addresses, `host:port` separated by commas.
    pub bootstrap: String,
    /// Confluent-compatible schema registry; empty: Avro single-object encoding.
    pub schema_registry_url: String,
    /// Partitions of keyed topics when `topics apply` makes them.
    pub partitions: u32,
    /// Copies of each partition when `topics apply` makes them.
    pub replication_factor: u32,
    /// This instance's ordinal among those that run the same service; part of `transactional.id` and of
    /// static membership, so two instances must never share one.
    pub instance: u32,
    /// A transaction is committed at the latest after this many milliseconds.
    pub commit_interval_ms: u64,
    /// A transaction is committed at the latest after this many input records.
    pub commit_records: u64,
    /// Stages by name that keep a transaction open for so many milliseconds although all is read: nobody waits for what they
    /// write, and fewer commits leave more of the machine and the broker to those that somebody waits for.
    pub gather_ms: BTreeMap<String, u64>,
    /// Static group membership (KIP-345): an instance that was killed and comes back gets its partitions back at once; one
    /// that stays away gives them up after `session_timeout_ms`.
    pub static_membership: bool,
    /// A member that is silent for this many milliseconds loses its partitions.
    pub session_timeout_ms: u64,
    /// How many kilobytes of fetched records a worker keeps, to handle the oldest over all its partitions first.
    pub input_buffer_kbytes: u32,
    /// A partition that is silent for this many milliseconds has its event time moved on by the clock.
    pub idle_after_ms: u64,
    /// An output that could not be committed for this many milliseconds is stuck: `/readyz` and metrics say so.
    pub stuck_after_ms: u64,
    /// An input partition that has something to read and was not read on for this many milliseconds is stalled: `/readyz` and
    /// metrics say so. 0: never.
    pub stalled_after_ms: u64,
    /// Any further librdkafka property: `security.protocol`, `sasl.mechanism`, … Secrets belong in `properties_file`.
    pub properties: BTreeMap<String, String>,
    /// A file of `name=value` lines with librdkafka properties that are secret; read at start.
    pub properties_file: String,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            bootstrap: "127.0.0.1:9092".to_owned(),
            schema_registry_url: String::new(),
            partitions: 4,
            replication_factor: 1,
            instance: 0,
            commit_interval_ms: 100,
            commit_records: 5_000,
            gather_ms: [("accounts", 100), ("insight", 200), ("scorecards", 200)]
                .map(|(stage, gather_ms)| (stage.to_owned(), gather_ms))
                .into(),
            static_membership: true,
            session_timeout_ms: 10_000,
            input_buffer_kbytes: 65_536,
            idle_after_ms: 5_000,
            stuck_after_ms: 10_000,
            stalled_after_ms: 60_000,
            properties: BTreeMap::new(),
            properties_file: String::new(),
        }
    }
}

/// The part of a properties file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertiesFileError {
    /// The file cannot be read.
    #[error("kafka.properties_file {path}: {detail}: give a readable file of name=value lines")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// A line is no `name=value`.
    #[error("kafka.properties_file {path} line {line} is not name=value")]
    BadLine {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
    },
}

impl KafkaSettings {
    /// Reads `properties_file`, if there is one, into `properties`.
    ///
    /// # Errors
    /// [`PropertiesFileError`] names file and line; values are never shown.
    pub fn read_properties_file(&mut self) -> Result<(), PropertiesFileError> {
        if self.properties_file.is_empty() {
            return Ok(());
        }
        let path = std::mem::take(&mut self.properties_file);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| PropertiesFileError::Unreadable { path: path.clone(), detail: error.to_string() })?;
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = || PropertiesFileError::BadLine { path: path.clone(), line: index + 1 };
            let (name, value) = line.split_once('=').ok_or_else(bad)?;
            self.properties.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        Ok(())
    }

    /// The contracts that go with these settings.
    ///
    /// # Errors
    /// [`SchemaError`] when an embedded schema is broken.
    pub fn contracts(&self) -> Result<Arc<Contracts>, SchemaError> {
        if self.schema_registry_url.is_empty() {
            Contracts::single_object()
        } else {
            Contracts::with_registry(&self.schema_registry_url)
        }
    }

    /// What every client has.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config.set("client.id", "tributary");
        config.set("socket.nagle.disable", "true");
        config.set("reconnect.backoff.ms", "50");
        config.set("reconnect.backoff.max.ms", "1000");
        config.set("topic.metadata.refresh.interval.ms", "60000");
        config.set("receive.message.max.bytes", "2000000000");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }

    /// A producer that neither loses nor repeats what it sends while it lives.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config.set("enable.idempotence", "true");
        config.set("acks", "all");
        config.set("linger.ms", "2");
        config.set("partitioner", "murmur2_random");
        config.set("compression.type", "none");
        config.set("queue.buffering.max.kbytes", "131072");
        config.set("message.max.bytes", "8000000");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }

    /// A consumer of committed records, without a group of its own and without commits.
    pub(crate) fn reader(&self, purpose: &str) -> ClientConfig {
        let mut config = self.client();
        config.set("group.id", format!("tributary.{purpose}"));
        config.set("isolation.level", "read_committed");
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("enable.partition.eof", "true");
        config.set("auto.offset.reset", "earliest");
        if !self.properties.contains_key("fetch.wait.max.ms") {
            config.set("fetch.wait.max.ms", "100");
        }
        config.set("queued.max.messages.kbytes", "16384");
        config
    }

    /// The member of a stage's group.
    pub(crate) fn member(&self, group: &str, instance_id: &str) -> ClientConfig {
        let mut config = self.reader("member");
        config.set("group.id", group);
        if self.static_membership {
            config.set("group.instance.id", instance_id);
        }
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("session.timeout.ms", self.session_timeout_ms.to_string());
        config.set("heartbeat.interval.ms", (self.session_timeout_ms / 5).max(1).to_string());
        config.set("enable.partition.eof", "false");
        config
    }
}
