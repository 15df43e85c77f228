//! A task with state on disk, and its changelogs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tributary_schema::Contracts;

use crate::checkpoint::Keeper;
use crate::checkpoint::tests::memory::MemoryFiles;
use crate::checkpoint::tests::passes::{INFO, Op, keeper_on_disk, record, stage, state};
use crate::client::Span;
use crate::disk::{Database, DiskContext, DiskTakeover};
use crate::error::StreamError;
use crate::processor::Stage;
use crate::store::Change;
use crate::task::Task;

/// As the keeper's.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// Entries by store and key.
pub(super) type Entries = BTreeMap<(usize, Vec<u8>), Vec<u8>>;

/// Copies a directory, as a killed process would leave it.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

pub(super) fn new_task() -> Task {
    Task::new(&stage(), INFO, Contracts::single_object().unwrap())
}

/// The changelogs of a task, by store.
#[derive(Debug, Clone)]
pub(super) struct Logs(pub(super) Vec<Vec<Change>>);

impl Logs {
    pub(super) fn spans(&self) -> Vec<Span> {
        self.0.iter().map(|log| Span { begin: 0, end: log.len() as i64, first: Some(0), since: None }).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The state that the changelogs alone give, up to these offsets.
    pub(super) fn state(&self, ends: impl Fn(usize) -> usize) -> Entries {
        let mut task = new_task();
        for (store, log) in self.0.iter().enumerate() {
            for (key, value) in &log[..ends(store)] {
                task.restore(store, key, value.as_deref()).unwrap();
            }
        }
        state(&mut task)
    }

    pub(super) fn whole(&self) -> Entries {
        self.state(|store| self.0[store].len())
    }

    /// Replays what the task has not seen; gives the number of records.
    pub(super) fn replay(&self, task: &mut Task) -> usize {
        let mut records = 0;
        for (store, log) in self.0.iter().enumerate() {
            let from = task.changelog_next().get(&store).copied().unwrap_or(0) as usize;
            for (offset, (key, value)) in log.iter().enumerate().skip(from) {
                records += 1;
                task.note_changelog(store, offset as i64 + 1);
                task.restore(store, key, value.as_deref()).unwrap();
            }
        }
        task.flush_disk();
        records
    }
}

/// Where a task's state is.
pub(super) struct Place {
    pub(super) files: MemoryFiles,
    pub(super) path: PathBuf,
    pub(super) cluster: &'static str,
    pub(super) stage: Stage,
    pub(super) cache_bytes: usize,
}

impl Place {
    pub(super) fn database(&self) -> Arc<Database> {
        Arc::new(Database::new("obedient", self.path.clone(), self.cache_bytes, MAX_AGE).without_pause())
    }

    pub(super) fn keeper(&self, database: &Arc<Database>) -> Keeper {
        keeper_on_disk(&self.files, self.cluster, &self.stage, Arc::clone(database))
    }

    /// Takes the task over from what is on disk, in a process of its own.
    pub(super) fn take_over(&self, spans: &[Span]) -> Result<Task, StreamError> {
        let database = self.database();
        let keeper = self.keeper(&database);
        take_over(&keeper, &database, spans)
    }
}

/// Takes the task over from what is on disk.
pub(super) fn take_over(keeper: &Keeper, database: &Arc<Database>, spans: &[Span]) -> Result<Task, StreamError> {
    let context = DiskContext { keeper, database, is_working: true };
    let mut takeover = DiskTakeover::new(vec![new_task()], &context)?;
    let mut ask = |asked: &[((String, i32), i64)], _: Duration| {
        let place = |topic: &str| stage().changelogs().iter().position(|own| own == topic);
        Ok(Some(asked.iter().map(|((topic, _), _)| spans.get(place(topic)?).copied()).collect()))
    };
    assert!(takeover.step(Duration::ZERO, &mut ask, &context)?);
    Ok(takeover.into_tasks().pop().unwrap())
}

/// Everything that is committed in a task, on disk and in memory.
pub(super) fn committed(task: &mut Task) -> Entries {
    let mut entries = state(task);
    assert!(entries.keys().all(|(store, _)| *store == 2), "only the runtime's own state is in memory");
    let disk = Arc::clone(task.disk().unwrap());
    for store in 0..2_u16 {
        disk.each(&store.to_be_bytes(), |key, value| {
            assert!(entries.insert((usize::from(store), key[2..].to_vec()), value.to_vec()).is_none(), "twice");
        });
    }
    entries
}

/// A task at work on a disk.
pub(super) struct Bed {
    pub(super) dir: TempDir,
    pub(super) place: Place,
    pub(super) database: Arc<Database>,
    pub(super) task: Task,
    pub(super) logs: Logs,
}

impl Bed {
    pub(super) fn new(cache_bytes: usize) -> Self {
        Self::within(TempDir::new().unwrap(), cache_bytes)
    }

    pub(super) fn within(dir: TempDir, cache_bytes: usize) -> Self {
        let files = MemoryFiles::default();
        files.disk.lock().unwrap().clock_ms = 1_000_000_000;
        let path = dir.path().join("store");
        let place = Place { files, path, cluster: "c1", stage: stage(), cache_bytes };
        let database = place.database();
        let task = take_over(&place.keeper(&database), &database, &[]).unwrap();
        Self { dir, place, database, task, logs: Logs(vec![Vec::new(); 3]) }
    }

    pub(super) fn handle(&mut self, op: &Op) {
        self.task.handle(&record(op), &mut Vec::new()).unwrap();
    }

    /// Handles what must not succeed; gives the reason.
    pub(super) fn handle_badly(&mut self, op: &Op) -> String {
        self.task.handle(&record(op), &mut Vec::new()).unwrap_err().to_string()
    }

    pub(super) fn commit(&mut self) {
        self.task.before_commit(&mut Vec::new()).unwrap();
        for (store, change) in self.task.changes() {
            self.logs.0[store].push(change);
            self.task.note_changelog(store, self.logs.0[store].len() as i64);
        }
        self.task.commit();
    }

    /// A place where nothing is yet.
    pub(super) fn place_without(&self, name: &str) -> Place {
        Place { files: self.place.files.clone(), path: self.dir.path().join(name), stage: stage(), ..self.place }
    }

    /// A place with a copy of what the disk has now.
    pub(super) fn copied(&self, name: &str) -> Place {
        let path = self.dir.path().join(name);
        copy(&self.place.path, &path);
        Place { files: self.place.files.clone(), path, stage: stage(), ..self.place }
    }
}
