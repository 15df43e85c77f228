//! The group member: notes what the group says, so that the worker can act on it between records.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use crate::client::GroupChange;

/// Notes rebalances instead of acting on them inside the poll.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    changes: Mutex<VecDeque<GroupChange>>,
    closing: AtomicBool,
}

impl Membership {
    /// The next thing the group said.
    pub(crate) fn next(&self) -> Option<GroupChange> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// From now on revoked partitions are given back at once: the worker has ended.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl ClientContext for Membership {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer");
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let list = partitions.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect();
        let change = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => GroupChange::Assigned(list),
            _ => GroupChange::Revoked(list),
        };
        if self.closing.load(Ordering::Acquire) {
            // All of it: inputs that go with a revoked partition, and none that was still being taken over.
            let given_back = consumer.assignment().and_then(|all| consumer.incremental_unassign(&all));
            if let (GroupChange::Revoked(_), Err(error)) = (&change, given_back) {
                tracing::debug!(%error, "partitions could not be given back while closing");
            }
            return;
        }
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push_back(change);
    }
}
