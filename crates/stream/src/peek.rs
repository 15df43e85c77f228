//! Looking whether there is anything to read in a part of a partition, without being who has to read it.

use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::error::{StreamError, is_transient};
use crate::quiet::Quiet;
use crate::settings::KafkaSettings;
use crate::stall::{Sight, Suspect};

/// How long the broker may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long one poll waits.
const WAIT: Duration = Duration::from_millis(50);

/// A reader of committed records for short looks; keeps its connection.
pub(crate) struct Peek {
    consumer: BaseConsumer<Quiet>,
}

impl std::fmt::Debug for Peek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Peek")
    }
}

impl Peek {
    /// With a connection of its own.
    ///
    /// # Errors
    /// [`StreamError`] when the client cannot be made from these settings.
    pub(crate) fn new(settings: &KafkaSettings) -> Result<Self, StreamError> {
        let made = settings.reader("peek").create_with_context(Quiet);
        Ok(Self { consumer: made.map_err(StreamError::kafka("making a reader for stalled inputs"))? })
    }

    /// What lies in this part of a partition.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer or refuses.
    pub(crate) fn look(&self, Suspect { input, from, to }: &Suspect) -> Result<Sight, StreamError> {
        let (topic, partition) = (input.0.as_str(), input.1);
        let doing = || StreamError::kafka(format!("looking at {topic}-{partition}"));
        // For a reader of committed records the end is before the first transaction that is still open.
        let (_, stable) = self.consumer.fetch_watermarks(topic, partition, TIMEOUT).map_err(doing())?;
        let hidden = if stable < *to { Sight::OpenTransaction } else { Sight::Nothing };
        if stable <= *from {
            return Ok(hidden);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(*from)).map_err(doing())?;
        self.consumer.assign(&list).map_err(doing())?;
        let is_found = self.finds_record(topic, partition, (*to).min(stable));
        self.consumer.unassign().map_err(doing())?;
        Ok(if is_found? { Sight::Record } else { hidden })
    }

    /// Whether a committed record comes before `to`.
    fn finds_record(&self, topic: &str, partition: i32, to: i64) -> Result<bool, StreamError> {
        let deadline = Instant::now() + TIMEOUT;
        while Instant::now() < deadline {
            match self.consumer.poll(WAIT) {
                Some(Ok(message)) if message.topic() == topic && message.partition() == partition => {
                    return Ok(message.offset() < to);
                }
                Some(Err(KafkaError::PartitionEOF(of))) if of == partition => return Ok(false),
                Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => {}
                Some(Err(source)) => return Err(StreamError::kafka(format!("looking at {topic}-{partition}"))(source)),
                Some(Ok(_)) | None => {}
            }
        }
        let detail = format!("has given nothing for {} s", TIMEOUT.as_secs());
        Err(StreamError::Stalled { topic: topic.to_owned(), detail })
    }
}
