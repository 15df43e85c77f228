//! What one task has on disk: the entries of its stores, and what they are good for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::database::{Database, Lease};
use super::failure::DiskError;
use crate::checkpoint::{Header, Unusable};
use crate::metrics::disk_reads;
use crate::processor::TaskInfo;

/// Raised whenever the bytes on disk mean something else.
const FORMAT_VERSION: u16 = 1;
/// So much is gathered at most while changelogs are being read, in bytes of keys and values.
const GATHERED_BYTES: usize = 4 << 20;
/// State that does not change is confirmed so often, or it would look old, in milliseconds.
const CONFIRM_INTERVAL_MS: i64 = 60_000;

/// What the state on disk is of, what it is good for, and how much it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Label {
    /// As in a checkpoint; the offsets of stores that are not on disk are left out.
    pub(super) header: Header,
    /// Entries of each store that is on disk.
    pub(super) lens: BTreeMap<usize, u64>,
}

impl Label {
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut bytes = FORMAT_VERSION.to_le_bytes().to_vec();
        if let Err(error) = rmp_serde::encode::write(&mut bytes, self) {
            // Plain data: cannot fail. What was cut short would be refused when it is read.
            tracing::error!(%error, "what the state on disk is good for cannot be encoded");
        }
        bytes
    }

    pub(super) fn decoded(bytes: &[u8]) -> Result<Self, Unusable> {
        let (version, rest) = bytes.split_first_chunk().ok_or(Unusable::Undecodable)?;
        let found = u16::from_le_bytes(*version);
        if found != FORMAT_VERSION {
            return Err(Unusable::Format { found, expected: FORMAT_VERSION });
        }
        rmp_serde::from_slice(rest).map_err(|_| Unusable::Undecodable)
    }
}

/// What has not been written yet.
struct Waiting {
    /// Entries by key, with that of the store in front; `None` is one that is removed.
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    label: Label,
    /// Why something could not be read.
    fault: Option<String>,
}

/// The part of the database that belongs to one task. Its stores and the task itself share it.
pub(crate) struct TaskDisk {
    database: Arc<Database>,
    info: TaskInfo,
    lease: Lease,
    clock_ms: Box<dyn Fn() -> i64 + Send + Sync>,
    waiting: Mutex<Waiting>,
    /// Bytes of entries that each store keeps in memory.
    cached: Vec<AtomicUsize>,
    reads: metrics::Counter,
}

impl std::fmt::Debug for TaskDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskDisk").field("info", &self.info).finish_non_exhaustive()
    }
}

impl TaskDisk {
    /// The part of the task that `header` is of; nothing of what is there is trusted yet. `clock_ms` is the wall clock.
    pub(super) fn new(
        database: Arc<Database>,
        info: TaskInfo,
        header: Header,
        clock_ms: Box<dyn Fn() -> i64 + Send + Sync>,
    ) -> Result<Self, DiskError> {
        let lease = database.prepare(info, clock_ms())?;
        let cached = header.changelogs.iter().map(|_| AtomicUsize::new(0)).collect();
        let label = Label { header, lens: BTreeMap::new() };
        let waiting = Mutex::new(Waiting { entries: BTreeMap::new(), bytes: 0, label, fault: None });
        Ok(Self { reads: disk_reads(database.stage()), database, info, lease, clock_ms, waiting, cached })
    }

    /// One more store is on disk.
    pub(crate) fn add_store(&self, store: usize) {
        self.waiting().label.lens.entry(store).or_insert(0);
    }

    /// True for a store that is on disk.
    pub(crate) fn has_store(&self, store: usize) -> bool {
        self.waiting().label.lens.contains_key(&store)
    }

    /// What is there says this of itself.
    pub(super) fn found(&self) -> Result<Option<Vec<u8>>, DiskError> {
        match self.database.take_condemned(self.info) {
            Some(error) => Err(error),
            None => self.database.mark(self.lease),
        }
    }

    /// What would be written if nothing had changed, as of now.
    pub(super) fn expected(&self) -> Label {
        let mut label = self.waiting().label.clone();
        label.header.created_at_ms = (self.clock_ms)();
        label
    }

    /// What is there is the state.
    pub(super) fn trust(&self, label: &Label) {
        let mut waiting = self.waiting();
        waiting.label.lens.clone_from(&label.lens);
        waiting.label.header.created_at_ms = label.header.created_at_ms;
    }

    /// True when nothing is there.
    pub(super) fn is_empty(&self) -> Result<bool, DiskError> {
        self.database.is_empty(self.lease)
    }

    /// What is there is thrown away.
    pub(super) fn empty(&self) -> Result<(), DiskError> {
        self.database.empty(self.lease)
    }

    /// Where it is, for messages.
    pub(crate) fn describe(&self) -> String {
        format!("{} of task {}-{}", self.database.describe(), self.info.topic_index, self.info.partition)
    }

    /// Why something of the state could not be read since the task was taken over: it cannot go on then.
    pub(crate) fn fault(&self) -> Option<String> {
        self.waiting().fault.clone()
    }

    /// True when so much has been gathered that it should be written.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting().bytes >= GATHERED_BYTES
    }

    /// Writes what has been gathered, which is the state at these offsets of the changelogs. What cannot be written is
    /// kept.
    pub(crate) fn flush(&self, next: &BTreeMap<usize, i64>) {
        let mut waiting = self.waiting();
        let Waiting { entries, bytes, label, .. } = &mut *waiting;
        label.header.created_at_ms = (self.clock_ms)();
        for (store, mark) in label.header.changelogs.iter_mut().enumerate() {
            mark.next = next.get(&store).copied().filter(|_| label.lens.contains_key(&store));
        }
        let written = self.database.write(self.lease, &label.encoded(), |batch, keyspace| {
            for (key, value) in entries.iter() {
                match value {
                    Some(value) => batch.insert(keyspace, key.as_slice(), value.as_slice()),
                    None => batch.remove(keyspace, key.as_slice()),
                }
            }
        });
        match written {
            Ok(()) => {
                entries.clear();
                *bytes = 0;
            }
            Err(error) if error.is_lost() => {
                drop(waiting);
                self.fail(error);
            }
            Err(_) => {} // It is tried again.
        }
    }

    /// Tries again to write what could not be written, confirms what has not changed for a while, and makes durable what
    /// was written.
    pub(crate) fn tend(&self, next: &BTreeMap<usize, i64>) {
        let is_due = {
            let waiting = self.waiting();
            let age_ms = (self.clock_ms)().saturating_sub(waiting.label.header.created_at_ms);
            !waiting.entries.is_empty() || age_ms >= CONFIRM_INTERVAL_MS
        };
        if is_due {
            self.flush(next);
        }
        self.database.sync_if_due(self.lease);
    }

    /// Hands the value of a key to `of`.
    pub(super) fn get<T>(&self, key: &[u8], of: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let waiting = self.waiting().entries.get(key).cloned();
        if let Some(value) = waiting {
            return of(&value?);
        }
        self.reads.increment(1);
        match self.database.read(self.lease, |keyspace| keyspace.get(key)) {
            Ok(value) => of(&value?),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// True when there is a value for a key.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.get(key, |_| Some(())).is_some()
    }

    /// Hands all entries whose keys begin with `prefix` to `each`, in order of key.
    pub(super) fn each(&self, prefix: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
        let range = |waiting: &Waiting| {
            let entries = waiting.entries.range(prefix.to_vec()..);
            let within = entries.take_while(|(key, _)| key.starts_with(prefix));
            within.map(|(key, value)| (key.clone(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        let mut waiting = range(&self.waiting());
        self.reads.increment(1);
        let read = self.database.read(self.lease, |keyspace| {
            for entry in keyspace.prefix(prefix) {
                let (key, value) = entry.into_inner()?;
                if !waiting.contains_key(&*key) {
                    each(&key, &value);
                }
            }
            Ok(())
        });
        if let Err(error) = read {
            self.fail(error);
        }
        for (key, value) in std::mem::take(&mut waiting) {
            if let Some(value) = value {
                each(&key, &value);
            }
        }
    }

    /// Takes a committed change; `was_there` says whether the key had a value before.
    pub(super) fn stage(&self, store: usize, key: Vec<u8>, value: Option<Vec<u8>>, was_there: bool) {
        let mut waiting = self.waiting();
        if let Some(len) = waiting.label.lens.get_mut(&store) {
            *len = (*len + u64::from(value.is_some())).saturating_sub(u64::from(was_there));
        }
        waiting.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        waiting.entries.insert(key, value);
    }

    /// Entries of a store, in committed state.
    pub(super) fn len(&self, store: usize) -> usize {
        self.waiting().label.lens.get(&store).map_or(0, |len| *len as usize)
    }

    /// A store keeps so many bytes in memory and may keep as many as this says: its part of what the task may keep.
    pub(super) fn share(&self, store: usize, bytes: usize) -> usize {
        if let Some(cached) = self.cached.get(store) {
            cached.store(bytes, Ordering::Relaxed);
        }
        let all: usize = self.cached.iter().map(|cached| cached.load(Ordering::Relaxed)).sum();
        let most = self.database.cache_bytes;
        if all <= most {
            return bytes;
        }
        (most as u128 * bytes as u128 / all as u128) as usize
    }

    /// Something of the state cannot be read: the task must not go on with what it was told instead.
    pub(super) fn fail(&self, error: DiskError) {
        let why = format!("the state in {} cannot be read: {error}", self.describe());
        let mut waiting = self.waiting();
        if waiting.fault.is_none() {
            tracing::warn!(stage = self.database.stage(), reason = error.reason, why, "building the state anew");
            if !error.is_elsewhere() {
                self.database.condemn(self.info, error);
            }
            waiting.fault = Some(why);
        }
    }

    /// Puts what is in the log of batches into tables.
    #[cfg(test)]
    pub(super) fn to_tables(&self) {
        self.database.read(self.lease, |keyspace| keyspace.rotate_memtable_and_wait()).unwrap();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
