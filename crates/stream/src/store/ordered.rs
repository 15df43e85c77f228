//! An ordered list of values a key.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::ops::Bound;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::walk::{Map, Walk};
use super::{
    Change, EachEntry, EntryEncoder, RestoreError, StateStore, decode, decode_value, encode_key, encode_value,
};

/// An ordered list of values a key, such as the touches of a person; each value is one changelog record, so that a long
/// list costs no more to change than a short one.
#[derive(Debug)]
pub struct OrderedStore<K, S, V> {
    name: &'static str,
    version: u8,
    values: Map<K, BTreeMap<S, V>>,
    before: FxHashMap<(K, S), Option<V>>,
    len: usize,
    walk: Walk,
    /// The list that the walk is in the middle of, and the last entry of it that was visited.
    within: Option<(K, S)>,
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
        }
    }

    /// The entries of `key` in order.
    pub fn list(&self, key: &K) -> impl DoubleEndedIterator<Item = (&S, &V)> {
        self.values.get(key).into_iter().flatten()
    }

    /// How many entries `key` has.
    #[must_use]
    pub fn list_len(&self, key: &K) -> usize {
        self.values.get(key).map_or(0, BTreeMap::len)
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, key: &K, sort: &S) -> Option<&V> {
        self.values.get(key)?.get(sort)
    }

    /// Sets one entry.
    pub fn insert(&mut self, key: &K, sort: S, value: V) {
        let old = self.values.entry(key.clone()).or_default().insert(sort.clone(), value);
        self.len += usize::from(old.is_none());
        self.before.entry((key.clone(), sort)).or_insert(old);
    }

    /// Removes one entry and gives its value.
    pub fn remove(&mut self, key: &K, sort: &S) -> Option<V> {
        let list = self.values.get_mut(key)?;
        let old = list.remove(sort)?;
        if list.is_empty() {
            self.values.swap_remove(key);
        }
        self.len -= 1;
        self.before.entry((key.clone(), sort.clone())).or_insert_with(|| Some(old.clone()));
        Some(old)
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.values.keys()
    }

    fn put(&mut self, key: K, sort: S, value: Option<V>) {
        match value {
            Some(value) => {
                let old = self.values.entry(key).or_default().insert(sort, value);
                self.len += usize::from(old.is_none());
            }
            None => {
                if let Some(list) = self.values.get_mut(&key) {
                    self.len -= usize::from(list.remove(&sort).is_some());
                    if list.is_empty() {
                        self.values.swap_remove(&key);
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
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn changes(&self) -> Vec<Change> {
        let mut keys: Vec<&(K, S)> = self.before.keys().collect();
        keys.sort();
        keys.into_iter()
            .filter_map(|key| {
                let value = self.get(&key.0, &key.1).map(|value| encode_value(self.version, value));
                let was_absent = matches!(self.before.get(key), Some(None));
                (value.is_some() || !was_absent).then(|| (encode_key(key), value))
            })
            .collect()
    }

    fn commit(&mut self) {
        self.before.clear();
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
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        let (key, sort): (K, S) = decode(self.name, key)?;
        let value = value.map(|bytes| decode_value(self.name, self.version, bytes)).transpose()?;
        self.put(key, sort, value);
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
            left = self.walk_list(&key, Bound::Excluded(sort), left, each);
        }
        while left > 0 && self.within.is_none() {
            let Some(place) = self.walk.next(self.values.len()) else { return true };
            let Some((key, _)) = self.values.get_index(place) else { continue };
            left = self.walk_list(&key.clone(), Bound::Unbounded, left, each);
        }
        self.within.is_none() && self.walk.is_over(self.values.len())
    }

    fn len(&self) -> usize {
        self.len
    }
}

impl<K, S, V> OrderedStore<K, S, V>
where
    K: Hash + Eq + Clone + Serialize,
    S: Hash + Ord + Clone + Serialize,
    V: Serialize,
{
    /// Hands at most `limit` entries of one list to `each`; gives what is left of the limit, and notes where it stopped.
    fn walk_list(&mut self, key: &K, from: Bound<S>, limit: usize, each: &mut EachEntry<'_>) -> usize {
        let Some(list) = self.values.get(key) else { return limit };
        let mut encoder = EntryEncoder::default();
        let mut left = limit;
        let mut last = None;
        for (sort, value) in list.range((from, Bound::Unbounded)) {
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
