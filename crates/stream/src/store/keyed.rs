//! One value a key.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::walk::{Map, Walk};
use super::{
    Change, EachEntry, EntryEncoder, RestoreError, StateStore, decode, decode_value, encode_key, encode_value,
};

/// One value a key.
#[derive(Debug)]
pub struct KeyedStore<K, V> {
    name: &'static str,
    version: u8,
    values: Map<K, V>,
    /// What was there before the open transaction first touched a key.
    before: FxHashMap<K, Option<V>>,
    walk: Walk,
}

impl<K, V> KeyedStore<K, V>
where
    K: Hash + Eq + Ord + Clone,
    V: Clone,
{
    /// An empty store. Raise `version` whenever the shape of `K` or `V` changes.
    #[must_use]
    pub fn new(name: &'static str, version: u8) -> Self {
        Self { name, version, values: Map::default(), before: FxHashMap::default(), walk: Walk::default() }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let value = self.values.get_mut(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), Some(value.clone()));
        }
        Some(value)
    }

    /// The value of `key`, to be changed; made by `make` when there is none.
    pub fn get_or_insert_with(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), self.values.get(key).cloned());
        }
        self.values.entry(key.clone()).or_insert_with(make)
    }

    /// Sets the value of `key`.
    pub fn insert(&mut self, key: K, value: V) {
        let old = self.values.insert(key.clone(), value);
        self.before.entry(key).or_insert(old);
    }

    /// Removes `key` and gives its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let old = self.values.swap_remove(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), Some(old.clone()));
        }
        Some(old)
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.values.iter()
    }
}

impl<K, V> StateStore for KeyedStore<K, V>
where
    K: Hash + Eq + Ord + Clone + Serialize + DeserializeOwned + Send,
    V: Clone + Serialize + DeserializeOwned + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn changes(&self) -> Vec<Change> {
        let mut keys: Vec<&K> = self.before.keys().collect();
        keys.sort();
        keys.into_iter()
            .filter_map(|key| {
                let value = self.values.get(key).map(|value| encode_value(self.version, value));
                let was_absent = matches!(self.before.get(key), Some(None));
                (value.is_some() || !was_absent).then(|| (encode_key(key), value))
            })
            .collect()
    }

    fn commit(&mut self) {
        self.before.clear();
    }

    fn abort(&mut self) {
        for (key, old) in self.before.drain() {
            match old {
                Some(value) => {
                    // Even if it is there: it may have been removed and put back, out of the way of the walk.
                    let (place, _) = self.values.insert_full(key, value);
                    self.walk.revisit(&mut self.values, place);
                }
                None => drop(self.values.swap_remove(&key)),
            }
        }
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        let key: K = decode(self.name, key)?;
        match value {
            Some(bytes) => drop(self.values.insert(key, decode_value(self.name, self.version, bytes)?)),
            None => drop(self.values.swap_remove(&key)),
        }
        Ok(())
    }

    fn begin_walk(&mut self) {
        self.walk.begin(self.values.len());
    }

    fn walk(&mut self, limit: usize, each: &mut EachEntry<'_>) -> bool {
        let mut encoder = EntryEncoder::default();
        for _ in 0..limit {
            let Some(place) = self.walk.next(self.values.len()) else { return true };
            let Some((key, value)) = self.values.get_index(place) else { continue };
            let committed = self.before.get(key).map_or(Some(value), Option::as_ref);
            if let Some(value) = committed {
                encoder.hand(key, self.version, value, each);
            }
        }
        self.walk.is_over(self.values.len())
    }

    fn len(&self) -> usize {
        self.values.len()
    }
}
