//! One transactional producer and its open transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::error::StreamError;
use crate::record::OutRecord;
use crate::settings::KafkaSettings;

/// How long the broker may take for one step of a transaction.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Waiting for acknowledgements in short polls: `commit_transaction` alone would wait in slices of 100 ms.
const DRAIN_POLL: Duration = Duration::from_micros(300);

/// What a failed transaction needs.
#[derive(Debug)]
pub(crate) enum TransactionError {
    /// Abort it, rewind and try again.
    Abort(KafkaError),
    /// The producer is of no use any more: it was fenced, or the broker refuses it.
    Fatal(KafkaError),
}

impl TransactionError {
    fn of(error: KafkaError) -> Self {
        match &error {
            KafkaError::Transaction(inner) if inner.is_fatal() => Self::Fatal(error),
            KafkaError::MessageProduction(RDKafkaErrorCode::Fatal) => Self::Fatal(error),
            _ => Self::Abort(error),
        }
    }
}

/// A transactional producer.
pub(crate) struct Transactions {
    producer: BaseProducer,
    open_since: Option<Instant>,
}

impl Transactions {
    /// A producer under `transactional_id`; fences whoever used that id before and ends what it left open.
    pub(crate) fn new(settings: &KafkaSettings, transactional_id: &str) -> Result<Self, StreamError> {
        let mut config = settings.producer();
        config.set("transactional.id", transactional_id);
        config.set("transaction.timeout.ms", "60000");
        let producer: BaseProducer =
            config.create().map_err(StreamError::kafka(format!("making producer {transactional_id}")))?;
        let deadline = Instant::now() + STEP_TIMEOUT * 4;
        loop {
            match producer.init_transactions(STEP_TIMEOUT) {
                Ok(()) => return Ok(Self { producer, open_since: None }),
                Err(KafkaError::Transaction(inner)) if inner.is_retriable() && Instant::now() < deadline => {}
                Err(source) => {
                    return Err(StreamError::kafka(format!("starting transactions of {transactional_id}"))(source));
                }
            }
        }
    }

    /// When the open transaction began.
    pub(crate) fn open_since(&self) -> Option<Instant> {
        self.open_since
    }

    /// Begins a transaction unless one is open.
    pub(crate) fn begin(&mut self) -> Result<(), TransactionError> {
        if self.open_since.is_none() {
            self.producer.begin_transaction().map_err(TransactionError::of)?;
            self.open_since = Some(Instant::now());
        }
        Ok(())
    }

    /// Writes a record in the open transaction; waits while the producer's queue is full.
    pub(crate) fn send(&self, record: &OutRecord, partition: Option<i32>) -> Result<(), TransactionError> {
        let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&record.topic).key(&record.key);
        if let Some(value) = &record.value {
            message = message.payload(value);
        }
        if let Some(partition) = partition {
            message = message.partition(partition);
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
                Err((error, _)) => return Err(TransactionError::of(error)),
            }
        }
    }

    /// Serves acknowledgements.
    pub(crate) fn poll(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Commits what was written together with the input offsets.
    pub(crate) fn commit(
        &mut self,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), TransactionError> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        while self.producer.in_flight_count() > 0 {
            if Instant::now() > deadline {
                return Err(TransactionError::Abort(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)));
            }
            self.producer.poll(DRAIN_POLL);
        }
        retrying(deadline, || self.producer.send_offsets_to_transaction(offsets, group, STEP_TIMEOUT))?;
        retrying(deadline, || self.producer.commit_transaction(STEP_TIMEOUT))?;
        self.open_since = None;
        Ok(())
    }

    /// Aborts what was written.
    pub(crate) fn abort(&mut self) -> Result<(), TransactionError> {
        if self.open_since.take().is_none() {
            return Ok(());
        }
        // The client waits for the purged records to be reported, so somebody has to take the reports meanwhile.
        let ended = AtomicBool::new(false);
        let producer = &self.producer;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    producer.poll(Duration::from_millis(1));
                }
            });
            let aborted = retrying(Instant::now() + STEP_TIMEOUT, || producer.abort_transaction(STEP_TIMEOUT));
            ended.store(true, Ordering::Release);
            aborted
        })
    }
}

/// Repeats a step of a transaction while the client says that it may be repeated.
fn retrying(deadline: Instant, step: impl Fn() -> Result<(), KafkaError>) -> Result<(), TransactionError> {
    loop {
        match step() {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(inner))
                if inner.is_retriable() && !inner.txn_requires_abort() && Instant::now() < deadline => {}
            Err(error) => return Err(TransactionError::of(error)),
        }
    }
}

/// Headers as the client wants them.
pub(crate) fn headers(list: &[(String, Vec<u8>)]) -> OwnedHeaders {
    list.iter().fold(OwnedHeaders::new_with_capacity(list.len()), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}
