//! The ceiling: the same bytes from topic to topic by the client alone, as fast as it goes. Nothing that is built on this
//! client can do better, so it is the measure for everything else.

use std::time::{Duration, Instant};

use anyhow::Result;
use rdkafka::Offset;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;

const STEP: Duration = Duration::from_secs(30);
const COMMIT_EVERY: Duration = Duration::from_millis(100);
const DRAIN_PAUSE: Duration = Duration::from_micros(300);

struct Quiet;

impl ClientContext for Quiet {}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// Copies until it is killed.
///
/// # Errors
/// When the broker refuses.
pub fn copy(bootstrap: &str, input: &str, output: &str, transactional: bool) -> Result<()> {
    let mut common = ClientConfig::new();
    common.set("bootstrap.servers", bootstrap).set("receive.message.max.bytes", "2000000000");
    let consumer: BaseConsumer = common
        .clone()
        .set("group.id", "bench.copy")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()?;
    let mut producing = common.clone();
    producing.set("acks", "all").set("enable.idempotence", "true").set("linger.ms", "5");
    producing.set("partitioner", "murmur2_random").set("queue.buffering.max.messages", "1000000");
    if transactional {
        producing.set("transactional.id", "bench.copy");
    }
    let producer: BaseProducer<Quiet> = producing.create_with_context(Quiet)?;
    if transactional {
        producer.init_transactions(STEP)?;
    }
    consumer.subscribe(&[input])?;
    Copy { consumer, producer, output, transactional, open_since: None, next: Vec::new() }.run(input)
}

struct Copy<'a> {
    consumer: BaseConsumer,
    producer: BaseProducer<Quiet>,
    output: &'a str,
    transactional: bool,
    open_since: Option<Instant>,
    /// The offset to go on from, by partition.
    next: Vec<Option<i64>>,
}

impl Copy<'_> {
    fn run(mut self, input: &str) -> Result<()> {
        loop {
            let message = self.consumer.poll(Duration::from_millis(if self.open_since.is_some() { 0 } else { 20 }));
            let is_drained = message.is_none();
            if let Some(message) = message {
                let message = message?;
                if self.open_since.is_none() {
                    if self.transactional {
                        self.producer.begin_transaction()?;
                    }
                    self.open_since = Some(Instant::now());
                }
                let place = usize::try_from(message.partition())?;
                if self.next.len() <= place {
                    self.next.resize(place + 1, None);
                }
                self.next[place] = Some(message.offset() + 1);
                self.send(message.key().unwrap_or_default(), message.payload().unwrap_or_default())?;
            }
            let is_due = self.open_since.is_some_and(|since| is_drained || since.elapsed() >= COMMIT_EVERY);
            if is_due {
                self.commit(input)?;
            }
        }
    }

    fn send(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut record = BaseRecord::to(self.output).key(key).payload(value);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    self.producer.poll(Duration::from_millis(5));
                    record = back;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    fn commit(&mut self, input: &str) -> Result<()> {
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::ZERO);
            std::thread::park_timeout(DRAIN_PAUSE);
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in self.next.iter().enumerate().filter_map(|(place, next)| Some((place, (*next)?))) {
            offsets.add_partition_offset(input, i32::try_from(partition)?, Offset::Offset(next))?;
        }
        if self.transactional {
            if let Some(group) = self.consumer.group_metadata() {
                self.producer.send_offsets_to_transaction(&offsets, &group, STEP)?;
            }
            self.producer.commit_transaction(STEP)?;
        } else {
            self.consumer.commit(&offsets, rdkafka::consumer::CommitMode::Sync)?;
        }
        self.open_since = None;
        Ok(())
    }
}
