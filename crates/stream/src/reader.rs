//! Reading topics outside of groups: to their end, or on and on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::error::{StreamError, is_transient};
use crate::quiet::Quiet;
use crate::record::Record;
use crate::settings::KafkaSettings;
use crate::table::Table;

const BROKER_TIMEOUT: Duration = Duration::from_secs(15);
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// What came of asking a [`TopicReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A committed record.
    Record(Record),
    /// Everything that was there has been read at least once.
    CaughtUp,
    /// Nothing within the time given.
    Nothing,
}

/// Reads all partitions of one topic from the beginning, committed records only.
pub struct TopicReader {
    topic: String,
    consumer: BaseConsumer<Quiet>,
    partition_count: i32,
    open: BTreeSet<i32>,
    told: bool,
}

impl std::fmt::Debug for TopicReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicReader").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl TopicReader {
    /// A reader at the beginning of `topic`.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer or the topic does not exist.
    pub fn new(settings: &KafkaSettings, topic: &str) -> Result<Self, StreamError> {
        let consumer: BaseConsumer<Quiet> =
            settings.reader("reader").create_with_context(Quiet).map_err(StreamError::kafka("making a reader"))?;
        let metadata = consumer.fetch_metadata(Some(topic), BROKER_TIMEOUT).map_err(|error| {
            StreamError::Unreachable { bootstrap: settings.bootstrap.clone(), detail: error.to_string() }
        })?;
        let partitions = metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len());
        if partitions == 0 {
            return Err(StreamError::Topic { topic: topic.to_owned(), detail: "does not exist".to_owned() });
        }
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions as i32 {
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .map_err(StreamError::kafka(format!("reading {topic}")))?;
        }
        consumer.assign(&list).map_err(StreamError::kafka(format!("reading {topic}")))?;
        let partition_count = partitions as i32;
        let open = (0..partition_count).collect();
        Ok(Self { topic: topic.to_owned(), consumer, partition_count, open, told: false })
    }

    /// The partitions of the topic.
    #[must_use]
    pub fn partitions(&self) -> std::ops::Range<i32> {
        0..self.partition_count
    }

    /// The next record, or what there is instead within `wait`.
    ///
    /// # Errors
    /// [`StreamError`] when the broker refuses.
    pub fn next(&mut self, wait: Duration) -> Result<Next, StreamError> {
        match self.consumer.poll(wait) {
            Some(Ok(message)) => Ok(Next::Record(to_record(&message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.open.remove(&partition);
                if self.open.is_empty() && !self.told {
                    self.told = true;
                    return Ok(Next::CaughtUp);
                }
                Ok(Next::Nothing)
            }
            Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => Ok(Next::Nothing),
            Some(Err(source)) => Err(StreamError::kafka(format!("reading {}", self.topic))(source)),
            None => Ok(Next::Nothing),
        }
    }
}

/// Reads `topic` from the beginning to what is its end now and hands each committed record to `each`.
///
/// # Errors
/// [`StreamError`] when the broker does not answer, refuses or stalls.
pub fn read_to_end(settings: &KafkaSettings, topic: &str, mut each: impl FnMut(Record)) -> Result<(), StreamError> {
    let mut reader = TopicReader::new(settings, topic)?;
    let mut last_sign = Instant::now();
    loop {
        match reader.next(Duration::from_millis(100))? {
            Next::Record(record) => {
                last_sign = Instant::now();
                each(record);
            }
            Next::CaughtUp => return Ok(()),
            Next::Nothing if last_sign.elapsed() > STALL_TIMEOUT => {
                let detail = format!("gave nothing for {} s", STALL_TIMEOUT.as_secs());
                return Err(StreamError::Topic { topic: topic.to_owned(), detail });
            }
            Next::Nothing => {}
        }
    }
}

/// Keeps `table` as the fold of `topic` until `stop` becomes true: `apply` takes one record over into the value. Runs on
/// the calling thread; the table counts as caught up once everything that was there at start has been read.
///
/// # Errors
/// [`StreamError`] when the broker does not answer or refuses.
pub fn run_table<T: Clone>(
    settings: &KafkaSettings,
    topic: &str,
    table: &Table<T>,
    stop: &AtomicBool,
    mut apply: impl FnMut(&mut T, Record),
) -> Result<(), StreamError> {
    let mut reader = TopicReader::new(settings, topic)?;
    let mut value = T::clone(&table.load());
    let mut changed = false;
    while !stop.load(Ordering::Acquire) {
        match reader.next(Duration::from_millis(50))? {
            Next::Record(record) => {
                apply(&mut value, record);
                changed = true;
                continue;
            }
            Next::CaughtUp => {
                table.store(value.clone());
                table.set_caught_up();
            }
            Next::Nothing if changed && table.is_caught_up() => table.store(value.clone()),
            Next::Nothing => continue,
        }
        changed = false;
    }
    Ok(())
}

/// The record in a message of the client.
pub(crate) fn to_record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
    });
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
