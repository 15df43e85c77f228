//! Databases of state that is on disk: what a worker wrote is there after its crash. In some worlds all workers of a stage
//! share one, as in one process; in the others each has its own, and when it starts it may find an older one, that of
//! another worker, or none, as on a volume that was lost or moved.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

/// Memory that passes for a disk, where there is such a thing: nothing in here has to outlive the machine.
const IN_MEMORY: &str = "/dev/shm";

/// Whose the databases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shares {
    /// One for each worker.
    Worker,
    /// One for all workers of a stage.
    Stage,
}

/// The databases of a world.
#[derive(Debug)]
pub(crate) struct Stores {
    root: TempDir,
    rng: RefCell<ChaCha8Rng>,
    /// Copies of what was there at some time, with the worker's name.
    past: RefCell<Vec<(String, PathBuf)>>,
    found: Cell<u64>,
}

impl Stores {
    /// No databases yet.
    pub(crate) fn new(seed: u64) -> io::Result<Self> {
        let place = Some(Path::new(IN_MEMORY)).filter(|path| path.is_dir());
        let root = place.map_or_else(TempDir::new, TempDir::new_in)?;
        let rng = RefCell::new(ChaCha8Rng::seed_from_u64(seed.rotate_left(17) ^ 0x5702e));
        Ok(Self { root, rng, past: RefCell::default(), found: Cell::new(0) })
    }

    /// Where the database of this name is.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Databases that were there when a worker started.
    pub(crate) fn found(&self) -> u64 {
        self.found.get()
    }

    /// Notes that a worker starts with what is there.
    pub(crate) fn start(&self, name: &str) {
        self.found.set(self.found.get() + u64::from(self.place(name).exists()));
    }

    /// Keeps a copy of what is there, now and then. Nobody may have it open.
    pub(crate) fn archive(&self, name: &str) -> io::Result<()> {
        let place = self.place(name);
        if place.exists() && self.rng.borrow_mut().random_bool(0.5) {
            let copy = self.root.path().join(format!("past-{}", self.past.borrow().len()));
            copy_directory(&place, &copy)?;
            self.past.borrow_mut().push((name.to_owned(), copy));
        }
        Ok(())
    }

    /// Something happens to what a worker left there. Nobody may have it open. Says what.
    pub(crate) fn swap(&self, name: &str) -> io::Result<Option<String>> {
        let place = self.place(name);
        let stage = |name: &str| name.rsplit_once('-').map(|(stage, _)| stage.to_owned());
        let past = self.past.borrow();
        let others: Vec<&(String, PathBuf)> = past.iter().filter(|(of, _)| stage(of) == stage(name)).collect();
        let mut rng = self.rng.borrow_mut();
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        if others.is_empty() || rng.random_ratio(1, 4) {
            return Ok(Some(format!("the database of {name} is lost")));
        }
        let (of, copy) = others[rng.random_range(0..others.len())];
        copy_directory(copy, &place)?;
        Ok(Some(format!("the database of {name} is an older one of {of}")))
    }
}

fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
