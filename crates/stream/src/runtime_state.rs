//! What the runtime itself remembers of a task: event time, timers and accounting, in a store of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::effects::Timer;
use crate::store::{Change, EachEntry, KeyedStore, RestoreError, StateStore};

/// Name of the store.
pub(crate) const STORE: &str = "runtime";
const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Key {
    /// The largest event time seen.
    EventTime,
    /// A timer that is due at this time for this key.
    Timer(i64, Vec<u8>),
    /// A count of the stage's accounting.
    Count(Count),
}

/// What is counted, exactly once, in the transactions themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Count {
    /// Input records taken from this topic.
    Accepted(String),
    /// Input records that were handled.
    Processed,
    /// Input records that went to the dead-letter topic.
    DeadLettered,
    /// Input records dropped for this reason.
    Dropped(String),
    /// Output records written to this topic, changelogs aside.
    Emitted(String),
    /// Timers that fired.
    TimersFired,
    /// Timers whose handling failed for good.
    TimersPoisoned,
}

/// Event time, timers and accounting of one task.
#[derive(Debug)]
pub struct RuntimeState {
    store: KeyedStore<Key, i64>,
    due: BTreeSet<Timer>,
    allowed_lateness_ms: i64,
}

impl RuntimeState {
    /// Nothing seen, nothing due, nothing counted.
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
    pub fn set_timer(&mut self, timer: Timer) {
        if self.due.insert(timer.clone()) {
            self.store.insert(Key::Timer(timer.at, timer.key), timer.at);
        }
    }

    /// Takes all timers of this key back.
    pub fn cancel_timers(&mut self, key: &[u8]) {
        let store = &mut self.store;
        self.due.retain(|timer| {
            let stays = timer.key != key;
            if !stays {
                store.remove(&Key::Timer(timer.at, timer.key.clone()));
            }
            stays
        });
    }

    /// Takes the earliest timer that is due at the watermark.
    pub fn pop_due(&mut self) -> Option<Timer> {
        if !self.is_due() {
            return None;
        }
        let timer = self.due.pop_first()?;
        self.store.remove(&Key::Timer(timer.at, timer.key.clone()));
        Some(timer)
    }

    /// True when [`RuntimeState::pop_due`] would give one.
    #[must_use]
    pub fn is_due(&self) -> bool {
        matches!((self.watermark(), self.due.first()), (Some(watermark), Some(timer)) if timer.at <= watermark)
    }

    /// True while timers wait for event time to come.
    #[must_use]
    pub fn has_timers(&self) -> bool {
        !self.due.is_empty()
    }

    /// Adds to a count.
    pub fn count(&mut self, count: Count, by: i64) {
        *self.store.get_or_insert_with(&Key::Count(count), || 0) += by;
    }

    /// All counts.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Count, i64> {
        let mut counts = BTreeMap::new();
        self.store.for_each(|key, value| match key {
            Key::Count(count) => drop(counts.insert(count.clone(), *value)),
            Key::EventTime | Key::Timer(..) => {}
        });
        counts
    }
}

impl StateStore for RuntimeState {
    fn name(&self) -> &'static str {
        STORE
    }
    fn version(&self) -> u8 {
        VERSION
    }
    fn changes(&self) -> Vec<Change> {
        self.store.changes()
    }
    fn commit(&mut self) {
        self.store.commit();
    }
    fn abort(&mut self) {
        self.store.abort();
        self.due.clear();
        self.store.for_each(|key, _| match key {
            Key::Timer(at, key) => drop(self.due.insert(Timer { at: *at, key: key.clone() })),
            Key::EventTime | Key::Count(_) => {}
        });
    }
    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        self.store.restore(key, value)?;
        let corrupt =
            |error: rmp_serde::decode::Error| RestoreError::Corrupt { store: STORE, detail: error.to_string() };
        if let Key::Timer(at, key) = rmp_serde::from_slice(key).map_err(corrupt)? {
            let timer = Timer { at, key };
            if value.is_some() {
                self.due.insert(timer)
            } else {
                self.due.remove(&timer)
            };
        }
        Ok(())
    }
    fn begin_walk(&mut self) {
        self.store.begin_walk();
    }
    fn walk(&mut self, limit: usize, each: &mut EachEntry<'_>) -> bool {
        self.store.walk(limit, each)
    }
    fn each_entry(&self, each: &mut EachEntry<'_>) {
        self.store.each_entry(each);
    }
    fn len(&self) -> usize {
        self.store.len()
    }
}
