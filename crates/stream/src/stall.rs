//! Which inputs of a stage stand still although there is something to read: pure, over what one look after the other saw.
//!
//! That a position does not move proves nothing by itself. Ends of transactions and aborted records take offsets that nobody
//! will ever read; a worker handles the oldest record over all its partitions first, so that one waits while another has a
//! backlog; and whoever restores state reads nothing yet. So a clock runs for each partition only while none of that is so,
//! and what lies there is looked at before anything is said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::client::Partition;

/// Who restores state, or is in another process, is given so many times the limit: from here it cannot be told apart from
/// one that works.
const PATIENCE: u32 = 5;

/// Who has to read a partition, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// The worker of this number of the stage in this process.
    Worker(usize),
    /// A worker of this process that cannot commit: it reads nothing on purpose, and says so by itself.
    Stuck,
    /// A worker of this process that restores the state that belongs to it.
    Restoring,
    /// A worker of another process, or none.
    Elsewhere,
}

/// Why something that is there is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Committed records are there.
    Unread,
    /// A transaction that is still open hides what is there.
    OpenTransaction,
    /// The broker shows no committed record, and the accounts of the hub say that some must be there.
    Hidden,
}

/// What lies in a part of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// A committed record.
    Record,
    /// A transaction that is still open, and no committed record before it.
    OpenTransaction,
    /// Ends of transactions and aborted records.
    Nothing,
}

/// One partition as a look saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) input: Partition,
    /// What the group reads next.
    pub(crate) next: i64,
    /// The offset behind the newest record.
    pub(crate) end: i64,
    pub(crate) reader: Reader,
}

/// A part of a partition that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) input: Partition,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// An input that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StalledInput {
    /// The stage that has to read it.
    pub stage: &'static str,
    /// The partition.
    pub input: Partition,
    /// What the stage reads next.
    pub next: i64,
    /// The offset behind the newest record.
    pub end: i64,
    /// For how long the stage has not moved on.
    pub standing: Duration,
    /// Who has to read it.
    pub reader: Reader,
    /// Why it is not read.
    pub cause: Cause,
}

impl StalledInput {
    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match (self.cause, self.reader) {
            (Cause::OpenTransaction, _) => {
                "a transaction is open there and hides what follows: see whether what writes the topic is stuck, or find \
                 it with kafka-transactions.sh find-hanging and abort it"
            }
            (Cause::Hidden, _) => {
                "the broker shows no committed record there, and the accounts say that some are missing: run `tributary \
                 reconcile`, and look at the broker"
            }
            (Cause::Unread, Reader::Restoring) => {
                "records lie there, and a worker of this process is still restoring the state that belongs to them"
            }
            (Cause::Unread, Reader::Elsewhere) => {
                "records lie there, and no worker of this process has the partition: see who has it with \
                 kafka-consumer-groups.sh --describe, and restart that process"
            }
            (Cause::Unread, Reader::Worker(_) | Reader::Stuck) => {
                "records lie there, and the worker that has the partition does not read on: restart this process"
            }
        }
    }
}

impl std::fmt::Display for StalledInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input: (topic, partition), next, end, standing, .. } = self;
        let seconds = standing.as_secs();
        write!(f, "input stalled: {topic}-{partition} has stood at {next} of {end} for {seconds} s: {}", self.remedy())
    }
}

/// How one partition stands.
#[derive(Debug)]
struct Standing {
    next: i64,
    end: i64,
    reader: Reader,
    moved_at: Duration,
    /// When the clock began to run, and where the end was then: only what was there all the time counts.
    clock: (Duration, i64),
    /// Before this offset there is nothing that could be read.
    empty_to: i64,
    cause: Option<Cause>,
}

/// The partitions of one stage over time.
#[derive(Debug)]
pub(crate) struct Standstill {
    limit: Duration,
    /// After a longer time without a look nothing is known of what happened meanwhile.
    longest_gap: Duration,
    last_look: Option<Duration>,
    inputs: BTreeMap<Partition, Standing>,
}

impl Standstill {
    /// Partitions that stand for longer than `limit` are suspect; looks are to be no farther apart than `longest_gap`.
    pub(crate) fn new(limit: Duration, longest_gap: Duration) -> Self {
        Self { limit, longest_gap, last_look: None, inputs: BTreeMap::new() }
    }

    /// The broker did not answer: nobody can have read anything.
    pub(crate) fn interrupted(&mut self) {
        self.last_look = None;
    }

    /// Takes in what was seen at `now`, all partitions of the stage.
    pub(crate) fn look(&mut self, now: Duration, seen: &[Seen]) {
        let is_known = self.last_look.is_some_and(|last| now.saturating_sub(last) <= self.longest_gap);
        self.last_look = Some(now);
        let busy = self.busy(seen);
        self.inputs.retain(|input, _| seen.iter().any(|one| one.input == *input));
        for Seen { input, next, end, reader } in seen {
            let standing = self.inputs.entry(input.clone()).or_insert(Standing {
                next: *next,
                end: *end,
                reader: *reader,
                moved_at: now,
                clock: (now, *end),
                empty_to: *next,
                cause: None,
            });
            let has_moved = standing.next != *next;
            let is_other = has_moved || standing.reader != *reader || *reader == Reader::Stuck;
            let read_to = standing.empty_to.max(*next);
            if is_other || *end <= read_to {
                standing.cause = None;
            }
            if is_other || standing.clock.1 <= read_to || !is_known || busy.contains(reader) {
                standing.clock = (now, *end);
            }
            if has_moved {
                standing.moved_at = now;
            }
            (standing.next, standing.end, standing.reader) = (*next, *end, *reader);
        }
    }

    /// Those that have moved, and not even as far as the end was at the last look: they have a backlog.
    fn busy(&self, seen: &[Seen]) -> BTreeSet<Reader> {
        let is_busy = |one: &&Seen| {
            self.inputs.get(&one.input).is_some_and(|before| one.next != before.next && one.next < before.end)
        };
        seen.iter().filter(is_busy).map(|one| one.reader).collect()
    }

    /// What is to be looked at now.
    pub(crate) fn suspects(&self, now: Duration) -> Vec<Suspect> {
        let is_suspect = |standing: &Standing| {
            let patience = match standing.reader {
                Reader::Restoring | Reader::Elsewhere => PATIENCE,
                Reader::Worker(_) | Reader::Stuck => 1,
            };
            let from = standing.next.max(standing.empty_to);
            standing.cause != Some(Cause::Unread)
                && standing.clock.1 > from
                && now.saturating_sub(standing.clock.0) >= self.limit * patience
        };
        let suspects = self.inputs.iter().filter(|(_, standing)| is_suspect(standing));
        let part = |(input, standing): (&Partition, &Standing)| Suspect {
            input: input.clone(),
            from: standing.next.max(standing.empty_to),
            to: standing.clock.1,
        };
        suspects.map(part).collect()
    }

    /// Takes in what lies in the part of a suspect.
    pub(crate) fn judge(&mut self, now: Duration, suspect: &Suspect, sight: Sight) {
        let Some(standing) = self.inputs.get_mut(&suspect.input) else { return };
        match (sight, standing.cause) {
            (Sight::OpenTransaction, _) => standing.cause = Some(Cause::OpenTransaction),
            // What the transaction hid can be read only now, and is given its time.
            (Sight::Record, Some(_)) => {
                standing.cause = None;
                standing.clock = (now, standing.end);
            }
            (Sight::Record, None) => standing.cause = Some(Cause::Unread),
            (Sight::Nothing, _) => {
                standing.cause = None;
                standing.empty_to = suspect.to;
                standing.clock = (now, standing.end);
            }
        }
    }

    /// The inputs of `stage` that stand still. Where the broker shows nothing, that is so if records of the topic are missing.
    pub(crate) fn stalled(
        &self,
        now: Duration,
        stage: &'static str,
        is_missing: impl Fn(&str) -> bool,
    ) -> Vec<StalledInput> {
        let stalled = self.inputs.iter().filter_map(|(input, standing)| {
            let is_hidden = standing.empty_to > standing.next && is_missing(&input.0);
            Some(StalledInput {
                stage,
                input: input.clone(),
                next: standing.next,
                end: standing.end,
                standing: now.saturating_sub(standing.moved_at),
                reader: standing.reader,
                cause: standing.cause.or(is_hidden.then_some(Cause::Hidden))?,
            })
        });
        stalled.collect()
    }
}

#[cfg(test)]
mod tests;
