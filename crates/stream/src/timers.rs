//! Event-time timers and the watermark of one task, kept in a store of their own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::effects::Timer;
use crate::store::{Change, KeyedStore, RestoreError, StateStore};

/// Name of the store.
pub const STORE: &str = "timers";
const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Key {
    /// The largest event time seen.
    EventTime,
    /// A timer that is due at this time for this key.
    Timer(i64, Vec<u8>),
}

/// Timers and watermark of one task.
#[derive(Debug)]
pub struct Timers {
    store: KeyedStore<Key, i64>,
    due: BTreeSet<Timer>,
    allowed_lateness_ms: i64,
}

impl Timers {
    /// No timers, and no event time seen.
    #[must_use]
    pub fn new(allowed_lateness_ms: i64) -> Self {
        Self { store: KeyedStore::new(STORE, VERSION), due: BTreeSet::new(), allowed_lateness_ms }
    }

    /// The largest event time seen less the allowed lateness; `None` before the first event.
    #[must_use]
    pub fn watermark(&self) -> Option<i64> {
        self.store.get(&Key::EventTime).map(|at| at.saturating_sub(self.allowed_lateness_ms))
    }

    /// Moves the largest event time forward; never back.
    pub fn observe(&mut self, event_time: i64) {
        if self.store.get(&Key::EventTime).is_none_or(|seen| event_time > *seen) {
            self.store.insert(Key::EventTime, event_time);
        }
    }

    /// Moves the largest event time forward by the time that passed on the clock while nothing came.
    pub fn idle(&mut self, elapsed_ms: i64) {
        if let Some(seen) = self.store.get(&Key::EventTime).copied() {
            self.observe(seen.saturating_add(elapsed_ms));
        }
    }

    /// Adds a timer; the same time and key again changes nothing.
    pub fn set(&mut self, timer: Timer) {
        if self.due.insert(timer.clone()) {
            self.store.insert(Key::Timer(timer.at, timer.key), timer.at);
        }
    }

    /// Takes the earliest timer that is due at the watermark.
    pub fn pop_due(&mut self) -> Option<Timer> {
        let watermark = self.watermark()?;
        if self.due.first()?.at > watermark {
            return None;
        }
        let timer = self.due.pop_first()?;
        self.store.remove(&Key::Timer(timer.at, timer.key.clone()));
        Some(timer)
    }

    /// True when [`Timers::pop_due`] would give one.
    #[must_use]
    pub fn is_due(&self) -> bool {
        matches!((self.watermark(), self.due.first()), (Some(watermark), Some(timer)) if timer.at <= watermark)
    }

    fn rebuild(&mut self) {
        self.due = self
            .store
            .iter()
            .filter_map(|(key, _)| match key {
                Key::EventTime => None,
                Key::Timer(at, key) => Some(Timer { at: *at, key: key.clone() }),
            })
            .collect();
    }
}

impl StateStore for Timers {
    fn name(&self) -> &'static str {
        STORE
    }
    fn changes(&self) -> Vec<Change> {
        self.store.changes()
    }
    fn commit(&mut self) {
        self.store.commit();
    }
    fn abort(&mut self) {
        self.store.abort();
        self.rebuild();
    }
    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        self.store.restore(key, value)?;
        let key = rmp_serde::from_slice(key)
            .map_err(|error| RestoreError::Corrupt { store: STORE, detail: error.to_string() })?;
        if let Key::Timer(at, key) = key {
            let timer = Timer { at, key };
            if value.is_some() {
                self.due.insert(timer)
            } else {
                self.due.remove(&timer)
            };
        }
        Ok(())
    }
    fn len(&self) -> usize {
        self.due.len()
    }
}
