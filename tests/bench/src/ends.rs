//! How much stands on topics.

use std::time::Duration;

use anyhow::Result;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

const PATIENCE: Duration = Duration::from_secs(60);

/// Asks how many offsets topics have, of records that are committed or not and of ends of transactions.
pub(crate) struct Ends(BaseConsumer);

impl Ends {
    pub(crate) fn new(bootstrap: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("group.id", "bench.ends");
        Ok(Self(config.set("isolation.level", "read_uncommitted").create()?))
    }

    /// Of all partitions of these topics together.
    pub(crate) fn read(&self, topics: &[&str]) -> Result<i64> {
        let mut sum = 0;
        for topic in topics {
            let metadata = self.0.fetch_metadata(Some(topic), PATIENCE)?;
            let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
            for partition in 0..partitions {
                sum += self.0.fetch_watermarks(topic, i32::try_from(partition)?, PATIENCE)?.1;
            }
        }
        Ok(sum)
    }
}
