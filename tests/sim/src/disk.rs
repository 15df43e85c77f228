//! The local disks of the workers in memory: what a worker finished is there after its crash, what it did not is gone.
//! Files get damaged, cut off, lost, replaced by an older one or by one of another disk, and a disk may refuse.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tributary_stream::{CheckpointFile, CheckpointFiles};

/// What the disks count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Files that were finished.
    pub finished: u64,
    /// Files that were opened to be taken over.
    pub opened: u64,
    /// Files that something happened to.
    pub damaged: u64,
    /// Calls that were refused.
    pub refused: u64,
}

/// A disk and a name on it.
type FileName = (String, String);

#[derive(Debug)]
struct Inner {
    files: BTreeMap<FileName, Vec<u8>>,
    /// What was finished under each name, whatever became of it.
    past: BTreeMap<FileName, Vec<Vec<u8>>>,
    /// Calls are refused, one in so many; 0 for never.
    refuses: u32,
    rng: ChaCha8Rng,
    counts: DiskCounts,
}

/// The disks of a world. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Disks {
    inner: Arc<Mutex<Inner>>,
    clock_ms: Arc<AtomicI64>,
}

impl Disks {
    /// Empty disks that refuse one in so many calls; 0 for none.
    #[must_use]
    pub fn new(seed: u64, refuses: u32) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed.rotate_left(31) ^ 0xd15c);
        let (files, past) = (BTreeMap::new(), BTreeMap::new());
        let inner = Inner { files, past, refuses, rng, counts: DiskCounts::default() };
        Self { inner: Arc::new(Mutex::new(inner)), clock_ms: Arc::default() }
    }

    /// The disk of a worker.
    #[must_use]
    pub fn of(&self, worker: &str) -> Arc<dyn CheckpointFiles> {
        Arc::new(Disk { of: worker.to_owned(), disks: self.clone() })
    }

    /// Sets the wall clock.
    pub fn set_clock(&self, ms: i64) {
        self.clock_ms.store(ms, Ordering::Relaxed);
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> DiskCounts {
        self.inner().counts
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happens to one of the files; says what.
    pub fn damage(&self) -> Option<String> {
        let mut inner = self.inner();
        let Inner { files, past, rng, counts, .. } = &mut *inner;
        let names: Vec<FileName> = past.keys().cloned().collect();
        if names.is_empty() {
            return None;
        }
        let name = names[rng.random_range(0..names.len())].clone();
        let old = |rng: &mut ChaCha8Rng, of: &FileName| {
            past.get(of).map(|contents| contents[rng.random_range(0..contents.len())].clone())
        };
        let what = match rng.random_range(0..5) {
            0 => {
                let file = files.get_mut(&name).filter(|file| !file.is_empty())?;
                let at = rng.random_range(0..file.len());
                file[at] ^= 1 << rng.random_range(0..8);
                format!("bit of byte {at} turned")
            }
            1 => {
                let file = files.get_mut(&name)?;
                let length = rng.random_range(0..=file.len());
                file.truncate(length);
                format!("cut off at {length}")
            }
            2 => files.remove(&name).map(|_| "lost".to_owned())?,
            3 => {
                files.insert(name.clone(), old(rng, &name)?);
                "replaced by an older one".to_owned()
            }
            _ => {
                // As when a volume moves to another machine: often that of the same task, sometimes of another.
                let is_any = rng.random_ratio(1, 3);
                let others: Vec<&FileName> = names.iter().filter(|other| is_any || other.1 == name.1).collect();
                let from = others[rng.random_range(0..others.len())].clone();
                files.insert(name.clone(), old(rng, &from)?);
                format!("replaced by {} of {}", from.1, from.0)
            }
        };
        counts.damaged += 1;
        Some(format!("checkpoint {} of {} is {what}", name.1, name.0))
    }

    fn refuse(&self) -> io::Result<()> {
        let mut inner = self.inner();
        let Inner { refuses, rng, counts, .. } = &mut *inner;
        if *refuses > 0 && rng.random_ratio(1, *refuses) {
            counts.refused += 1;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }
}

struct Disk {
    of: String,
    disks: Disks,
}

impl CheckpointFiles for Disk {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        self.disks.refuse()?;
        let mut inner = self.disks.inner();
        let Some(bytes) = inner.files.get(&(self.of.clone(), name.to_owned())).cloned() else { return Ok(None) };
        inner.counts.opened += 1;
        Ok(Some(Box::new(Cursor::new(bytes))))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn CheckpointFile>> {
        self.disks.refuse()?;
        let name = (self.of.clone(), name.to_owned());
        Ok(Box::new(Aside { name, bytes: Vec::new(), disks: self.disks.clone() }))
    }

    fn describe(&self, name: &str) -> String {
        format!("{name} of {}", self.of)
    }

    fn clock_ms(&self) -> i64 {
        self.disks.clock_ms.load(Ordering::Relaxed)
    }
}

struct Aside {
    name: FileName,
    bytes: Vec<u8>,
    disks: Disks,
}

impl CheckpointFile for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disks.refuse()?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.disks.refuse()?;
        let mut inner = self.disks.inner();
        inner.counts.finished += 1;
        inner.past.entry(self.name.clone()).or_default().push(self.bytes.clone());
        inner.files.insert(self.name, self.bytes);
        Ok(())
    }
}
