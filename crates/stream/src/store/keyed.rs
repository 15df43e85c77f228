//! One value a key.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Cache;
use super::walk::{Map, Walk};
use super::{
    Change, EachEntry, EntryEncoder, RestoreError, StateStore, decode, decode_value, encode_key, encode_value,
};
use crate::disk::Shelf;

/// One value a key.
#[derive(Debug)]
pub struct KeyedStore<K, V> {
    name: &'static str,
    version: u8,
    /// All of them, or with a place on disk those in memory.
    values: Map<K, V>,
    /// What was there before the open transaction first touched a key.
    before: FxHashMap<K, Option<V>>,
    walk: Walk,
    disk: Option<Cache<K, V>>,
}

impl<K, V> KeyedStore<K, V>
where
    K: Hash + Eq + Ord + Clone,
    V: Clone,
{
    /// An empty store. Raise `version` whenever the shape of `K` or `V` changes.
    #[must_use]
    pub fn new(name: &'static str, version: u8) -> Self {
        Self { name, version, values: Map::default(), before: FxHashMap::default(), walk: Walk::default(), disk: None }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let value = self.values.get(key);
        match &self.disk {
            None => value,
            Some(disk) if value.is_some() => {
                disk.touch(key);
                value
            }
            Some(_) if self.before.contains_key(key) => None,
            Some(disk) => disk.get(key),
        }
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.fetch(key);
        let value = self.values.get_mut(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), Some(value.clone()));
        }
        Some(value)
    }

    /// The value of `key`, to be changed; made by `make` when there is none.
    pub fn get_or_insert_with(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        self.fetch(key);
        let place = self.values.get_index_of(key);
        if !self.before.contains_key(key) {
            let old = place.and_then(|place| self.values.get_index(place)).map(|(_, value)| value.clone());
            self.before.insert(key.clone(), old);
        }
        match place {
            Some(place) => &mut self.values[place],
            None => self.values.entry(key.clone()).or_insert_with(make),
        }
    }

    /// Sets the value of `key`.
    pub fn insert(&mut self, key: K, value: V) {
        self.fetch(&key);
        let old = self.values.insert(key.clone(), value);
        self.before.entry(key).or_insert(old);
    }

    /// Removes `key` and gives its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.fetch(key);
        let old = self.values.swap_remove(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), Some(old.clone()));
        }
        Some(old)
    }

    /// Values in memory, those that were only read in the open transaction aside.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> usize {
        self.values.len()
    }

    /// Puts the value of `key` to those in memory.
    fn fetch(&mut self, key: &K) {
        let Some(disk) = &mut self.disk else { return };
        if self.values.contains_key(key) {
            disk.touch(key);
        } else if !self.before.contains_key(key)
            && let Some(value) = disk.take(key)
        {
            self.values.insert(key.clone(), value);
        }
    }
}

impl<K, V> StateStore for KeyedStore<K, V>
where
    K: Hash + Eq + Ord + Clone + Serialize + DeserializeOwned + Send,
    V: Clone + Serialize + DeserializeOwned + Send,
{
    fn attach(&mut self, shelf: Shelf) -> bool {
        self.disk = Some(Cache::new(shelf, self.name, self.version, load));
        true
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn changes(&self) -> Vec<Change> {
        let mut touched: Vec<(&K, bool)> = self.before.iter().map(|(key, old)| (key, old.is_some())).collect();
        touched.sort_unstable_by_key(|(key, _)| *key);
        let (mut encoder, mut changes) = (EntryEncoder::default(), Vec::with_capacity(touched.len()));
        for (key, was_there) in touched {
            match self.values.get(key) {
                Some(value) => encoder.hand(key, self.version, value, &mut |key, value| {
                    changes.push((key.to_vec(), Some(value.to_vec())));
                }),
                None if was_there => changes.push((encode_key(key), None)),
                None => {}
            }
        }
        changes
    }

    fn commit(&mut self) {
        if let Some(disk) = &mut self.disk {
            for (key, old) in self.before.drain() {
                let encoded = encode_key(&key);
                let value = self.values.get(&key).map(|value| encode_value(self.version, value));
                match &value {
                    Some(value) => disk.changed(&key, encoded.len() + value.len()),
                    None => disk.removed(&key),
                }
                if value.is_some() || old.is_some() {
                    disk.shelf.stage(&encoded, value, old.is_some());
                }
            }
            disk.settle(&mut self.values);
        }
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
        if let Some(disk) = &mut self.disk {
            disk.settle(&mut self.values);
        }
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        let encoded = key;
        let key: K = decode(self.name, encoded)?;
        let decoded = value.map(|bytes| decode_value(self.name, self.version, bytes)).transpose()?;
        match (&self.disk, decoded) {
            (Some(disk), _) => disk.shelf.restore(encoded, value),
            (None, Some(value)) => drop(self.values.insert(key, value)),
            (None, None) => drop(self.values.swap_remove(&key)),
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

    fn each_entry(&self, each: &mut EachEntry<'_>) {
        let mut encoder = EntryEncoder::default();
        self.for_each(|key, value| encoder.hand(key, self.version, value, each));
    }

    fn len(&self) -> usize {
        let Some(disk) = &self.disk else { return self.values.len() };
        let was = self.before.values().flatten().count();
        let is = self.before.keys().filter(|key| self.values.contains_key(*key)).count();
        (disk.shelf.len() + is).saturating_sub(was)
    }
}

impl<K, V> KeyedStore<K, V>
where
    K: Hash + Eq + DeserializeOwned,
    V: DeserializeOwned,
{
    /// Hands all entries to `each`, in no order.
    pub fn for_each(&self, mut each: impl FnMut(&K, &V)) {
        self.values.iter().for_each(|(key, value)| each(key, value));
        let Some(disk) = &self.disk else { return };
        disk.shelf.each(&[], |key, bytes| {
            let entry = decode::<K>(self.name, key).and_then(|key| {
                let is_known = self.values.contains_key(&key) || self.before.contains_key(&key);
                if is_known { Ok(None) } else { Ok(Some((key, decode_value(self.name, self.version, bytes)?))) }
            });
            match entry {
                Ok(Some((key, value))) => each(&key, &value),
                Ok(None) => {}
                Err(error) => disk.shelf.damaged(error.to_string()),
            }
        });
    }
}

/// Reads the value of a key on disk.
fn load<K: Serialize, V: DeserializeOwned>(
    shelf: &Shelf,
    key: &K,
    name: &'static str,
    version: u8,
) -> Option<(V, usize)> {
    let key = encode_key(key);
    shelf.get(&key, |bytes| match decode_value(name, version, bytes) {
        Ok(value) => Some((value, key.len() + bytes.len())),
        Err(error) => {
            shelf.damaged(error.to_string());
            None
        }
    })
}
