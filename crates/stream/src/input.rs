//! Records that were fetched and wait to be handled, the oldest first over all partitions.
//!
//! A backlog comes partition by partition. Handled as it comes, one partition would run far ahead of the others in time,
//! and what the others bring would be late. So fetched records are buffered, within a bound, and the one with the
//! smallest timestamp is handled next; within a partition the order stays.

use std::collections::{BTreeMap, VecDeque};

use crate::record::Record;

/// Fetched records by partition.
#[derive(Debug, Default)]
pub(crate) struct InputBuffer {
    queues: BTreeMap<(String, i32), VecDeque<Record>>,
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
        match self.queues.get_mut(&(record.topic.clone(), record.partition)) {
            Some(queue) => queue.push_back(record),
            None => drop(self.queues.insert((record.topic.clone(), record.partition), VecDeque::from([record]))),
        }
    }

    /// Takes the record with the smallest timestamp among the partitions' first ones.
    pub(crate) fn pop(&mut self) -> Option<Record> {
        let fronts = self.queues.iter_mut().filter(|(_, queue)| !queue.is_empty());
        let (_, oldest) = fronts.min_by_key(|(_, queue)| queue.front().and_then(|record| record.timestamp_ms))?;
        let record = oldest.pop_front()?;
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
        if let Some(queue) = self.queues.remove(&(topic.to_owned(), partition)) {
            self.bytes -= queue.iter().map(size).sum::<usize>();
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
