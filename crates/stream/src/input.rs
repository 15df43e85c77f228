//! Records that were fetched and wait to be handled, the oldest first over all partitions.
//!
//! A backlog comes partition by partition. Handled as it comes, one partition would run far ahead of the others in time,
//! and what the others bring would be late. So fetched records are buffered, within a bound, and the one with the
//! smallest timestamp is handled next; within a partition the order stays.

use std::collections::VecDeque;

use crate::record::Record;

/// The fetched records of one partition.
#[derive(Debug)]
struct Queue {
    topic: String,
    partition: i32,
    records: VecDeque<Record>,
}

impl Queue {
    fn is_of(&self, topic: &str, partition: i32) -> bool {
        self.partition == partition && self.topic == topic
    }
}

/// Fetched records by partition, in the order of topic and partition.
#[derive(Debug, Default)]
pub(crate) struct InputBuffer {
    queues: Vec<Queue>,
    /// The queue that took the last record: records come in runs.
    last: usize,
    bytes: usize,
}

fn size(record: &Record) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, Vec::len) + size_of::<Record>()
}

impl InputBuffer {
    /// Bytes buffered.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// True without records.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Adds a fetched record behind those of its partition.
    pub(crate) fn push(&mut self, record: Record) {
        self.bytes += size(&record);
        let is_of_last = self.queues.get(self.last).is_some_and(|queue| queue.is_of(&record.topic, record.partition));
        if !is_of_last {
            self.last = self.queue_of(&record.topic, record.partition);
        }
        if let Some(queue) = self.queues.get_mut(self.last) {
            queue.records.push_back(record);
        }
    }

    /// The place of a partition's queue, which is made when there is none.
    fn queue_of(&mut self, topic: &str, partition: i32) -> usize {
        let place = |queue: &Queue| (queue.topic.as_str(), queue.partition).cmp(&(topic, partition));
        self.queues.binary_search_by(place).unwrap_or_else(|place| {
            let queue = Queue { topic: topic.to_owned(), partition, records: VecDeque::new() };
            self.queues.insert(place, queue);
            place
        })
    }

    /// Takes the record with the smallest timestamp among the partitions' first ones.
    pub(crate) fn pop(&mut self) -> Option<Record> {
        let fronts = self.queues.iter_mut().filter(|queue| !queue.records.is_empty());
        let oldest = fronts.min_by_key(|queue| queue.records.front().and_then(|record| record.timestamp_ms))?;
        let record = oldest.records.pop_front()?;
        self.bytes -= size(&record);
        Some(record)
    }

    /// Forgets all records: they will be fetched again.
    pub(crate) fn clear(&mut self) {
        self.queues.clear();
        self.bytes = 0;
    }

    /// Forgets the records of a partition that was given back.
    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(place) = self.queues.iter().position(|queue| queue.is_of(topic, partition)) {
            let queue = self.queues.remove(place);
            self.bytes -= queue.records.iter().map(size).sum::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64, timestamp_ms: i64) -> Record {
        Record {
            topic: "t".to_owned(),
            partition,
            offset,
            timestamp_ms: Some(timestamp_ms),
            key: vec![1, 2],
            value: None,
            headers: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_goes_first_and_partitions_keep_their_order() {
        let mut buffer = InputBuffer::default();
        [(0, 0, 50), (0, 1, 10), (1, 0, 20), (1, 1, 60), (2, 0, 55)]
            .into_iter()
            .for_each(|(partition, offset, at)| buffer.push(record(partition, offset, at)));
        buffer.remove("t", 2);
        let order: Vec<_> = std::iter::from_fn(|| buffer.pop()).map(|r| (r.partition, r.offset)).collect();
        assert_eq!(order, [(1, 0), (0, 0), (0, 1), (1, 1)]);
        assert!(buffer.is_empty());
        assert_eq!(buffer.bytes(), 0);
        buffer.push(record(0, 2, 1));
        buffer.clear();
        assert!(buffer.pop().is_none() && buffer.is_empty());
    }
}
