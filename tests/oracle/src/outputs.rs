//! What the hub has written: plain records by topic, and what its stages say they did.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One record, read committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// What one stage says it did with its input, summed over its tasks: an entry of `stages` in the answer of
/// `tributary reconcile --output json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StageAccount {
    /// The stage.
    pub stage: String,
    /// Input records.
    pub accepted: i64,
    /// Of these, handled.
    pub processed: i64,
    /// Of these, on the dead-letter topic.
    pub dead_lettered: i64,
    /// Of these, dropped, by reason.
    pub dropped: BTreeMap<String, i64>,
    /// Input records by topic.
    pub accepted_from: BTreeMap<String, i64>,
    /// Output records by topic, changelogs aside.
    pub emitted_to: BTreeMap<String, i64>,
}

/// The contents of the hub's topics.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    topics: BTreeMap<String, BTreeMap<(i32, i64), Record>>,
    /// What the stages say; left empty, nothing is checked about it.
    pub accounts: Vec<StageAccount>,
    /// The event time up to which the timers of *all* journey tasks have certainly fired (their watermarks have passed it,
    /// because the clock was moved on or waited for). `None`: no decision that waits for time is demanded.
    pub timers_fired_until: Option<i64>,
}

impl Outputs {
    /// Adds a record. The raw topics may be among them: then it is judged by what was really produced, repeats by the
    /// producer included. Topics that are compacted may be given whole or compacted.
    pub fn push(&mut self, record: Record) {
        let records = self.topics.entry(record.topic.clone()).or_default();
        records.insert((record.partition, record.offset), record);
    }

    /// The records of a topic, partition by partition, in order of offset.
    pub fn records(&self, topic: &str) -> impl Iterator<Item = &Record> {
        self.topics.get(topic).into_iter().flat_map(BTreeMap::values)
    }

    /// The records of a topic, to be changed.
    pub fn records_mut(&mut self, topic: &str) -> impl Iterator<Item = &mut Record> {
        self.topics.get_mut(topic).into_iter().flat_map(BTreeMap::values_mut)
    }

    /// Takes a record away.
    pub fn remove(&mut self, topic: &str, partition: i32, offset: i64) -> Option<Record> {
        self.topics.get_mut(topic)?.remove(&(partition, offset))
    }

    /// The topics that have records and whose name begins so.
    pub fn topics<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        self.topics.keys().map(String::as_str).filter(move |topic| topic.starts_with(beginning))
    }
}

impl Extend<Record> for Outputs {
    fn extend<T: IntoIterator<Item = Record>>(&mut self, records: T) {
        records.into_iter().for_each(|record| self.push(record));
    }
}
