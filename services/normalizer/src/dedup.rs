//! The window in which duplicates are found: exact within it, evicted in order, bounded, and persisted with the task.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_stream::{Change, EachEntry, KeyedStore, RestoreError, StateStore};

/// Name of the store.
pub(crate) const STORE: &str = "dedup";
const VERSION: u8 = 1;

/// 128 bits of SHA-256 over a touchpoint id.
pub(crate) type Key = (u64, u64);

/// What is remembered of a touchpoint id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    fingerprint: u64,
    occurred_at: i64,
    received_at: i64,
}

/// What a touchpoint is, compared with those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The id is new.
    New,
    /// The same id with the same bytes came before.
    Duplicate,
    /// The same id came before with other bytes.
    Conflict,
}

/// A hash of bytes that is the same in every process and release.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    first_u64(&Sha256::digest(bytes), 0)
}

/// What a touchpoint id is remembered by.
pub(crate) fn key_of(id: &str) -> Key {
    let digest = Sha256::digest(id.as_bytes());
    (first_u64(&digest, 0), first_u64(&digest, 8))
}

fn first_u64(digest: &[u8], offset: usize) -> u64 {
    digest[offset..offset + 8].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// Ids seen within the window. An entry goes when both its event time and its receive time are further back than the
/// window: event time alone would forget a backlog of history as soon as a live event passes.
#[derive(Debug)]
pub(crate) struct DedupWindow {
    seen: KeyedStore<Key, Seen>,
    /// Entries in order of receipt. An entry that is no longer in `seen` (its transaction was aborted) is skipped.
    order: BTreeSet<(i64, Key)>,
    /// Taken out of `order` in the open transaction, to be put back when it is aborted.
    evicted: Vec<(i64, Key)>,
    newest_occurred_at: i64,
    newest_received_at: i64,
    window_ms: i64,
    max_entries: usize,
    evicted_early: u64,
    /// False while entries are being restored; the order is then made of all of them at once.
    is_indexed: bool,
}

impl DedupWindow {
    pub(crate) fn new(window_ms: i64, max_entries: usize) -> Self {
        Self {
            seen: KeyedStore::new(STORE, VERSION),
            order: BTreeSet::new(),
            evicted: Vec::new(),
            newest_occurred_at: i64::MIN,
            newest_received_at: i64::MIN,
            window_ms,
            max_entries,
            evicted_early: 0,
            is_indexed: true,
        }
    }

    /// Compares a touchpoint id with those seen, without remembering it.
    pub(crate) fn look(&self, key: Key, fingerprint: u64) -> Verdict {
        match self.seen.get(&key) {
            None => Verdict::New,
            Some(seen) if seen.fingerprint == fingerprint => Verdict::Duplicate,
            Some(_) => Verdict::Conflict,
        }
    }

    /// Remembers a touchpoint id.
    pub(crate) fn remember(&mut self, key: Key, fingerprint: u64, occurred_at: i64, received_at: i64) {
        if !self.is_indexed {
            self.index_restored();
        }
        self.seen.insert(key, Seen { fingerprint, occurred_at, received_at });
        self.index(key, occurred_at, received_at);
        self.evict();
    }

    /// How many entries went before their time since this was last asked.
    pub(crate) fn take_evicted_early(&mut self) -> u64 {
        std::mem::take(&mut self.evicted_early)
    }

    fn index(&mut self, key: Key, occurred_at: i64, received_at: i64) {
        self.order.insert((received_at, key));
        self.newest_occurred_at = self.newest_occurred_at.max(occurred_at);
        self.newest_received_at = self.newest_received_at.max(received_at);
    }

    fn index_restored(&mut self) {
        let mut restored = Vec::with_capacity(self.seen.len());
        self.seen.for_each(|key, seen| restored.push((*key, *seen)));
        for (key, seen) in restored {
            self.index(key, seen.occurred_at, seen.received_at);
        }
        self.is_indexed = true;
    }

    fn evict(&mut self) {
        while let Some(first) = self.order.first().copied() {
            let (received_at, key) = first;
            let entry = self.seen.get(&key).filter(|seen| seen.received_at == received_at).copied();
            let is_past = |at: i64, newest: i64| at < newest.saturating_sub(self.window_ms);
            let expired = entry.is_none_or(|seen| {
                is_past(seen.received_at, self.newest_received_at) && is_past(seen.occurred_at, self.newest_occurred_at)
            });
            if !expired && self.seen.len() <= self.max_entries {
                return;
            }
            self.order.remove(&first);
            if entry.is_some() {
                self.seen.remove(&key);
                self.evicted.push(first);
                self.evicted_early += u64::from(!expired);
            }
        }
    }
}

impl StateStore for DedupWindow {
    fn name(&self) -> &'static str {
        STORE
    }

    fn version(&self) -> u8 {
        VERSION
    }

    fn changes(&self) -> Vec<Change> {
        self.seen.changes()
    }

    fn commit(&mut self) {
        self.seen.commit();
        self.evicted.clear();
    }

    fn abort(&mut self) {
        self.seen.abort();
        self.order.extend(self.evicted.drain(..));
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        self.is_indexed = false;
        self.seen.restore(key, value)
    }

    fn begin_walk(&mut self) {
        self.seen.begin_walk();
    }

    fn walk(&mut self, limit: usize, each: &mut EachEntry<'_>) -> bool {
        self.seen.walk(limit, each)
    }

    fn each_entry(&self, each: &mut EachEntry<'_>) {
        self.seen.each_entry(each);
    }

    fn len(&self) -> usize {
        self.seen.len()
    }
}
