//! Checkpoints: files with the state of one task each, and the changelog offsets that it is good for. A restart reads the
//! file and replays the changelogs from these offsets, instead of reading them whole.
//!
//! The changelog stays the truth. A file is written while the task works on: the offsets are noted first, then committed
//! values are written a few at a time. So each value in the file was committed at the noted offset or later, and every
//! key that was changed, deleted or made after that offset stands in the tail of the changelog, which is replayed over
//! the file: setting a value or deleting a key twice changes nothing. [`crate::StateStore::walk`] promises that no entry
//! is missed. Whoever wrote a file, and however long ago it lost the partition, the file is good for its offsets; what may
//! not be trusted (damage, another topic, deletions that the changelog has forgotten) is refused, with its reason.

mod files;
mod format;
mod keeper;
mod load;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod trust;
mod unusable;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use files::{CheckpointFile, CheckpointFiles};
pub(crate) use format::{Header, Mark};
pub(crate) use keeper::Keeper;
pub(crate) use load::{LoadContext, Loaded, Loads};
pub use settings::{StateSettings, StoreKind};
pub(crate) use trust::{AskSpans, ask_spans, check, hold};
pub(crate) use unusable::Unusable;

use crate::disk::Database;
use crate::processor::TaskInfo;
use files::Directory;
use writer::Writer;

/// A slice of a checkpoint ends after so many entries or so much time, whichever comes first.
const ENTRIES_A_SLICE: usize = 2_000;
/// The database with state that is on disk, in the directory of a stage.
const STORE: &str = "store";

/// The checkpoints of one stage in this process; its workers share them.
pub struct Checkpoints {
    files: Arc<dyn CheckpointFiles>,
    /// State that is on disk itself, and needs no checkpoint.
    database: Option<Arc<Database>>,
    interval: Duration,
    max_age: Duration,
    /// True when files are read and written on the worker's own thread.
    is_in_step: bool,
    /// Entries that are written at most between two looks at the worker's other duties.
    entries_a_slice: usize,
    /// Why the last file could not be written.
    failing: Mutex<Option<&'static str>>,
    /// When the checkpoint of each task began, by the wall clock; without one, when the task did.
    dates_ms: Mutex<BTreeMap<TaskInfo, i64>>,
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoints").field("place", &self.files.describe("")).finish_non_exhaustive()
    }
}

impl Checkpoints {
    /// Checkpoints of `stage` in this instance below `state.directory`, and with `state.store: disk` the state itself;
    /// `None` when no directory is set.
    #[must_use]
    pub fn in_directory(settings: &StateSettings, stage: &str, instance: u32) -> Option<Arc<Self>> {
        let path = settings.directory.as_ref()?.join(format!("{stage}-{instance}"));
        let max_age = Duration::from_secs(settings.checkpoint_max_age_s);
        let database = database(settings, stage, path.join(STORE));
        let files = Arc::new(Directory::new(path, max_age));
        Some(Arc::new(Self { database, ..Self::new(files, settings, false, ENTRIES_A_SLICE) }))
    }

    /// Checkpoints that are read and written by the worker itself, so many entries at a time between its other work: for
    /// simulations. With `state.store: disk` the state of `stage` is in a database at `state.directory` itself.
    #[must_use]
    pub fn in_step(
        files: Arc<dyn CheckpointFiles>,
        settings: &StateSettings,
        stage: &str,
        entries_a_slice: usize,
    ) -> Arc<Self> {
        let database = settings.directory.clone().and_then(|path| database(settings, stage, path));
        Arc::new(Self { database, ..Self::new(files, settings, true, entries_a_slice.max(1)) })
    }

    fn new(
        files: Arc<dyn CheckpointFiles>,
        settings: &StateSettings,
        is_in_step: bool,
        entries_a_slice: usize,
    ) -> Self {
        Self {
            files,
            database: None,
            interval: Duration::from_secs(settings.checkpoint_interval_s),
            max_age: Duration::from_secs(settings.checkpoint_max_age_s),
            is_in_step,
            entries_a_slice,
            failing: Mutex::new(None),
            dates_ms: Mutex::default(),
        }
    }

    /// Where the state itself is, if it is on disk.
    pub(crate) fn database(&self) -> Option<&Arc<Database>> {
        self.database.as_ref()
    }

    fn writer(&self) -> io::Result<Writer> {
        let files = Arc::clone(&self.files);
        if self.is_in_step { Ok(Writer::in_step(files)) } else { Writer::on_thread(files) }
    }

    /// Notes that a file could not be written; says so when that is news. Gives the reason for metrics.
    fn failed(&self, stage: &str, name: &str, error: &io::Error) -> &'static str {
        let reason = io_reason(error);
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.replace(reason) != Some(reason) {
            let file = self.files.describe(name);
            tracing::warn!(
                stage,
                file,
                reason,
                %error,
                "checkpoints cannot be written: the hub goes on, and a restart will read more of the changelogs"
            );
        }
        reason
    }

    /// Notes that a file was written; says so after a failure.
    fn written(&self, stage: &str) {
        if self.failing.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!(stage, "checkpoints are written again");
        }
    }

    fn date(&self, info: TaskInfo, at_ms: i64) {
        self.dates_ms.lock().unwrap_or_else(PoisonError::into_inner).insert(info, at_ms);
    }

    fn forget(&self, info: TaskInfo) {
        self.dates_ms.lock().unwrap_or_else(PoisonError::into_inner).remove(&info);
    }

    /// Age of the oldest checkpoint in milliseconds; 0 without tasks.
    fn oldest_age_ms(&self) -> i64 {
        let dates = self.dates_ms.lock().unwrap_or_else(PoisonError::into_inner);
        dates.values().min().map_or(0, |oldest| self.files.clock_ms().saturating_sub(*oldest).max(0))
    }
}

/// The database at `path` for state that is on disk, if it is to be there.
fn database(settings: &StateSettings, stage: &str, path: PathBuf) -> Option<Arc<Database>> {
    let max_age = Duration::from_secs(settings.checkpoint_max_age_s);
    let cache_bytes = usize::try_from(settings.cache_mbytes).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    (settings.store == StoreKind::Disk).then(|| Arc::new(Database::new(stage, path, cache_bytes, max_age)))
}

/// Name of the file of a task.
fn name_of(info: TaskInfo) -> String {
    format!("{}-{}", info.topic_index, info.partition)
}

/// Why a file could not be written, from a fixed set.
pub(crate) fn io_reason(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => "disk_full",
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem | Kind::NotADirectory => "not_writable",
        Kind::NotFound => "directory_gone",
        Kind::WouldBlock => "locked",
        _ => "io",
    }
}
