//! What a store on disk has in memory: what the open transaction has read or touched, and, up to a number of bytes, what
//! was used last. What is read goes first to a map that only grows, so that readers may keep what they were given; commit
//! and abort put it with the rest, and then let go of what was not used for longest.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;

use elsa::FrozenMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::walk::Map;
use crate::disk::Shelf;

/// What was read: a unit (what a store keeps under one key) and its bytes as encoded; `None` when there is none.
type Read<U> = Option<(U, usize)>;
/// Reads the unit of a key; name and version are those of the store.
type Load<K, U> = fn(&Shelf, &K, &'static str, u8) -> Read<U>;

/// The memory of a store that is on disk.
pub(super) struct Cache<K, U> {
    pub(super) shelf: Shelf,
    name: &'static str,
    version: u8,
    load: Load<K, U>,
    /// Read since the last commit or abort, and not touched.
    read: FrozenMap<K, Box<Read<U>>, FxBuildHasher>,
    /// Of the units in memory, those that were used since the last commit or abort.
    used: RefCell<FxHashSet<K>>,
    recency: Recency<K>,
}

impl<K, U> fmt::Debug for Cache<K, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone, U> Cache<K, U> {
    /// Nothing in memory yet of what is on the shelf.
    pub(super) fn new(shelf: Shelf, name: &'static str, version: u8, load: Load<K, U>) -> Self {
        Self {
            shelf,
            name,
            version,
            load,
            read: FrozenMap::default(),
            used: RefCell::default(),
            recency: Recency::default(),
        }
    }

    /// The unit of a key that is not among those in memory.
    pub(super) fn get(&self, key: &K) -> Option<&U> {
        let read = match self.read.get(key) {
            Some(read) => read,
            None => self.read.insert(key.clone(), Box::new(self.load(key))),
        };
        read.as_ref().map(|(unit, _)| unit)
    }

    /// The unit of a key that is not among those in memory, to be put there.
    pub(super) fn take(&mut self, key: &K) -> Option<U> {
        let read = self.read.as_mut().remove(key).map_or_else(|| self.load(key), |read| *read);
        let (unit, bytes) = read?;
        self.recency.note(key, bytes);
        Some(unit)
    }

    fn load(&self, key: &K) -> Read<U> {
        (self.load)(&self.shelf, key, self.name, self.version)
    }

    /// A unit in memory is used.
    pub(super) fn touch(&self, key: &K) {
        let mut used = self.used.borrow_mut();
        if !used.contains(key) {
            used.insert(key.clone());
        }
    }

    /// Bytes of a unit in memory, as far as they are known.
    pub(super) fn bytes(&self, key: &K) -> usize {
        self.recency.bytes(key)
    }

    /// A unit in memory has changed, and has so many bytes now.
    pub(super) fn changed(&mut self, key: &K, bytes: usize) {
        self.recency.note(key, bytes);
    }

    /// A unit is not there any more.
    pub(super) fn removed(&mut self, key: &K) {
        self.recency.forget(key);
    }

    /// No transaction is open: puts what was read to the units in memory, and keeps of them what it may.
    pub(super) fn settle(&mut self, units: &mut Map<K, U>) {
        for (key, read) in std::mem::take(self.read.as_mut()) {
            if let Some((unit, bytes)) = *read {
                self.recency.note(&key, bytes);
                units.insert(key, unit);
            }
        }
        for key in std::mem::take(self.used.get_mut()) {
            self.recency.touch(&key);
        }
        let most = self.shelf.share(self.recency.total);
        while self.recency.total > most
            && let Some(oldest) = self.recency.oldest()
        {
            units.swap_remove(&oldest);
        }
        self.shelf.share(self.recency.total);
    }
}

/// In which order units were used, and how many bytes they have.
struct Recency<K> {
    /// Keys in order of use. An entry counts only if the key was not used since.
    order: VecDeque<(K, u64)>,
    /// When each was last used, and its bytes.
    entries: FxHashMap<K, (u64, usize)>,
    uses: u64,
    total: usize,
}

impl<K> Default for Recency<K> {
    fn default() -> Self {
        Self { order: VecDeque::new(), entries: FxHashMap::default(), uses: 0, total: 0 }
    }
}

impl<K: Hash + Eq + Clone> Recency<K> {
    fn note(&mut self, key: &K, bytes: usize) {
        self.uses += 1;
        let old = self.entries.insert(key.clone(), (self.uses, bytes));
        self.total = self.total + bytes - old.map_or(0, |(_, bytes)| bytes);
        self.order.push_back((key.clone(), self.uses));
        // What does not count any more is at most as much as what does.
        if self.order.len() > 2 * self.entries.len() + 16 {
            let entries = &self.entries;
            self.order.retain(|(key, at)| entries.get(key).is_some_and(|(last, _)| last == at));
        }
    }

    fn touch(&mut self, key: &K) {
        if let Some((_, bytes)) = self.entries.get(key) {
            self.note(key, *bytes);
        }
    }

    fn bytes(&self, key: &K) -> usize {
        self.entries.get(key).map_or(0, |(_, bytes)| *bytes)
    }

    fn forget(&mut self, key: &K) {
        if let Some((_, bytes)) = self.entries.remove(key) {
            self.total -= bytes;
        }
    }

    /// Takes out what was not used for longest.
    fn oldest(&mut self) -> Option<K> {
        loop {
            let (key, at) = self.order.pop_front()?;
            if self.entries.get(&key).is_some_and(|(last, _)| *last == at) {
                self.forget(&key);
                return Some(key);
            }
        }
    }
}
