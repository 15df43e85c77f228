//! Writing outside transactions: the gateway's acknowledged publishing, and bulk loading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{
    BaseRecord, FutureProducer, FutureRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer,
};

use crate::error::StreamError;
use crate::record::OutRecord;
use crate::settings::KafkaSettings;
use crate::transaction::headers;

/// Why the broker does not have what was to be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The local queue is full: the broker is slower than the senders.
    #[error("the queue to the broker is full: slow down and try again")]
    QueueFull,
    /// The broker did not acknowledge in time, or refused.
    #[error("the broker did not take a record for {topic}: {detail}")]
    NotAcknowledged {
        /// The topic.
        topic: String,
        /// What the client said.
        detail: String,
    },
}

/// Publishes records and says when the broker has them (`acks=all`, idempotent). Cloning shares the connection.
#[derive(Clone)]
pub struct Publisher {
    producer: FutureProducer,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Publisher")
    }
}

impl Publisher {
    /// A publisher that gives up on a record after `timeout`.
    ///
    /// # Errors
    /// [`StreamError::Kafka`] when the client cannot be made from these settings.
    pub fn new(settings: &KafkaSettings, timeout: Duration) -> Result<Self, StreamError> {
        let mut config = settings.producer();
        config.set("message.timeout.ms", timeout.as_millis().to_string());
        let producer = config.create().map_err(StreamError::kafka("making the publisher"))?;
        Ok(Self { producer })
    }

    /// Publishes all `records`; `Ok` means that the broker has every one. On an error some may be there: sending them
    /// again is right, the hub drops duplicates.
    ///
    /// # Errors
    /// [`PublishError`] of the first record that the broker does not have.
    pub async fn publish(&self, records: Vec<OutRecord>) -> Result<(), PublishError> {
        let mut deliveries = Vec::with_capacity(records.len());
        for record in &records {
            let mut message: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&record.topic).key(&record.key);
            if let Some(value) = &record.value {
                message = message.payload(value);
            }
            if !record.headers.is_empty() {
                message = message.headers(headers(&record.headers));
            }
            match self.producer.send_result(message) {
                Ok(delivery) => deliveries.push((record, delivery)),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    return Err(PublishError::QueueFull);
                }
                Err((error, _)) => return Err(not_acknowledged(record, &error)),
            }
        }
        for (record, delivery) in deliveries {
            match delivery.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => return Err(not_acknowledged(record, &error)),
                Err(canceled) => return Err(not_acknowledged(record, &canceled)),
            }
        }
        Ok(())
    }
}

fn not_acknowledged(record: &OutRecord, detail: &dyn ToString) -> PublishError {
    PublishError::NotAcknowledged { topic: record.topic.clone(), detail: detail.to_string() }
}

#[derive(Default)]
struct Failures {
    count: AtomicU64,
}

/// Publishes a great many records; [`BulkPublisher::flush`] says whether the broker has them all.
pub struct BulkPublisher {
    producer: ThreadedProducer<FailuresHandle>,
    failures: Arc<Failures>,
}

/// Lets the producer own its context while the publisher reads it.
struct FailuresHandle(Arc<Failures>);

impl ClientContext for FailuresHandle {}

impl ProducerContext<NoCustomPartitioner> for FailuresHandle {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        if result.is_err() {
            self.0.count.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl std::fmt::Debug for BulkPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BulkPublisher")
    }
}

impl BulkPublisher {
    /// A bulk publisher that gives up on a record after `timeout`.
    ///
    /// # Errors
    /// [`StreamError::Kafka`] when the client cannot be made from these settings.
    pub fn new(settings: &KafkaSettings, timeout: Duration) -> Result<Self, StreamError> {
        let failures = Arc::new(Failures::default());
        let mut config = settings.producer();
        config.set("message.timeout.ms", timeout.as_millis().to_string());
        if !settings.properties.contains_key("linger.ms") {
            config.set("linger.ms", "20");
        }
        let producer = config
            .create_with_context(FailuresHandle(Arc::clone(&failures)))
            .map_err(StreamError::kafka("making the bulk publisher"))?;
        Ok(Self { producer, failures })
    }

    /// Queues a record; waits while the queue is full.
    ///
    /// # Errors
    /// [`PublishError`] when the client refuses the record, or an earlier one was lost.
    pub fn send(&self, record: &OutRecord) -> Result<(), PublishError> {
        let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&record.topic).key(&record.key);
        if let Some(value) = &record.value {
            message = message.payload(value);
        }
        if !record.headers.is_empty() {
            message = message.headers(headers(&record.headers));
        }
        loop {
            match self.producer.send(message) {
                Ok(()) => return self.check(&record.topic),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    self.check(&record.topic)?;
                    self.producer.poll(Duration::from_millis(10));
                    message = back;
                }
                Err((error, _)) => return Err(not_acknowledged(record, &error)),
            }
        }
    }

    /// Waits until the broker has everything that was sent.
    ///
    /// # Errors
    /// [`PublishError`] when a record was lost or `timeout` is over.
    pub fn flush(&self, timeout: Duration) -> Result<(), PublishError> {
        let deadline = Instant::now() + timeout;
        while self.producer.in_flight_count() > 0 {
            self.check("the loaded topics")?;
            if Instant::now() > deadline {
                let detail = format!("{} records not acknowledged in time", self.producer.in_flight_count());
                return Err(PublishError::NotAcknowledged { topic: "the loaded topics".to_owned(), detail });
            }
            self.producer.poll(Duration::from_millis(5));
        }
        self.check("the loaded topics")
    }

    fn check(&self, topic: &str) -> Result<(), PublishError> {
        match self.failures.count.swap(0, Ordering::AcqRel) {
            0 => Ok(()),
            count => Err(PublishError::NotAcknowledged {
                topic: topic.to_owned(),
                detail: format!("{count} records since the last flush were not acknowledged: is the broker there?"),
            }),
        }
    }
}
