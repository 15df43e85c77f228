//! Databases of state that is on disk: what a worker wrote is there after its crash. In some worlds all workers of a stage
//! share one, as in one process; in the others each has its own, and when it starts it may find an older one, that of
//! another worker, or none, as on a volume that was lost or moved.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

/// Memory that passes for a disk, where there is such a thing: nothing in here has to outlive the machine.
const IN_MEMORY: &str = "/dev/shm";

/// What is copied at a time, or left out where there is nothing in it.
const BLOCK: usize = 64 * 1024;

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
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Copies a file with its holes: a database takes its space long before it fills it.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let (mut block, nothing) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut length = 0;
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            return to.set_len(length);
        }
        if block[..read] != nothing[..read] {
            to.seek(SeekFrom::Start(length))?;
            to.write_all(&block[..read])?;
        }
        length += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_copy_has_the_same_bytes_wherever_there_are_holes() {
        let directory = TempDir::new().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        for (length, at) in
            [(0, None), (10, Some(3)), (5 * BLOCK, Some(2 * BLOCK + 7)), (3 * BLOCK + 1, Some(3 * BLOCK))]
        {
            let mut bytes = vec![0; length];
            if let Some(at) = at {
                bytes[at] = 1;
            }
            fs::write(&from, &bytes).unwrap();
            copy_file(&from, &to).unwrap();
            assert!(fs::read(&to).unwrap() == bytes, "{length} bytes");
            let taken = fs::metadata(&to).unwrap().blocks() * 512;
            assert!(taken <= 2 * BLOCK as u64, "{taken} bytes of the disk for {length}");
        }
    }
}
