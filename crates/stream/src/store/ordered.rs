//! An ordered list of values a key.

use std::hash::Hash;
use std::ops::Bound;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Cache;
use super::list::List;
use super::walk::{Map, Walk};
use super::{
    Change, EachEntry, EntryEncoder, RestoreError, StateStore, decode, decode_value, encode_key, encode_value, write_to,
};
use crate::disk::Shelf;

/// How MessagePack begins an array of two.
const ARRAY_OF_TWO: u8 = 0x92;

/// An ordered list of values a key, such as the touches of a person; each value is one changelog record, so that a long
/// list costs no more to change than a short one.
#[derive(Debug)]
pub struct OrderedStore<K, S, V> {
    name: &'static str,
    version: u8,
    /// All lists, or with a place on disk those in memory; only then may there be empty ones, until the transaction ends.
    values: Map<K, List<S, V>>,
    before: FxHashMap<(K, S), Option<V>>,
    /// Entries, of a store that is in memory.
    len: usize,
    walk: Walk,
    /// The list that the walk is in the middle of, and the last entry of it that was visited.
    within: Option<(K, S)>,
    disk: Option<Cache<K, List<S, V>>>,
    /// With a place on disk: keys whose lists are or were empty in the open transaction.
    emptied: Vec<K>,
}

impl<K, S, V> OrderedStore<K, S, V>
where
    K: Hash + Eq + Ord + Clone,
    S: Hash + Ord + Clone,
    V: Clone,
{
    /// An empty store. Raise `version` whenever the shape of a key or value changes.
    #[must_use]
    pub fn new(name: &'static str, version: u8) -> Self {
        Self {
            name,
            version,
            values: Map::default(),
            before: FxHashMap::default(),
            len: 0,
            walk: Walk::default(),
            within: None,
            disk: None,
            emptied: Vec::new(),
        }
    }

    /// The entries of `key` in order.
    pub fn list(&self, key: &K) -> impl DoubleEndedIterator<Item = (&S, &V)> {
        self.find(key).into_iter().flatten()
    }

    /// How many entries `key` has.
    #[must_use]
    pub fn list_len(&self, key: &K) -> usize {
        self.find(key).map_or(0, List::len)
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, key: &K, sort: &S) -> Option<&V> {
        self.find(key)?.get(sort)
    }

    /// Sets one entry.
    pub fn insert(&mut self, key: &K, sort: S, value: V) {
        self.fetch(key);
        let old = self.values.entry(key.clone()).or_default().insert(sort.clone(), value);
        self.len += usize::from(old.is_none());
        self.before.entry((key.clone(), sort)).or_insert(old);
    }

    /// Removes one entry and gives its value.
    pub fn remove(&mut self, key: &K, sort: &S) -> Option<V> {
        self.fetch(key);
        let list = self.values.get_mut(key)?;
        let old = list.remove(sort)?;
        if list.is_empty() {
            self.drop_list(key);
        }
        self.len = self.len.saturating_sub(1);
        self.before.entry((key.clone(), sort.clone())).or_insert_with(|| Some(old.clone()));
        Some(old)
    }

    /// Entries in memory, those that were only read in the open transaction aside.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> usize {
        self.values.values().map(List::len).sum()
    }

    /// An empty list goes; with a place on disk it only goes when the transaction ends, or it would be read there again.
    fn drop_list(&mut self, key: &K) {
        if self.disk.is_some() {
            self.emptied.push(key.clone());
        } else {
            self.values.swap_remove(key);
        }
    }

    /// The list of a key; an empty one may be missing.
    fn find(&self, key: &K) -> Option<&List<S, V>> {
        let list = self.values.get(key);
        match &self.disk {
            None => list,
            Some(disk) if list.is_some() => {
                disk.touch(key);
                list
            }
            Some(disk) => disk.get(key),
        }
    }

    /// Puts the list of `key` to those in memory.
    fn fetch(&mut self, key: &K) {
        let Some(disk) = &mut self.disk else { return };
        if self.values.contains_key(key) {
            disk.touch(key);
        } else {
            // Once it is touched it stays in memory while the transaction is open, even when it is empty.
            let list = disk.take(key).unwrap_or_default();
            if list.is_empty() {
                self.emptied.push(key.clone());
            }
            self.values.insert(key.clone(), list);
        }
    }

    fn put(&mut self, key: K, sort: S, value: Option<V>) {
        match value {
            Some(value) => {
                let old = self.values.entry(key).or_default().insert(sort, value);
                self.len += usize::from(old.is_none());
            }
            None => {
                if let Some(list) = self.values.get_mut(&key) {
                    self.len = self.len.saturating_sub(usize::from(list.remove(&sort).is_some()));
                    if list.is_empty() {
                        self.drop_list(&key);
                    }
                }
            }
        }
    }
}

impl<K, S, V> StateStore for OrderedStore<K, S, V>
where
    K: Hash + Eq + Ord + Clone + Serialize + DeserializeOwned + Send,
    S: Hash + Ord + Clone + Serialize + DeserializeOwned + Send,
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
        let mut touched: Vec<(&(K, S), bool)> = self.before.iter().map(|(key, old)| (key, old.is_some())).collect();
        touched.sort_unstable_by_key(|(key, _)| *key);
        let (mut encoder, mut changes) = (EntryEncoder::default(), Vec::with_capacity(touched.len()));
        for (key, was_there) in touched {
            match self.get(&key.0, &key.1) {
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
        self.put_on_disk();
        self.before.clear();
        self.settle();
    }

    fn abort(&mut self) {
        let before: Vec<((K, S), Option<V>)> = self.before.drain().collect();
        for ((key, sort), old) in before {
            let brings_back = old.is_some();
            self.put(key.clone(), sort, old);
            if let Some(place) = self.values.get_index_of(&key).filter(|_| brings_back) {
                self.walk.revisit(&mut self.values, place);
            }
        }
        self.settle();
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        let encoded = key;
        let (key, sort): (K, S) = decode(self.name, encoded)?;
        let decoded = value.map(|bytes| decode_value(self.name, self.version, bytes)).transpose()?;
        match &self.disk {
            Some(disk) => disk.shelf.restore(encoded, value),
            None => self.put(key, sort, decoded),
        }
        Ok(())
    }

    fn begin_walk(&mut self) {
        self.walk.begin(self.values.len());
        self.within = None;
    }

    fn walk(&mut self, limit: usize, each: &mut EachEntry<'_>) -> bool {
        let mut left = limit;
        if left > 0
            && let Some((key, sort)) = self.within.take()
        {
            left = self.walk_list(&key, Bound::Excluded(&sort), left, each);
        }
        while left > 0 && self.within.is_none() {
            let Some(place) = self.walk.next(self.values.len()) else { return true };
            let Some((key, _)) = self.values.get_index(place) else { continue };
            left = self.walk_list(&key.clone(), Bound::Unbounded, left, each);
        }
        self.within.is_none() && self.walk.is_over(self.values.len())
    }

    fn each_entry(&self, each: &mut EachEntry<'_>) {
        let mut encoder = EntryEncoder::default();
        self.for_each(|key, sort, value| encoder.hand(&(key, sort), self.version, value, each));
    }

    fn len(&self) -> usize {
        let Some(disk) = &self.disk else { return self.len };
        let was = self.before.values().flatten().count();
        let is_there = |(key, sort): &&(K, S)| self.values.get(key).is_some_and(|list| list.contains_key(sort));
        (disk.shelf.len() + self.before.keys().filter(is_there).count()).saturating_sub(was)
    }
}

impl<K, S, V> OrderedStore<K, S, V>
where
    K: Hash + Eq + Clone + Serialize,
    S: Hash + Ord + Clone + Serialize,
    V: Serialize,
{
    /// Puts the changes of the open transaction on disk, which is committed now.
    fn put_on_disk(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        for (entry, old) in self.before.drain() {
            let (key, sort) = &entry;
            let encoded = encode_key(&entry);
            let value = self.values.get(key).and_then(|list| list.get(sort));
            let value = value.map(|value| encode_value(self.version, value));
            let bytes_of = |value: &Vec<u8>| encoded.len() + value.len();
            let was = old.as_ref().map_or(0, |old| bytes_of(&encode_value(self.version, old)));
            let is = value.as_ref().map_or(0, bytes_of);
            disk.changed(key, (disk.bytes(key) + is).saturating_sub(was));
            if value.is_some() || old.is_some() {
                disk.shelf.stage(&encoded, value, old.is_some());
            }
        }
    }

    /// No transaction is open: keeps in memory what may stay there.
    fn settle(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        for key in std::mem::take(&mut self.emptied) {
            if self.values.get(&key).is_some_and(List::is_empty) {
                self.values.swap_remove(&key);
                disk.removed(&key);
            }
        }
        disk.settle(&mut self.values);
    }
}

impl<K, S, V> OrderedStore<K, S, V>
where
    K: Hash + Eq + DeserializeOwned,
    S: Ord + DeserializeOwned,
    V: DeserializeOwned,
{
    /// Hands all entries to `each`, in no order.
    pub fn for_each(&self, mut each: impl FnMut(&K, &S, &V)) {
        for (key, list) in &self.values {
            list.iter().for_each(|(sort, value)| each(key, sort, value));
        }
        let Some(disk) = &self.disk else { return };
        disk.shelf.each(&[], |key, bytes| {
            let entry = decode::<(K, S)>(self.name, key).and_then(|(key, sort)| {
                let is_known = self.values.contains_key(&key);
                if is_known { Ok(None) } else { Ok(Some((key, sort, decode_value(self.name, self.version, bytes)?))) }
            });
            match entry {
                Ok(Some((key, sort, value))) => each(&key, &sort, &value),
                Ok(None) => {}
                Err(error) => disk.shelf.damaged(error.to_string()),
            }
        });
    }
}

/// Reads the list of a key on disk.
fn load<K, S, V>(shelf: &Shelf, key: &K, name: &'static str, version: u8) -> Option<(List<S, V>, usize)>
where
    K: Serialize,
    S: Ord + DeserializeOwned,
    V: DeserializeOwned,
{
    // Key and place in its list are written as an array of two; no value of MessagePack begins with another one.
    let mut prefix = vec![ARRAY_OF_TWO];
    write_to(&mut prefix, key);
    let mut list = List::default();
    let mut total = 0;
    shelf.each(&prefix, |key, bytes| {
        total += key.len() + bytes.len();
        let sort = decode(name, key.get(prefix.len()..).unwrap_or_default());
        match sort.and_then(|sort| Ok((sort, decode_value(name, version, bytes)?))) {
            Ok((sort, value)) => drop(list.insert(sort, value)),
            Err(error) => shelf.damaged(error.to_string()),
        }
    });
    (!list.is_empty()).then_some((list, total))
}

impl<K, S, V> OrderedStore<K, S, V>
where
    K: Hash + Eq + Clone + Serialize,
    S: Hash + Ord + Clone + Serialize,
    V: Serialize,
{
    /// Hands at most `limit` entries of one list to `each`; gives what is left of the limit, and notes where it stopped.
    fn walk_list(&mut self, key: &K, from: Bound<&S>, limit: usize, each: &mut EachEntry<'_>) -> usize {
        let Some(list) = self.values.get(key) else { return limit };
        let mut encoder = EntryEncoder::default();
        let mut left = limit;
        let mut last = None;
        for (sort, value) in list.from(from) {
            if left == 0 {
                self.within = last.map(|sort: &S| (key.clone(), sort.clone()));
                break;
            }
            left -= 1;
            last = Some(sort);
            let changed = if self.before.is_empty() { None } else { self.before.get(&(key.clone(), sort.clone())) };
            let committed = changed.map_or(Some(value), Option::as_ref);
            if let Some(value) = committed {
                encoder.hand(&(key, sort), self.version, value, each);
            }
        }
        left
    }
}
