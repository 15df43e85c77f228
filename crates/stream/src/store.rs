//! Keyed state in memory, with what is needed to take back an aborted transaction and to write the changelog.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::Shelf;

mod cache;
mod keyed;
mod list;
mod ordered;
#[cfg(test)]
mod tests;
mod walk;

pub use keyed::KeyedStore;
pub use ordered::OrderedStore;

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

/// Takes one entry of a store: key and value, encoded as in the changelog.
pub type EachEntry<'a> = dyn FnMut(&[u8], &[u8]) + 'a;

/// A store as the runtime sees it.
///
/// Writes count at once for the task that makes them, and for nobody else until [`StateStore::commit`];
/// [`StateStore::abort`] takes them back.
pub trait StateStore: Send {
    /// Name of the store, part of its changelog's name.
    fn name(&self) -> &'static str;
    /// Version of the shape of its keys and values.
    fn version(&self) -> u8;
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
    /// Takes a place on disk for what does not fit in memory; called once, before there is any state. A store that does
    /// so reads there what it does not have in memory and puts there what is committed, and is not walked over. False:
    /// the store stays in memory.
    fn attach(&mut self, _shelf: Shelf) -> bool {
        false
    }
    /// Begins a walk over the committed entries; one that was under way is forgotten.
    fn begin_walk(&mut self);
    /// Goes on with the walk: hands at most `limit` entries to `each`, as they were last committed. True when nothing is left.
    ///
    /// Between two calls the store may change, commit and abort. Every entry that is committed when the walk begins and
    /// is not changed in a committed transaction until the walk is over is handed over, with its value; others may be, as
    /// they were at some commit meanwhile. An abort may bring entries back that are then left to visit: the walk is over
    /// only when this says so while no change is open.
    fn walk(&mut self, limit: usize, each: &mut EachEntry<'_>) -> bool;
    /// Hands all entries to `each` as they are now, wherever they are, in no order.
    fn each_entry(&self, each: &mut EachEntry<'_>);
    /// Entries now.
    fn len(&self) -> usize;
    /// True without entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn write_to<T: Serialize>(bytes: &mut Vec<u8>, value: &T) {
    // Writing plain data to a vector cannot fail; a type that can would show in its first test.
    if let Err(error) = rmp_serde::encode::write(bytes, value) {
        tracing::error!(%error, "a key or value of state cannot be encoded");
    }
}

fn encode_value<V: Serialize>(version: u8, value: &V) -> Vec<u8> {
    let mut bytes = vec![version];
    write_to(&mut bytes, value);
    bytes
}

fn encode_key<K: Serialize>(key: &K) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_to(&mut bytes, key);
    bytes
}

/// Encodes entries one after the other into the same buffers.
#[derive(Debug, Default)]
struct EntryEncoder {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl EntryEncoder {
    fn hand<K: Serialize, V: Serialize>(&mut self, key: &K, version: u8, value: &V, each: &mut EachEntry<'_>) {
        self.key.clear();
        self.value.clear();
        write_to(&mut self.key, key);
        self.value.push(version);
        write_to(&mut self.value, value);
        each(&self.key, &self.value);
    }
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
