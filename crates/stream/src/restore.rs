//! Restoring tasks from their changelogs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::error::StreamError;
use crate::processor::Stage;
use crate::quiet::Quiet;
use crate::settings::KafkaSettings;
use crate::task::Task;

/// How long a changelog may give nothing before restoring is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The partition of the stage's changelogs that belongs to a task.
pub(crate) fn changelog_partition(task: &Task, leader_partitions: i32) -> i32 {
    task.info().topic_index as i32 * leader_partitions + task.info().partition
}

/// Reads each changelog of the stage up to its end into the tasks; gives the number of records read.
pub(crate) fn restore(
    settings: &KafkaSettings,
    stage: &Stage,
    leader_partitions: i32,
    tasks: &mut [&mut Task],
) -> Result<u64, StreamError> {
    if tasks.is_empty() {
        return Ok(0);
    }
    let consumer: BaseConsumer<Quiet> = settings
        .reader("restore")
        .create_with_context(Quiet)
        .map_err(StreamError::kafka("making the restore consumer"))?;
    let mut restored = 0;
    for (store, topic) in stage.changelogs().iter().enumerate() {
        let mut by_partition: BTreeMap<i32, &mut Task> =
            tasks.iter_mut().map(|task| (changelog_partition(task, leader_partitions), &mut **task)).collect();
        let mut list = TopicPartitionList::new();
        for partition in by_partition.keys() {
            list.add_partition_offset(topic, *partition, Offset::Beginning)
                .map_err(StreamError::kafka(format!("restoring from {topic}")))?;
        }
        consumer.assign(&list).map_err(StreamError::kafka(format!("restoring from {topic}")))?;
        restored += read_to_end(&consumer, topic, store, &mut by_partition)?;
    }
    Ok(restored)
}

fn read_to_end(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    store: usize,
    by_partition: &mut BTreeMap<i32, &mut Task>,
) -> Result<u64, StreamError> {
    let mut restored = 0;
    let mut open: Vec<i32> = by_partition.keys().copied().collect();
    let mut last_sign = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                last_sign = Instant::now();
                let Some(task) = by_partition.get_mut(&message.partition()) else { continue };
                task.restore(store, message.key().unwrap_or_default(), message.payload()).map_err(|error| {
                    StreamError::State {
                        topic: topic.to_owned(),
                        partition: message.partition(),
                        offset: message.offset(),
                        detail: error.to_string(),
                    }
                })?;
                restored += 1;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                last_sign = Instant::now();
                open.retain(|other| *other != partition);
            }
            Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => {}
            Some(Err(source)) => return Err(StreamError::kafka(format!("restoring from {topic}"))(source)),
            None => {}
        }
        if last_sign.elapsed() > STALL_TIMEOUT {
            return Err(StreamError::Topic {
                topic: topic.to_owned(),
                detail: format!("partitions {open:?} gave nothing for {} s while restoring", STALL_TIMEOUT.as_secs()),
            });
        }
    }
    Ok(restored)
}

/// True for errors that the client mends by itself.
pub(crate) fn is_transient(code: rdkafka::error::RDKafkaErrorCode) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::Resolve
            | Code::RebalanceInProgress
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::NetworkException
    )
}
