//! Where checkpoint files are kept: a directory on a local disk, or what a simulation puts in its place.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ending of the name of a file that is being written.
const ASIDE: &str = "tmp";
/// Ending of the name of a complete file.
const COMPLETE: &str = "checkpoint";
/// The file whose lock says who may write.
const LOCK: &str = "lock";

/// A place for files. All calls but [`CheckpointFiles::clock_ms`] may wait for a disk: they are made on threads of their
/// own, unless the checkpoints are kept in step (see [`crate::Checkpoints::in_step`]).
pub trait CheckpointFiles: Send + Sync {
    /// Opens a complete file; `None` when there is none of this name.
    ///
    /// # Errors
    /// [`io::Error`] when it cannot be opened.
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>>;

    /// Begins a file aside; a complete one of this name stays as it is until [`CheckpointFile::finish`].
    ///
    /// # Errors
    /// [`io::Error`] when nothing can be written there.
    fn create(&self, name: &str) -> io::Result<Box<dyn CheckpointFile>>;

    /// What to call a file in messages.
    fn describe(&self, name: &str) -> String;

    /// The wall clock in milliseconds since 1970, by which files are dated.
    fn clock_ms(&self) -> i64;
}

/// A file being written. One that is dropped unfinished is gone.
pub trait CheckpointFile: Send {
    /// Appends.
    ///
    /// # Errors
    /// [`io::Error`] when the disk refuses.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable, and then known under its name.
    ///
    /// # Errors
    /// [`io::Error`] when the disk refuses; the file that was there before is there still.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Files in a directory of the file system.
///
/// Only one process writes there: it holds the lock of the file `lock`, which the system takes from it when it ends in
/// whatever way. Who does not get the lock writes nothing, and asks again for the next file. Reading needs no lock: a
/// complete file is never changed, only replaced.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Complete files that are older are of no use any more, and removed.
    max_age: Duration,
    lock: Mutex<Option<File>>,
}

impl Directory {
    pub(crate) fn new(path: PathBuf, max_age: Duration) -> Self {
        Self { path, max_age, lock: Mutex::new(None) }
    }

    fn complete(&self, name: &str) -> PathBuf {
        self.path.join(name).with_extension(COMPLETE)
    }

    /// Makes the directory ours, unless it already is; what a process that was killed left aside is removed.
    fn claim(&self) -> io::Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_some() && self.path.join(LOCK).exists() {
            return Ok(());
        }
        *lock = None;
        // State is about persons: nobody else on the machine may read it.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(self.path.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another process writes there"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        self.remove(|path, _| has_ending(path, ASIDE))?;
        *lock = Some(file);
        Ok(())
    }

    fn remove(&self, is_useless: impl Fn(&Path, &fs::Metadata) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.metadata().is_ok_and(|metadata| metadata.is_file() && is_useless(&entry.path(), &metadata)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn remove_old(&self) -> io::Result<()> {
        let is_old = |metadata: &fs::Metadata| {
            metadata.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > self.max_age)
        };
        self.remove(|path, metadata| has_ending(path, COMPLETE) && is_old(metadata))
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension == ending)
}

impl CheckpointFiles for Directory {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        match File::open(self.complete(name)) {
            Ok(file) => Ok(Some(Box::new(io::BufReader::with_capacity(1 << 18, file)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn CheckpointFile>> {
        self.claim()?;
        self.remove_old()?;
        let aside = self.path.join(name).with_extension(ASIDE);
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
        Ok(Box::new(DirectoryFile { file, aside, complete: self.complete(name), directory: self.path.clone() }))
    }

    fn describe(&self, name: &str) -> String {
        self.complete(name).display().to_string()
    }

    fn clock_ms(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
    }
}

struct DirectoryFile {
    file: File,
    aside: PathBuf,
    complete: PathBuf,
    directory: PathBuf,
}

impl CheckpointFile for DirectoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.aside, &self.complete)?;
        // The new name is durable once the directory is.
        File::open(&self.directory)?.sync_all()
    }
}

impl Drop for DirectoryFile {
    fn drop(&mut self) {
        // Finished, it is not there under this name any more; else whoever claims the directory next removes it.
        drop(fs::remove_file(&self.aside));
    }
}
