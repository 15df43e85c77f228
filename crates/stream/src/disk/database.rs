//! The database of a stage: opened when it is first needed, opened anew after a write has failed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use fjall::{Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};

use super::failure::DiskError;
use super::task_disk::Label;
use crate::metrics::{disk_failed, disk_refused};
use crate::processor::TaskInfo;

/// Blocks of the database's tables in memory, over all tasks. Entries that are in use are in the stores' own caches.
const BLOCK_CACHE_BYTES: u64 = 32 << 20;
/// What a keyspace has in memory before it is written as a table.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// The log of batches that are in no table yet.
const JOURNAL_BYTES: u64 = 256 << 20;
/// Threads that write tables and merge them.
const THREADS: usize = 1;
/// What was written is made durable so often.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);
/// Pause before writing is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Room that there has to be before writing is tried again.
const ROOM_BYTES: usize = 1 << 20;

/// The key of what the last batch of a task says of itself; no store's entry has one like it.
pub(super) const MARK: &[u8] = &[0xff, 0xff];

/// The right to work on what is there of a task, until somebody else in the process takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    info: TaskInfo,
    number: u64,
}

/// Who is given an open database: it, and the keyspace of the task.
type Use<'a, T> = &'a mut dyn FnMut(&fjall::Database, &Keyspace) -> fjall::Result<T>;

struct Open {
    database: fjall::Database,
    keyspaces: BTreeMap<TaskInfo, Keyspace>,
}

/// How writing goes.
#[derive(Debug, Default)]
struct Health {
    /// Why the last write failed; since then nothing can be written until the database is opened anew.
    failing: Option<&'static str>,
    next_try: Option<Instant>,
    synced: Option<Instant>,
    /// What a database that is opened again may say of each task: what the last batch that was written said, or one that
    /// was tried since; anything else is not what was closed.
    marks: BTreeMap<TaskInfo, Vec<Option<Vec<u8>>>>,
    /// Who has each task now: one that has lost it and does not know yet must not write over what the next one wrote.
    leases: BTreeMap<TaskInfo, u64>,
    /// Tasks whose data have turned out to be unreadable, and why.
    condemned: BTreeMap<TaskInfo, DiskError>,
}

/// The state on disk of a stage in this process; its workers share it.
pub(crate) struct Database {
    stage: String,
    path: PathBuf,
    /// What each task keeps in memory, in bytes of encoded entries.
    pub(super) cache_bytes: usize,
    /// What is older is of no use any more, in milliseconds.
    useless_age_ms: i64,
    retry_pause: Duration,
    open: RwLock<Option<Open>>,
    health: Mutex<Health>,
    /// Lets writes fail as on a disk that is full.
    #[cfg(test)]
    is_full: std::sync::atomic::AtomicBool,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Database {
    /// A database at `path`, which is made when it is first needed.
    /// What is twice as old as `max_age`, by which nothing is used, is removed then.
    pub(crate) fn new(stage: &str, path: PathBuf, cache_bytes: usize, max_age: Duration) -> Self {
        Self {
            useless_age_ms: max_age.as_millis() as i64 * 2,
            stage: stage.to_owned(),
            path,
            cache_bytes,
            retry_pause: RETRY_PAUSE,
            open: RwLock::new(None),
            health: Mutex::default(),
            #[cfg(test)]
            is_full: Default::default(),
        }
    }

    /// Tries again without a pause.
    #[cfg(test)]
    pub(super) fn without_pause(mut self) -> Self {
        self.retry_pause = Duration::ZERO;
        self
    }

    /// Fills the disk, or makes room again.
    #[cfg(test)]
    pub(super) fn fill(&self, is_full: bool) {
        self.is_full.store(is_full, std::sync::atomic::Ordering::Release);
    }

    /// True while writes fail.
    #[cfg(test)]
    pub(super) fn is_failing(&self) -> bool {
        self.health().failing.is_some()
    }

    #[cfg(test)]
    fn check_room(&self) -> std::io::Result<()> {
        let is_full = self.is_full.load(std::sync::atomic::Ordering::Acquire);
        if is_full { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only in tests is a disk full at will")]
    fn check_room(&self) -> std::io::Result<()> {
        Ok(())
    }

    /// The stage.
    pub(super) fn stage(&self) -> &str {
        &self.stage
    }

    /// Where it is, for messages.
    pub(crate) fn describe(&self) -> String {
        self.path.display().to_string()
    }

    /// Makes the keyspace of a task ready, and opens the database for it if need be; `now_ms` is the time by the wall clock.
    /// Whoever had the task before can neither read nor write it any more.
    pub(super) fn prepare(&self, info: TaskInfo, now_ms: i64) -> Result<Lease, DiskError> {
        if self.health().failing.is_some() {
            // If it cannot: what is there can be read all the same.
            drop(self.reopen());
        }
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            let opened = self.open_or_replace()?;
            self.remove_useless(&opened.database, now_ms)?;
            *open = Some(opened);
            self.recovered();
        }
        if let Some(open) = open.as_mut()
            && !open.keyspaces.contains_key(&info)
        {
            let keyspace = open.database.keyspace(&name_of(info), options)?;
            open.keyspaces.insert(info, keyspace);
        }
        let lease = self.lease(info);
        drop(open);
        let mark = self.mark(lease);
        self.health().marks.insert(info, mark.into_iter().collect());
        Ok(lease)
    }

    fn lease(&self, info: TaskInfo) -> Lease {
        let mut health = self.health();
        let number = health.leases.entry(info).or_insert(0);
        *number += 1;
        Lease { info, number: *number }
    }

    /// Removes what was kept of tasks that have long been elsewhere.
    fn remove_useless(&self, database: &fjall::Database, now_ms: i64) -> Result<(), DiskError> {
        for name in database.list_keyspace_names() {
            let keyspace = database.keyspace(&name, options)?;
            let label = keyspace.get(MARK)?.and_then(|mark| Label::decoded(&mark).ok());
            let age_ms = label.map(|label| now_ms.saturating_sub(label.header.created_at_ms));
            if age_ms.is_some_and(|age_ms| age_ms > self.useless_age_ms) {
                tracing::info!(stage = self.stage, task = %name, ?age_ms, "state on disk that is too old is removed");
                database.delete_keyspace(keyspace)?;
            }
        }
        Ok(())
    }

    /// Opens what is there; what cannot be opened is thrown away.
    fn open_or_replace(&self) -> Result<Open, DiskError> {
        match self.open_once() {
            Err(error) if error.is_damage() => {
                tracing::warn!(
                    stage = self.stage,
                    path = self.describe(),
                    reason = error.reason,
                    %error,
                    "the state on disk cannot be opened and is thrown away; restoring from the changelogs"
                );
                disk_refused(&self.stage, error.reason);
                fs::remove_dir_all(&self.path)?;
                self.open_once()
            }
            other => other,
        }
    }

    fn open_once(&self) -> Result<Open, DiskError> {
        // State is about persons: nobody else on the machine may read it.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o700))?;
        let builder = fjall::Database::builder(&self.path)
            .cache_size(BLOCK_CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(THREADS);
        // It takes some of its files at their word.
        let opened = catch_unwind(AssertUnwindSafe(|| builder.open()));
        let database = opened.map_err(|_| DiskError::damaged("its files are not what a database has"))??;
        Ok(Open { database, keyspaces: BTreeMap::new() })
    }

    /// Reads something of a task.
    pub(super) fn read<T>(
        &self,
        lease: Lease,
        mut of: impl FnMut(&Keyspace) -> fjall::Result<T>,
    ) -> Result<T, DiskError> {
        self.with(lease, &mut |_, keyspace| of(keyspace))
    }

    /// Writes a batch of a task, all of it or nothing; `mark` is what it says of itself.
    pub(super) fn write(
        &self,
        lease: Lease,
        mark: &[u8],
        mut fill: impl FnMut(&mut OwnedWriteBatch, &Keyspace),
    ) -> Result<(), DiskError> {
        if self.health().failing.is_some() {
            self.reopen()?;
        }
        self.health().marks.entry(lease.info).or_default().push(Some(mark.to_vec()));
        let written = self.with(lease, &mut |database, keyspace| {
            let mut batch = database.batch();
            batch.insert(keyspace, MARK, mark);
            fill(&mut batch, keyspace);
            self.check_room()?;
            batch.commit()
        });
        if written.is_ok()
            && let Some(marks) = self.health().marks.get_mut(&lease.info)
        {
            *marks = marks.pop().into_iter().collect();
        }
        self.note(written)
    }

    /// What the last batch of a task said of itself.
    pub(super) fn mark(&self, lease: Lease) -> Result<Option<Vec<u8>>, DiskError> {
        let mark = self.read(lease, |keyspace| keyspace.get(MARK))?;
        Ok(mark.map(|mark| mark.to_vec()))
    }

    /// True when a task has nothing there.
    pub(super) fn is_empty(&self, lease: Lease) -> Result<bool, DiskError> {
        self.read(lease, Keyspace::is_empty)
    }

    /// Empties the keyspace of a task. What says that there is something in it is durably gone before anything else is, so
    /// that no half of the rest is ever taken for state.
    pub(super) fn empty(&self, lease: Lease) -> Result<(), DiskError> {
        let emptied = self.with(lease, &mut |database, keyspace| {
            keyspace.remove(MARK)?;
            database.persist(PersistMode::SyncAll)?;
            keyspace.clear()?;
            database.persist(PersistMode::SyncAll)
        });
        self.health().marks.insert(lease.info, vec![None]);
        self.note(emptied)
    }

    /// Makes durable what was written, if that was not done for a while.
    pub(super) fn sync_if_due(&self, lease: Lease) {
        let now = Instant::now();
        {
            let mut health = self.health();
            let is_due = health.synced.is_none_or(|at| now.duration_since(at) >= SYNC_INTERVAL);
            if !is_due || health.failing.is_some() {
                return;
            }
            health.synced = Some(now);
        }
        let synced = self.with(lease, &mut |database, _| database.persist(PersistMode::SyncData));
        drop(self.note(synced));
    }

    /// The data of a task are unreadable: they are thrown away when it is next taken over.
    pub(super) fn condemn(&self, info: TaskInfo, error: DiskError) {
        self.health().condemned.insert(info, error);
    }

    /// Why the data of a task are not to be read, once.
    pub(super) fn take_condemned(&self, info: TaskInfo) -> Option<DiskError> {
        self.health().condemned.remove(&info)
    }

    fn with<T>(&self, lease: Lease, of: Use<'_, T>) -> Result<T, DiskError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        // While this is held, nobody else can take the task.
        if self.health().leases.get(&lease.info) != Some(&lease.number) {
            return Err(DiskError::elsewhere());
        }
        let keyspace = open.as_ref().and_then(|open| Some((&open.database, open.keyspaces.get(&lease.info)?)));
        let (database, keyspace) = keyspace.ok_or_else(DiskError::closed)?;
        // It takes some of its bytes at their word.
        match catch_unwind(AssertUnwindSafe(|| of(database, keyspace))) {
            Ok(result) => result.map_err(DiskError::from),
            Err(_) => Err(DiskError::damaged("the database panicked over its own bytes")),
        }
    }

    /// Opens the database anew after a failed write, once there is room: till then what was written before can be read.
    fn reopen(&self) -> Result<(), DiskError> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        {
            let mut health = self.health();
            let Some(reason) = health.failing else { return Ok(()) };
            let now = Instant::now();
            if health.next_try.is_some_and(|at| now < at) {
                return Err(DiskError { reason, detail: "it is tried again soon".to_owned() });
            }
            health.next_try = Some(now + self.retry_pause);
        }
        if let Err(error) = self.check_room().and_then(|()| probe(&self.path)) {
            if !self.path.exists() {
                *open = None;
            }
            let error = DiskError::from(error);
            self.health().failing = Some(error.reason);
            return Err(error);
        }
        let infos: Vec<TaskInfo> = open.iter().flat_map(|open| open.keyspaces.keys().copied()).collect();
        // Only when nobody has it any more can it be opened again.
        *open = None;
        let mut again = self.open_once()?;
        let names: Vec<String> = again.database.list_keyspace_names().iter().map(ToString::to_string).collect();
        for info in infos.into_iter().filter(|info| names.contains(&name_of(*info))) {
            let keyspace = again.database.keyspace(&name_of(info), options)?;
            let mark = keyspace.get(MARK)?.map(|mark| mark.to_vec());
            let is_ours = self.health().marks.get(&info).is_some_and(|marks| marks.contains(&mark));
            // Without its keyspace, the task finds nothing that it could take for its state.
            if is_ours {
                self.health().marks.insert(info, vec![mark]);
                again.keyspaces.insert(info, keyspace);
            }
        }
        *open = Some(again);
        self.recovered();
        Ok(())
    }

    /// Notes how a write went; says so when it is news.
    fn note(&self, written: Result<(), DiskError>) -> Result<(), DiskError> {
        if let Err(error) = &written
            && !error.is_lost()
        {
            let before = {
                let mut health = self.health();
                health.next_try = Some(Instant::now() + self.retry_pause);
                health.failing.replace(error.reason)
            };
            disk_failed(&self.stage, error.reason);
            if before.is_none() {
                tracing::warn!(
                    stage = self.stage,
                    path = self.describe(),
                    reason = error.reason,
                    %error,
                    "state cannot be written to disk: what changes is kept in memory until it can"
                );
            }
        }
        written
    }

    fn recovered(&self) {
        let mut health = self.health();
        health.next_try = None;
        if health.failing.take().is_some() {
            tracing::info!(stage = self.stage, "state is written to disk again");
        }
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES)
}

fn name_of(info: TaskInfo) -> String {
    format!("{}-{}", info.topic_index, info.partition)
}

/// Finds out whether there is room to write.
fn probe(path: &Path) -> std::io::Result<()> {
    let file = path.join("probe");
    let write = || {
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&file)?;
        file.write_all(&vec![0; ROOM_BYTES])?;
        file.sync_all()
    };
    let written = write();
    let removed = fs::remove_file(&file);
    written.and(removed)
}
