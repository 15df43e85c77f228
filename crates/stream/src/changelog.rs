//! Changelogs read to their ends from Kafka, all in one assignment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client::{ChangelogReader, ChangelogRecord, Partition};
use crate::error::{StreamError, is_transient};
use crate::quiet::Quiet;
use crate::settings::KafkaSettings;

/// How long changelogs may give nothing before reading is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause between two looks at queues that are all empty.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Changelogs on Kafka. Each partition has a queue of its own: only so does the end of one tell whose it is.
pub struct KafkaChangelogs {
    consumer: Arc<BaseConsumer<Quiet>>,
    /// Those that are not read to their end, with their place in the list that was asked for.
    open: Vec<(usize, Partition, PartitionQueue<Quiet>)>,
    last_sign: Instant,
}

impl std::fmt::Debug for KafkaChangelogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaChangelogs").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl KafkaChangelogs {
    /// Starts reading.
    pub(crate) fn open(settings: &KafkaSettings, from: &[(Partition, Option<i64>)]) -> Result<Self, StreamError> {
        let reading = || StreamError::kafka("opening changelogs");
        let consumer: BaseConsumer<Quiet> = settings.reader("restore").create_with_context(Quiet).map_err(reading())?;
        let consumer = Arc::new(consumer);
        let mut list = TopicPartitionList::new();
        let mut open = Vec::with_capacity(from.len());
        for (index, (partition, offset)) in from.iter().enumerate() {
            let offset = offset.map_or(Offset::Beginning, Offset::Offset);
            list.add_partition_offset(&partition.0, partition.1, offset).map_err(reading())?;
            let queue =
                consumer.split_partition_queue(&partition.0, partition.1).ok_or_else(|| StreamError::Topic {
                    topic: partition.0.clone(),
                    detail: format!("partition {} cannot be read", partition.1),
                })?;
            open.push((index, partition.clone(), queue));
        }
        consumer.assign(&list).map_err(reading())?;
        Ok(Self { consumer, open, last_sign: Instant::now() })
    }

    fn stalled(&self) -> StreamError {
        let detail = format!(
            "{} of the changelogs being restored gave nothing for {} s",
            self.open.len(),
            STALL_TIMEOUT.as_secs()
        );
        let topic = self.open.first().map(|(_, partition, _)| format!("{}-{}", partition.0, partition.1));
        StreamError::Topic { topic: topic.unwrap_or_default(), detail }
    }
}

impl ChangelogReader for KafkaChangelogs {
    fn read(
        &mut self,
        limit: usize,
        wait: Duration,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> Result<(), StreamError>,
    ) -> Result<bool, StreamError> {
        let started = Instant::now();
        let mut read = 0;
        loop {
            let (seen, ended) = self.look(limit - read, each)?;
            read += seen;
            if seen > 0 || ended {
                self.last_sign = Instant::now();
            }
            if self.open.is_empty() {
                return Ok(true);
            }
            if read >= limit || started.elapsed() >= wait || (read > 0 && seen == 0) {
                break;
            }
            // Serves the client; records and ends come to the partitions' own queues.
            if let Some(Err(source)) = self.consumer.poll(LOOK_AGAIN)
                && !is_transient_error(&source)
            {
                return Err(StreamError::kafka("restoring from changelogs")(source));
            }
        }
        if self.last_sign.elapsed() > STALL_TIMEOUT { Err(self.stalled()) } else { Ok(false) }
    }
}

impl KafkaChangelogs {
    /// Takes what is there of each open partition; gives the number of records, and whether one came to its end.
    fn look(
        &mut self,
        limit: usize,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> Result<(), StreamError>,
    ) -> Result<(usize, bool), StreamError> {
        let (mut read, mut ended) = (0, Vec::new());
        for (place, (index, (topic, partition), queue)) in self.open.iter().enumerate() {
            while read < limit {
                match queue.poll(Duration::ZERO) {
                    Some(Ok(message)) => {
                        let (key, value) = (message.key().unwrap_or_default(), message.payload());
                        each(ChangelogRecord { index: *index, offset: message.offset(), key, value })?;
                        read += 1;
                    }
                    Some(Err(KafkaError::PartitionEOF(_))) => {
                        ended.push(place);
                        break;
                    }
                    Some(Err(error)) if is_transient_error(&error) => {}
                    Some(Err(source)) => {
                        return Err(StreamError::kafka(format!("restoring from {topic}-{partition}"))(source));
                    }
                    None => break,
                }
            }
        }
        for place in ended.iter().rev() {
            drop(self.open.swap_remove(*place));
        }
        Ok((read, !ended.is_empty()))
    }
}

fn is_transient_error(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageConsumption(code) if is_transient(*code))
}
