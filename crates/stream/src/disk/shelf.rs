//! What one store has on disk.

use std::sync::Arc;

use super::failure::DiskError;
use super::task_disk::TaskDisk;

/// The place of one store on disk: it reads there what it does not have in memory, and puts there what is committed.
#[derive(Debug, Clone)]
pub struct Shelf {
    disk: Arc<TaskDisk>,
    store: usize,
}

impl Shelf {
    pub(crate) fn new(disk: Arc<TaskDisk>, store: usize) -> Self {
        Self { disk, store }
    }

    /// Hands the committed value of a key to `of`. When it cannot be read there seems to be none, and the task is told to
    /// stop and build its state anew.
    pub(crate) fn get<T>(&self, key: &[u8], of: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        self.disk.get(&self.full(key), of)
    }

    /// Hands the committed entries whose keys begin with `prefix` to `each`.
    pub(crate) fn each(&self, prefix: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
        let own = self.full(&[]).len();
        self.disk.each(&self.full(prefix), |key, value| each(key.get(own..).unwrap_or_default(), value));
    }

    /// Takes a committed change; `was_there` says whether the key had a value before.
    pub(crate) fn stage(&self, key: &[u8], value: Option<Vec<u8>>, was_there: bool) {
        self.disk.stage(self.store, self.full(key), value, was_there);
    }

    /// Takes a change out of the changelog.
    pub(crate) fn restore(&self, key: &[u8], value: Option<&[u8]>) {
        let was_there = self.disk.has(&self.full(key));
        self.stage(key, value.map(<[u8]>::to_vec), was_there);
    }

    /// Committed entries.
    pub(crate) fn len(&self) -> usize {
        self.disk.len(self.store)
    }

    /// How many bytes of entries may stay in memory of these that are there.
    pub(crate) fn share(&self, bytes: usize) -> usize {
        self.disk.share(self.store, bytes)
    }

    /// What was read is not what was written.
    pub(crate) fn damaged(&self, detail: String) {
        self.disk.fail(DiskError::damaged(detail));
    }

    fn full(&self, key: &[u8]) -> Vec<u8> {
        let mut full = Vec::with_capacity(2 + key.len());
        full.extend_from_slice(&(self.store as u16).to_be_bytes());
        full.extend_from_slice(key);
        full
    }
}
