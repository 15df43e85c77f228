//! A place on disk without a task, to try stores on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::database::Database;
use super::shelf::Shelf;
use super::task_disk::{Label, TaskDisk};
use crate::checkpoint::{Header, Mark};
use crate::error::StreamError;
use crate::processor::TaskInfo;

const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A database with a place for one store that belongs to no task: for benches and tests. Nothing in it is held against a
/// changelog.
#[derive(Debug)]
pub struct LoneDisk {
    disk: Arc<TaskDisk>,
    next: i64,
}

impl LoneDisk {
    /// Opens or makes it at `path`, with a cache of so many bytes of encoded entries.
    ///
    /// # Errors
    /// [`StreamError::Disk`] when it cannot be opened, or not be read.
    pub fn open(path: PathBuf, cache_bytes: usize) -> Result<Self, StreamError> {
        let database = Arc::new(Database::new("lone", path, cache_bytes, FOR_EVER));
        let refused = |detail: String| StreamError::Disk { path: database.describe(), detail };
        let mark = Mark { topic: "none".to_owned(), partition: 0, store_version: 0, next: None };
        let header = Header {
            cluster_id: String::new(),
            stage: "lone".to_owned(),
            topic_index: 0,
            partition: 0,
            created_at_ms: 0,
            changelogs: vec![mark],
        };
        let info = TaskInfo { topic_index: 0, partition: 0 };
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let disk = TaskDisk::new(Arc::clone(&database), info, header, Box::new(clock));
        let disk = disk.map_err(|error| refused(error.to_string()))?;
        disk.add_store(0);
        let mut next = 0;
        if let Some(bytes) = disk.found().map_err(|error| refused(error.to_string()))? {
            let label = Label::decoded(&bytes).map_err(|why| refused(why.to_string()))?;
            next = label.header.changelogs.first().and_then(|mark| mark.next).unwrap_or(0);
            disk.trust(&label);
        }
        Ok(Self { disk: Arc::new(disk), next })
    }

    /// The place of the store, for [`crate::StateStore::attach`].
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        Shelf::new(Arc::clone(&self.disk), 0)
    }

    /// Writes what the store has committed since the last time.
    pub fn flush(&mut self) {
        self.next += 1;
        self.disk.flush(&BTreeMap::from([(0, self.next)]));
    }

    /// How often this was called since the database was made, as far as it knows.
    #[must_use]
    pub fn flushes(&self) -> i64 {
        self.next
    }

    /// Why something could not be read, if so.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.disk.fault()
    }
}
