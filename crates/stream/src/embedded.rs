//! A broker inside the process, for the demo: librdkafka's mock cluster. It has no isolation (readers see what is not
//! committed yet) and keeps only the tail of each partition, so it proves nothing and must not be used for real data.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::error::StreamError;

/// A broker that lives as long as this value.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedBroker").field("bootstrap", &self.bootstrap()).finish()
    }
}

impl EmbeddedBroker {
    /// Starts a broker on a free loopback port.
    ///
    /// # Errors
    /// [`StreamError::Kafka`] when it cannot be started.
    pub fn start() -> Result<Self, StreamError> {
        let cluster = MockCluster::new(1).map_err(StreamError::kafka("starting the embedded broker"))?;
        Ok(Self { cluster })
    }

    /// Its address, for [`crate::KafkaSettings::bootstrap`].
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// [`StreamError::Kafka`] when the broker refuses.
    pub fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), StreamError> {
        self.cluster
            .create_topic(topic, partitions as i32, 1)
            .map_err(StreamError::kafka(format!("making topic {topic} on the embedded broker")))
    }
}
