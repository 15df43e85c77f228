//! What a step wants done; the runtime does it in the open transaction.

use std::sync::Arc;

use tributary_schema::{AvroRecord, Contracts};

use crate::error::Failure;
use crate::record::{OutRecord, Record};

/// A wish to be called at an event time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// Event time at which the task's watermark has to be, in milliseconds.
    pub at: i64,
    /// The key it is about.
    pub key: Vec<u8>,
}

/// Counts of one kind of drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drops {
    /// Reason code, from a fixed set per service.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// The effects of one input record, one timer, or several.
#[derive(Debug)]
pub struct Effects {
    contracts: Arc<Contracts>,
    pub(crate) records: Vec<OutRecord>,
    pub(crate) timers: Vec<Timer>,
    pub(crate) cancelled: Vec<Vec<u8>>,
    pub(crate) drops: Vec<Drops>,
    pub(crate) dead_letters: u64,
    pub(crate) event_time: Option<i64>,
}

impl Effects {
    /// No effects yet.
    #[must_use]
    pub fn new(contracts: Arc<Contracts>) -> Self {
        Self {
            contracts,
            records: Vec::new(),
            timers: Vec::new(),
            cancelled: Vec::new(),
            drops: Vec::new(),
            dead_letters: 0,
            event_time: None,
        }
    }

    /// The contracts by which records are read and written.
    #[must_use]
    pub fn contracts(&self) -> &Arc<Contracts> {
        &self.contracts
    }

    /// Writes `value` to `topic` under `key`.
    ///
    /// # Errors
    /// [`Failure`] when the value does not fit its schema or the registry refuses.
    pub fn emit<T: AvroRecord>(&mut self, topic: &str, key: Vec<u8>, value: &T) -> Result<(), Failure> {
        let bytes = self.contracts.encode(topic, value)?;
        self.records.push(OutRecord { topic: topic.to_owned(), key, value: Some(bytes), headers: Vec::new() });
        Ok(())
    }

    /// Writes a tombstone to a compacted `topic`.
    pub fn emit_tombstone(&mut self, topic: &str, key: Vec<u8>) {
        self.records.push(OutRecord { topic: topic.to_owned(), key, value: None, headers: Vec::new() });
    }

    /// Writes bytes as they are.
    pub fn emit_bytes(&mut self, record: OutRecord) {
        self.records.push(record);
    }

    /// Calls the processor's `on_timer` once when the task's watermark has reached `at`; asking twice for the same time
    /// and key is asking once. Timers survive restarts.
    pub fn set_timer(&mut self, at: i64, key: Vec<u8>) {
        self.timers.push(Timer { at, key });
    }

    /// Takes back all timers of this key that were set by other inputs. It looks at every timer of the task, so it is for
    /// what happens seldom; a timer that finds nothing to do does no harm but tells that there was somebody.
    pub fn cancel_timers(&mut self, key: Vec<u8>) {
        self.cancelled.push(key);
    }

    /// Tells the runtime the event time of the input, which moves the task's watermark.
    pub fn observe_event_time(&mut self, at: i64) {
        self.event_time = Some(self.event_time.map_or(at, |seen| seen.max(at)));
    }

    /// Counts an input that is dropped for a named reason.
    pub fn drop_input(&mut self, reason: &'static str) {
        match self.drops.iter_mut().find(|drops| drops.reason == reason) {
            Some(drops) => drops.count += 1,
            None => self.drops.push(Drops { reason, count: 1 }),
        }
    }

    /// Puts the input on the dead-letter topic, byte for byte, with `code` (from a fixed set) and `message` (for people;
    /// no personal data) in its headers.
    pub fn dead_letter(&mut self, input: &Record, stage: &str, code: &str, message: &str) {
        self.dead_letters += 1;
        self.records.push(crate::dead_letter::dead_letter(input, stage, code, message));
    }

    /// The records written so far (for tests and simulation).
    #[must_use]
    pub fn records(&self) -> &[OutRecord] {
        &self.records
    }

    /// The timers asked for so far (for tests and simulation).
    #[must_use]
    pub fn timers(&self) -> &[Timer] {
        &self.timers
    }

    /// The keys whose timers were taken back so far (for tests and simulation).
    #[must_use]
    pub fn cancelled(&self) -> &[Vec<u8>] {
        &self.cancelled
    }

    /// The drops counted so far (for tests and simulation).
    #[must_use]
    pub fn drops(&self) -> &[Drops] {
        &self.drops
    }

    /// How many inputs went to the dead-letter topic (for tests and simulation).
    #[must_use]
    pub fn dead_letter_count(&self) -> u64 {
        self.dead_letters
    }

    /// The latest event time observed (for tests and simulation).
    #[must_use]
    pub fn event_time(&self) -> Option<i64> {
        self.event_time
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.timers.clear();
        self.cancelled.clear();
        self.drops.clear();
        self.dead_letters = 0;
        self.event_time = None;
    }
}
