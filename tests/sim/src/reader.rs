//! Changelogs read to their ends from the log in memory: committed records only, in any interleaving, compacted or not.

use std::collections::VecDeque;
use std::rc::Weak;
use std::time::Duration;

use rand::Rng;
use tributary_stream::{ChangelogReader, ChangelogRecord, Partition, StreamError};

use crate::client::DEAD;
use crate::faults::Site;
use crate::log::{Place, SimLog, Stored};
use crate::world::World;

/// `delete.retention.ms` of changelogs.
const DELETE_RETENTION_MS: i64 = 24 * 3_600 * 1_000;

struct Open {
    index: usize,
    place: Place,
    next: i64,
    /// What a compacted part of the log holds in place of the records before `next`.
    compacted: VecDeque<(i64, Stored)>,
}

/// Changelogs being read.
pub struct SimReader {
    log: SimLog,
    world: Weak<World>,
    open: Vec<Open>,
}

impl SimReader {
    pub(crate) fn open(
        log: &SimLog,
        world: Weak<World>,
        from: &[(Partition, Option<i64>)],
        compacts: bool,
    ) -> Result<Self, StreamError> {
        let was_away = world.upgrade().is_some_and(|world| world.was_away());
        let mut inner = log.inner();
        let mut open = Vec::with_capacity(from.len());
        for (index, ((topic, partition), offset)) in from.iter().enumerate() {
            let place = inner.topic(topic).map(|topic| (topic, *partition));
            let (Some(place), Some(stable)) =
                (place, place.and_then(|place| Some(inner.partition(place)?.stable_end())))
            else {
                let detail = format!("partition {partition} does not exist in the simulation");
                return Err(StreamError::Topic { topic: topic.clone(), detail });
            };
            let mut opened = Open { index, place, next: offset.unwrap_or(0), compacted: VecDeque::new() };
            if compacts {
                // Days later the cleaner has mostly come to the end.
                let is_clean = was_away && inner.rng().random_bool(0.8);
                let cleaned = if is_clean { stable } else { inner.rng().random_range(0..=stable) };
                // Deletions are kept for a day, so whoever goes on from a checkpoint that is younger still sees them.
                let is_late = was_away || inner.rng().random_bool(0.5);
                let deleted_since_ms = if is_late { inner.now_ms() - DELETE_RETENTION_MS } else { i64::MIN };
                let now_ms = inner.now_ms();
                if let Some(log) = inner.partition_mut(place) {
                    let cleaned = log.clean(cleaned, now_ms, DELETE_RETENTION_MS);
                    let records = log.compacted(cleaned, deleted_since_ms).into_iter();
                    opened.compacted = records.filter(|(at, _)| (opened.next..cleaned.before).contains(at)).collect();
                    opened.next = opened.next.max(cleaned.before);
                }
            }
            open.push(opened);
        }
        drop(inner);
        Ok(Self { log: log.clone(), world, open })
    }

    /// The next record of one of the changelogs. `None`: that one is read to its end.
    fn next(&mut self, which: usize) -> Option<(usize, i64, Stored)> {
        let open = &mut self.open[which];
        if let Some((offset, stored)) = open.compacted.pop_front() {
            return Some((open.index, offset, stored));
        }
        let inner = self.log.inner();
        let (offset, stored) = inner.partition(open.place)?.committed_from(open.next)?;
        let found = (open.index, offset, stored.clone());
        open.next = offset + 1;
        Some(found)
    }
}

impl ChangelogReader for SimReader {
    fn read(
        &mut self,
        limit: usize,
        wait: Duration,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> Result<(), StreamError>,
    ) -> Result<bool, StreamError> {
        let world = self.world.upgrade();
        let limit = match &world {
            Some(world) if world.faults().crashes(Site::Restore) => return Err(dead()),
            Some(world) if world.faults().hiccups() => {
                world.wait(wait);
                limit.min(3)
            }
            _ => limit,
        };
        for _ in 0..limit {
            if self.open.is_empty() {
                return Ok(true);
            }
            let which = self.log.inner().rng().random_range(0..self.open.len());
            match self.next(which) {
                Some((index, offset, stored)) => {
                    each(ChangelogRecord { index, offset, key: &stored.key, value: stored.value.as_deref() })?;
                }
                None => drop(self.open.swap_remove(which)),
            }
        }
        Ok(self.open.is_empty())
    }
}

fn dead() -> StreamError {
    StreamError::Fatal { stage: "restore".to_owned(), detail: DEAD.to_owned() }
}
