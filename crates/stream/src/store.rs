//! Keyed state in memory, with what is needed to take back an aborted transaction and to write the changelog.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One change for a changelog: key, and value or tombstone.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// Why a changelog record could not be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by another version of the state.
    #[error(
        "store {store} is version {expected} here and {found} in the changelog: run the version that wrote it, or reset the stage"
    )]
    Version {
        /// The store.
        store: &'static str,
        /// Version of this build.
        expected: u8,
        /// Version of the record.
        found: u8,
    },
    /// The bytes are not what this version writes.
    #[error("store {store}: {detail}")]
    Corrupt {
        /// The store.
        store: &'static str,
        /// What the decoder said.
        detail: String,
    },
}

/// A store as the runtime sees it.
///
/// Writes count at once for the task that makes them, and for nobody else until [`StateStore::commit`];
/// [`StateStore::abort`] takes them back.
pub trait StateStore: Send {
    /// Name of the store, part of its changelog's name.
    fn name(&self) -> &'static str;
    /// What changed since the last commit, for the changelog, in order of key; leaves the changes open.
    fn changes(&self) -> Vec<Change>;
    /// The open changes are in a committed transaction now.
    fn commit(&mut self);
    /// The transaction was aborted: the state is as at the last commit again.
    fn abort(&mut self);
    /// Takes over one changelog record at start.
    ///
    /// # Errors
    /// [`RestoreError`] when it was written by another version or is corrupt.
    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError>;
    /// Entries now.
    fn len(&self) -> usize;
    /// True without entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn encode_value<V: Serialize>(version: u8, value: &V) -> Vec<u8> {
    let mut bytes = vec![version];
    // Writing plain data to a vector cannot fail; a type that can would show in its first test.
    if let Err(error) = rmp_serde::encode::write(&mut bytes, value) {
        tracing::error!(%error, "state value cannot be encoded");
    }
    bytes
}

fn encode_key<K: Serialize>(key: &K) -> Vec<u8> {
    rmp_serde::to_vec(key).unwrap_or_default()
}

fn decode<T: DeserializeOwned>(store: &'static str, bytes: &[u8]) -> Result<T, RestoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| RestoreError::Corrupt { store, detail: error.to_string() })
}

fn decode_value<T: DeserializeOwned>(store: &'static str, version: u8, bytes: &[u8]) -> Result<T, RestoreError> {
    match bytes.split_first() {
        Some((found, rest)) if *found == version => decode(store, rest),
        Some((found, _)) => Err(RestoreError::Version { store, expected: version, found: *found }),
        None => Err(RestoreError::Corrupt { store, detail: "empty value".to_owned() }),
    }
}

/// One value a key.
#[derive(Debug)]
pub struct KeyedStore<K, V> {
    name: &'static str,
    version: u8,
    values: FxHashMap<K, V>,
    /// What was there before the open transaction first touched a key.
    before: FxHashMap<K, Option<V>>,
}

impl<K, V> KeyedStore<K, V>
where
    K: Hash + Eq + Ord + Clone,
    V: Clone,
{
    /// An empty store. Raise `version` whenever the shape of `K` or `V` changes.
    #[must_use]
    pub fn new(name: &'static str, version: u8) -> Self {
        Self { name, version, values: FxHashMap::default(), before: FxHashMap::default() }
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
        let old = self.values.remove(key)?;
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
                Some(value) => drop(self.values.insert(key, value)),
                None => drop(self.values.remove(&key)),
            }
        }
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        let key: K = decode(self.name, key)?;
        match value {
            Some(bytes) => drop(self.values.insert(key, decode_value(self.name, self.version, bytes)?)),
            None => drop(self.values.remove(&key)),
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.values.len()
    }
}

/// An ordered list of values a key, such as the touches of a person; each value is one changelog record, so that a long
/// list costs no more to change than a short one.
#[derive(Debug)]
pub struct OrderedStore<K, S, V> {
    name: &'static str,
    version: u8,
    values: FxHashMap<K, BTreeMap<S, V>>,
    before: FxHashMap<(K, S), Option<V>>,
    len: usize,
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
        Self { name, version, values: FxHashMap::default(), before: FxHashMap::default(), len: 0 }
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
            self.values.remove(key);
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
                        self.values.remove(&key);
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
            self.put(key, sort, old);
        }
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), RestoreError> {
        let (key, sort): (K, S) = decode(self.name, key)?;
        let value = value.map(|bytes| decode_value(self.name, self.version, bytes)).transpose()?;
        self.put(key, sort, value);
        Ok(())
    }

    fn len(&self) -> usize {
        self.len
    }
}
