//! Topics as typed records.

use std::sync::{Arc, LazyLock};

use tributary_schema::{AvroRecord, Contracts};

use crate::check::report::Report;
use crate::outputs::{Outputs, Record};

static CONTRACTS: LazyLock<Arc<Contracts>> =
    LazyLock::new(|| Contracts::single_object().expect("the embedded schemas are good"));

/// A record with its value read.
#[derive(Debug, Clone)]
pub(super) struct Read<T> {
    pub(super) key: String,
    pub(super) value: T,
}

/// Reads the topics of some outputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    outputs: &'a Outputs,
}

impl<'a> Reader<'a> {
    pub(super) fn new(outputs: &'a Outputs) -> Self {
        Self { outputs }
    }

    /// All records of a topic, partition by partition in order. What cannot be read is a difference, and so is a tombstone.
    pub(super) fn all<T: AvroRecord>(&self, topic: &str, report: &mut Report) -> Vec<Read<T>> {
        let read = |record| self.one(record, report).map(|value| Read { key: text(&record.key), value });
        self.outputs.records(topic).filter_map(read).collect()
    }

    /// The value of a record.
    pub(super) fn one<T: AvroRecord>(&self, record: &Record, report: &mut Report) -> Option<T> {
        let value = record.value.as_deref().map(|value| CONTRACTS.decode::<T>(value));
        match value {
            Some(Ok(value)) => return Some(value),
            Some(Err(error)) => report.add(&record.topic, position(record), T::NAME, error),
            None => report.add(&record.topic, position(record), T::NAME, "a tombstone"),
        }
        None
    }
}

/// A record key, or as much of it as is text.
pub(super) fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// Where a record stands.
pub(super) fn position(record: &Record) -> String {
    format!("partition {} offset {}", record.partition, record.offset)
}
