//! One transactional producer and its open transaction.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client::{Slot, TransactionError};
use crate::error::StreamError;
use crate::record::OutRecord;
use crate::settings::KafkaSettings;

/// How long the broker may take for one step of a transaction.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the broker may leave open whether a commit came through, before the process ends and finds out by starting again.
const COMMIT_PATIENCE: Duration = Duration::from_secs(300);
/// How long the broker leaves a transaction open whose producer has died: so long its partitions stand still.
const TRANSACTION_TIMEOUT_MS: &str = "15000";
/// Records come to the producer many at a time, so a batch has little to wait for.
const LINGER_MS: &str = "1";
/// Between two looks for acknowledgements. `commit_transaction` alone would wait in slices of 100 ms; and a producer that is
/// told to wait spins for what is left of a millisecond, so the waiting is not left to it.
const DRAIN_PAUSE: Duration = Duration::from_micros(300);
/// Stores in the number that stands for a slot at the client.
const MAX_STORES: usize = 1 << 12;

/// Notes where changelog records ended up.
#[derive(Debug, Default)]
struct Deliveries {
    /// The offset behind the last record of each changelog in the open transaction.
    next: Mutex<BTreeMap<Slot, i64>>,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl ProducerContext for Deliveries {
    /// 0, or the number of a slot.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        if let (Some(slot), Ok(message)) = (slot_of(number), result) {
            self.next.lock().unwrap_or_else(PoisonError::into_inner).insert(slot, message.offset() + 1);
        }
    }
}

fn number_of(slot: Option<Slot>) -> usize {
    slot.map_or(0, |slot| 1 + slot.store + MAX_STORES * slot.partition as usize)
}

fn slot_of(number: usize) -> Option<Slot> {
    let number = number.checked_sub(1)?;
    Some(Slot { store: number % MAX_STORES, partition: (number / MAX_STORES) as i32 })
}

/// A transactional producer.
pub(crate) struct Transactions {
    producer: BaseProducer<Deliveries>,
    is_open: bool,
}

impl Transactions {
    /// A producer under `transactional_id`; fences whoever used that id before and ends what it left open.
    pub(crate) fn new(settings: &KafkaSettings, transactional_id: &str) -> Result<Self, StreamError> {
        let mut config = settings.producer();
        config.set("transactional.id", transactional_id);
        config.set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS);
        if !settings.properties.contains_key("linger.ms") {
            config.set("linger.ms", LINGER_MS);
        }
        let producer: BaseProducer<Deliveries> = config
            .create_with_context(Deliveries::default())
            .map_err(StreamError::kafka(format!("making producer {transactional_id}")))?;
        let deadline = Instant::now() + STEP_TIMEOUT * 4;
        loop {
            match producer.init_transactions(STEP_TIMEOUT) {
                Ok(()) => return Ok(Self { producer, is_open: false }),
                Err(KafkaError::Transaction(inner)) if inner.is_retriable() && Instant::now() < deadline => {}
                Err(source) => {
                    return Err(StreamError::kafka(format!("starting transactions of {transactional_id}"))(source));
                }
            }
        }
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self) -> Result<(), TransactionError> {
        self.producer.begin_transaction().map_err(|error| failed(&error))?;
        self.is_open = true;
        self.producer.context().next.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Writes a record in the open transaction; waits while the producer's queue is full.
    pub(crate) fn send(&self, record: &OutRecord, slot: Option<Slot>) -> Result<(), TransactionError> {
        let mut message: BaseRecord<'_, [u8], [u8], usize> =
            BaseRecord::with_opaque_to(&record.topic, number_of(slot)).key(&record.key);
        if let Some(value) = &record.value {
            message = message.payload(value);
        }
        if let Some(slot) = slot {
            message = message.partition(slot.partition);
        }
        if !record.headers.is_empty() {
            message = message.headers(headers(&record.headers));
        }
        let deadline = Instant::now() + STEP_TIMEOUT;
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    self.producer.poll(Duration::from_millis(5));
                    message = back;
                }
                Err((error, _)) => return Err(failed(&error)),
            }
        }
    }

    /// Serves acknowledgements.
    pub(crate) fn serve(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Commits what was written together with the input offsets. These go ahead: while the coordinators note them, the
    /// records are on their way, and whichever fails, nothing of either is committed.
    pub(crate) fn commit(
        &mut self,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<Vec<(Slot, i64)>, TransactionError> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        retrying(deadline, || self.producer.send_offsets_to_transaction(offsets, group, STEP_TIMEOUT))?;
        self.drain(deadline)?;
        self.end()
    }

    /// Commits what was written, without any input offsets.
    pub(crate) fn commit_alone(&mut self) -> Result<Vec<(Slot, i64)>, TransactionError> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        self.drain(deadline)?;
        self.end()
    }

    /// Waits until the broker has everything that was written.
    fn drain(&self, deadline: Instant) -> Result<(), TransactionError> {
        loop {
            let in_flight = self.producer.in_flight_count();
            self.producer.poll(Duration::ZERO);
            let left = self.producer.in_flight_count();
            if left == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let detail = format!("records were not acknowledged within {} s", STEP_TIMEOUT.as_secs());
                return Err(TransactionError::Abort(detail));
            }
            if left >= in_flight {
                std::thread::park_timeout(DRAIN_PAUSE);
            }
        }
    }

    /// Commits, and waits for the broker's word: without it the outcome is not known, and rolling back would be a guess.
    fn end(&mut self) -> Result<Vec<(Slot, i64)>, TransactionError> {
        let deadline = Instant::now() + COMMIT_PATIENCE;
        retrying(deadline, || self.producer.commit_transaction(STEP_TIMEOUT)).map_err(|error| match error {
            TransactionError::Abort(why) if Instant::now() >= deadline => {
                let patience = COMMIT_PATIENCE.as_secs();
                TransactionError::Fatal(format!(
                    "the broker did not say within {patience} s whether it committed: {why}"
                ))
            }
            other => other,
        })?;
        self.is_open = false;
        let mut next = self.producer.context().next.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *next).into_iter().collect())
    }

    /// Aborts what was written. [`TransactionError::Abort`]: the broker does not answer, and this is to be called again.
    pub(crate) fn abort(&mut self) -> Result<(), TransactionError> {
        if !self.is_open {
            return Ok(());
        }
        // The client waits for the purged records to be reported, so somebody has to take the reports meanwhile.
        let ended = AtomicBool::new(false);
        let producer = &self.producer;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    producer.poll(Duration::ZERO);
                    std::thread::park_timeout(DRAIN_PAUSE);
                }
            });
            let aborted = retrying(Instant::now() + STEP_TIMEOUT, || producer.abort_transaction(STEP_TIMEOUT));
            ended.store(true, Ordering::Release);
            aborted
        })?;
        self.is_open = false;
        Ok(())
    }
}

fn failed(error: &KafkaError) -> TransactionError {
    let is_fatal = match error {
        KafkaError::Transaction(inner) => inner.is_fatal(),
        KafkaError::MessageProduction(code) => *code == RDKafkaErrorCode::Fatal,
        _ => false,
    };
    if is_fatal { TransactionError::Fatal(error.to_string()) } else { TransactionError::Abort(error.to_string()) }
}

/// Repeats a step of a transaction while the client says that it may be repeated.
fn retrying(deadline: Instant, step: impl Fn() -> Result<(), KafkaError>) -> Result<(), TransactionError> {
    loop {
        match step() {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(inner))
                if inner.is_retriable() && !inner.txn_requires_abort() && Instant::now() < deadline => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// Headers as the client wants them.
pub(crate) fn headers(list: &[(String, Vec<u8>)]) -> OwnedHeaders {
    list.iter().fold(OwnedHeaders::new_with_capacity(list.len()), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_slot_tells_the_slot() {
        assert_eq!(slot_of(number_of(None)), None);
        for slot in [Slot { store: 0, partition: 0 }, Slot { store: 4, partition: 63 }, Slot { store: 7, partition: 0 }]
        {
            assert_eq!(slot_of(number_of(Some(slot))), Some(slot));
        }
    }
}
