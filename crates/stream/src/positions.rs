//! Where the inputs of a consumer group stand, and reading exactly what lies between two offsets of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client::Partition;
use crate::error::{StreamError, is_transient};
use crate::quiet::Quiet;
use crate::reader::to_record;
use crate::record::Record;
use crate::settings::KafkaSettings;

const BROKER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one poll waits.
const WAIT: Duration = Duration::from_millis(50);
/// How long a reader waits for an open transaction in its way to end; the broker ends forgotten ones sooner.
const STALL_TIMEOUT: Duration = Duration::from_secs(40);

/// Where a group stands on one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPosition {
    /// The partition.
    pub input: Partition,
    /// The offset to be read next, once the group has committed one.
    pub committed: Option<i64>,
    /// The oldest offset that is still there.
    pub beginning: i64,
    /// The offset behind the newest record, open transactions included.
    pub end: i64,
}

impl InputPosition {
    /// What the group reads next.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.committed.unwrap_or(self.beginning).max(self.beginning)
    }

    /// Offsets between what the group reads next and the end; an upper bound of the records in flight, because ends of
    /// transactions and aborted records take offsets too.
    #[must_use]
    pub fn lag(&self) -> i64 {
        (self.end - self.next()).max(0)
    }

    /// Offsets that retention took away before the group had read them.
    #[must_use]
    pub fn deleted_unread(&self) -> i64 {
        self.committed.map_or(0, |committed| (self.beginning - committed).max(0))
    }
}

/// Asks for the positions of one group; keeps its connection.
pub struct Positions {
    consumer: BaseConsumer<Quiet>,
    bootstrap: String,
    group: String,
}

impl std::fmt::Debug for Positions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Positions").field("group", &self.group).finish_non_exhaustive()
    }
}

impl Positions {
    /// A view of `group`, of which it never becomes a member.
    ///
    /// # Errors
    /// [`StreamError`] when the client cannot be made from these settings.
    pub fn new(settings: &KafkaSettings, group: &str) -> Result<Self, StreamError> {
        let mut config = settings.reader("positions");
        config.set("group.id", group);
        // The end is that of all records, also of those in open transactions.
        config.set("isolation.level", "read_uncommitted");
        let consumer =
            config.create_with_context(Quiet).map_err(StreamError::kafka(format!("asking for offsets of {group}")))?;
        Ok(Self { consumer, bootstrap: settings.bootstrap.clone(), group: group.to_owned() })
    }

    /// The positions on all partitions of these topics, those that do not exist left out.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer or refuses.
    pub fn read(&self, topics: &[String]) -> Result<Vec<InputPosition>, StreamError> {
        let unreachable = |error: KafkaError| StreamError::Unreachable {
            bootstrap: self.bootstrap.clone(),
            detail: error.to_string(),
        };
        let metadata = self.consumer.fetch_metadata(None, BROKER_TIMEOUT).map_err(unreachable)?;
        let mut list = TopicPartitionList::new();
        for topic in metadata.topics().iter().filter(|topic| topics.iter().any(|wanted| wanted == topic.name())) {
            for partition in topic.partitions() {
                list.add_partition(topic.name(), partition.id());
            }
        }
        if list.count() == 0 {
            return Ok(Vec::new());
        }
        let asking = format!("asking for the offsets of {}", self.group);
        let committed =
            self.consumer.committed_offsets(list, BROKER_TIMEOUT).map_err(StreamError::kafka(asking.clone()))?;
        let mut positions = Vec::new();
        for element in committed.elements() {
            let (topic, partition) = (element.topic().to_owned(), element.partition());
            let (beginning, end) = self
                .consumer
                .fetch_watermarks(&topic, partition, BROKER_TIMEOUT)
                .map_err(StreamError::kafka(format!("asking for the ends of {topic}-{partition}")))?;
            let committed = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            positions.push(InputPosition { input: (topic, partition), committed, beginning, end });
        }
        Ok(positions)
    }
}

/// The offset behind the newest record of a partition, open transactions included.
///
/// # Errors
/// [`StreamError`] when the broker does not answer or refuses.
pub fn end_of(settings: &KafkaSettings, topic: &str, partition: i32) -> Result<i64, StreamError> {
    let consumer = Positions::new(settings, "tributary.positions")?.consumer;
    let ends = consumer.fetch_watermarks(topic, partition, BROKER_TIMEOUT);
    ends.map(|(_, end)| end).map_err(StreamError::kafka(format!("asking for the ends of {topic}-{partition}")))
}

/// A part of a partition: from the first offset to before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The partition's number.
    pub partition: i32,
    /// Its first offset.
    pub from: i64,
    /// The offset behind its last.
    pub to: i64,
}

/// Hands every committed record of these ranges of `topic` to `each`. Waits first for transactions that are still open in
/// them to end, so that what they commit is not missed.
///
/// # Errors
/// [`StreamError`] when the broker does not answer, refuses or stalls, or a transaction stays open.
pub fn read_ranges(
    settings: &KafkaSettings,
    topic: &str,
    ranges: &[Range],
    mut each: impl FnMut(Record),
) -> Result<(), StreamError> {
    let ranges = ranges.iter().filter(|range| range.from < range.to);
    let mut open: BTreeMap<i32, Range> = ranges.map(|range| (range.partition, *range)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let consumer: BaseConsumer<Quiet> =
        settings.reader("reader").create_with_context(Quiet).map_err(StreamError::kafka("making a reader"))?;
    open.values().try_for_each(|range| until_stable(&consumer, topic, range))?;
    let reading = || StreamError::kafka(format!("reading {topic}"));
    let mut list = TopicPartitionList::new();
    for Range { partition, from, .. } in open.values() {
        list.add_partition_offset(topic, *partition, Offset::Offset(*from)).map_err(reading())?;
    }
    consumer.assign(&list).map_err(reading())?;
    let mut last_sign = Instant::now();
    while !open.is_empty() {
        match consumer.poll(WAIT) {
            Some(Ok(message)) => {
                last_sign = Instant::now();
                match open.get(&message.partition()) {
                    Some(range) if message.offset() < range.to => each(to_record(&message)),
                    Some(_) => drop(open.remove(&message.partition())),
                    None => {}
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => {}
            Some(Err(source)) => return Err(reading()(source)),
            None => {}
        }
        if last_sign.elapsed() > STALL_TIMEOUT {
            return Err(stalled(topic, "has given nothing"));
        }
    }
    Ok(())
}

/// Waits until no transaction is open before the end of the range.
fn until_stable(consumer: &BaseConsumer<Quiet>, topic: &str, range: &Range) -> Result<(), StreamError> {
    let started = Instant::now();
    loop {
        let (_, stable_end) = consumer
            .fetch_watermarks(topic, range.partition, BROKER_TIMEOUT)
            .map_err(StreamError::kafka(format!("asking for the ends of {topic}-{}", range.partition)))?;
        if stable_end >= range.to {
            return Ok(());
        }
        if started.elapsed() > STALL_TIMEOUT {
            return Err(stalled(topic, "has had a transaction open"));
        }
        // Nothing is assigned yet: this is the wait between two questions.
        drop(consumer.poll(WAIT));
    }
}

fn stalled(topic: &str, what: &str) -> StreamError {
    StreamError::Stalled { topic: topic.to_owned(), detail: format!("{what} for {} s", STALL_TIMEOUT.as_secs()) }
}
