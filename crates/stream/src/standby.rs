//! Copies of the state of partitions that others work on. They follow the changelogs, so that whoever takes such a
//! partition over reads only what was written since, and not the whole state.
//!
//! A copy is a task that handles nothing. It is good for the changelog offsets that it names, whatever happens to the one
//! who works on it: nobody but the worker that owns a partition writes its changelogs, and only committed records are read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::checkpoint::StateSettings;
use crate::client::{ChangelogReader, Client};
use crate::error::StreamError;
use crate::processor::{Stage, TaskInfo};
use crate::takeover::changelogs_of;
use crate::task::Task;

/// Records that are taken over in one turn of the worker; afterwards it does other things for so many times as long.
const RECORDS_A_TURN: usize = 500;
const REST: u32 = 4;
/// So much of the changelogs, at most, is left to read when a partition is taken over.
const FOLLOW_EVERY: Duration = Duration::from_secs(10);
const SLICE: Duration = Duration::from_millis(1);

/// How the copies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandbySettings {
    /// Time between two looks at the changelogs.
    pub interval: Duration,
    /// A copy that could not follow for longer is given up: the changelogs may have forgotten what was deleted since.
    pub max_age: Duration,
}

impl StandbySettings {
    /// As configured: `None` when no copies are kept.
    #[must_use]
    pub fn of(settings: &StateSettings) -> Option<Self> {
        let max_age = Duration::from_secs(settings.checkpoint_max_age_s);
        settings.standby.then_some(Self { interval: FOLLOW_EVERY, max_age })
    }
}

/// A copy, and when it was last complete.
struct Copy {
    task: Task,
    complete_at: Duration,
}

/// Changelogs being followed; for each of them whose it is, and the index of the store.
struct Pass<R> {
    reader: R,
    places: Vec<(TaskInfo, usize)>,
}

/// The copies of one worker.
pub(crate) struct Standby<R> {
    settings: StandbySettings,
    copies: BTreeMap<TaskInfo, Copy>,
    pass: Option<Pass<R>>,
    next_pass: Duration,
    next_slice: Duration,
    shown_entries: i64,
}

impl<R: ChangelogReader> Standby<R> {
    pub(crate) fn new(settings: StandbySettings) -> Self {
        Self {
            settings,
            copies: BTreeMap::new(),
            pass: None,
            next_pass: Duration::ZERO,
            next_slice: Duration::ZERO,
            shown_entries: 0,
        }
    }

    /// By how many entries of state the copies have grown since this was last asked.
    pub(crate) fn growth(&mut self) -> i64 {
        let entries = self.copies.values_mut().map(|copy| copy.task.state_len() as i64).sum();
        entries - std::mem::replace(&mut self.shown_entries, entries)
    }

    /// Keeps a task whose partition goes to somebody else. Its state is that of its last commit.
    pub(crate) fn keep(&mut self, task: Task, now: Duration) {
        if !task.is_dirty() {
            self.copies.insert(task.info(), Copy { task, complete_at: now });
        }
    }

    /// Gives the copy of a partition that is taken over now, if there is a good one.
    pub(crate) fn take(&mut self, info: TaskInfo, now: Duration) -> Option<Task> {
        let copy = self.copies.remove(&info)?;
        let is_good = now.saturating_sub(copy.complete_at) <= self.settings.max_age;
        (is_good && !copy.task.changelog_next().is_empty()).then_some(copy.task)
    }

    /// Goes on with following, for about a millisecond: `others` are the partitions that are not our own. True when the
    /// copies are complete.
    pub(crate) fn turn<C: Client<Reader = R>>(
        &mut self,
        client: &mut C,
        stage: &Stage,
        leader_partitions: i32,
        others: &dyn Fn() -> Vec<TaskInfo>,
        empty: &dyn Fn(TaskInfo) -> Task,
    ) -> bool {
        let now = client.now();
        let Some(pass) = &mut self.pass else {
            if now >= self.next_pass {
                self.next_pass = now + self.settings.interval;
                self.begin(client, stage, leader_partitions, &others(), empty);
            }
            return false;
        };
        if now < self.next_slice {
            return false;
        }
        let followed = follow(pass, &mut self.copies);
        let ended = client.now();
        self.next_slice = ended + (ended.saturating_sub(now) * REST).max(SLICE);
        match followed {
            Ok(false) => return false,
            Ok(true) => {
                for (info, _) in &pass.places {
                    self.copies.entry(*info).and_modify(|copy| copy.complete_at = now);
                }
            }
            // The copies stay good for the offsets they name; the next pass goes on from there.
            Err(error) => tracing::debug!(stage = stage.name, %error, "a standby could not follow the changelogs"),
        }
        self.pass = None;
        true
    }

    fn begin<C: Client<Reader = R>>(
        &mut self,
        client: &mut C,
        stage: &Stage,
        leader_partitions: i32,
        others: &[TaskInfo],
        empty: &dyn Fn(TaskInfo) -> Task,
    ) {
        let (now, max_age) = (client.now(), self.settings.max_age);
        self.copies.retain(|info, copy| others.contains(info) && now.saturating_sub(copy.complete_at) <= max_age);
        let (mut from, mut places) = (Vec::new(), Vec::new());
        for info in others {
            let copy = self.copies.entry(*info).or_insert_with(|| Copy { task: empty(*info), complete_at: now });
            for (store, changelog) in changelogs_of(stage, *info, leader_partitions).enumerate() {
                from.push((changelog, copy.task.changelog_next().get(&store).copied()));
                places.push((*info, store));
            }
        }
        if from.is_empty() {
            return;
        }
        match client.open_changelogs(&from) {
            Ok(reader) => self.pass = Some(Pass { reader, places }),
            Err(error) => tracing::debug!(stage = stage.name, %error, "a standby could not open the changelogs"),
        }
    }
}

/// Takes over what there is; true when all changelogs are read to their ends.
fn follow<R: ChangelogReader>(pass: &mut Pass<R>, copies: &mut BTreeMap<TaskInfo, Copy>) -> Result<bool, StreamError> {
    let Pass { reader, places } = pass;
    let mut broken = Vec::new();
    let is_done = reader.read(RECORDS_A_TURN, Duration::ZERO, &mut |record| {
        let (info, store) = places[record.index];
        let Some(Copy { task, .. }) = copies.get_mut(&info) else { return Ok(()) };
        // It may have been taken over and kept again since the pass began, and know later records than this one.
        if task.changelog_next().get(&store).is_some_and(|next| record.offset < *next) {
            return Ok(());
        }
        match task.restore(store, record.key, record.value) {
            Ok(()) => task.note_changelog(store, record.offset + 1),
            Err(_) => broken.push(info), // Whoever takes the partition over says what is wrong with the changelog.
        }
        Ok(())
    })?;
    broken.iter().for_each(|info| drop(copies.remove(info)));
    Ok(is_done)
}
