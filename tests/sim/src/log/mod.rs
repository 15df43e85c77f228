//! A log in memory that behaves as Kafka does where it matters for exactly-once: partitions with last stable offsets,
//! transactions with fencing and timeouts, groups with generations. It has a clock of its own and one source of chance.

mod group;
mod partition;
mod transactions;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rustc_hash::FxHashMap;
use tributary_stream::OutRecord;

pub use group::MemberId;
use group::{Group, Sync};
pub use partition::{PartitionLog, Stored, TransactionId};
pub use transactions::Refused;
use transactions::{Marker, Open, Producer, Target, markers};

/// A topic's place in the list of topics.
pub type TopicId = usize;
/// A topic and one of its partitions.
pub type Place = (TopicId, i32);

/// The clock starts here: 2026-04-12T00:00:00Z in milliseconds, when the oracle's history begins to come in.
pub const EPOCH_MS: i64 = 1_775_952_000_000;

/// How the log behaves.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// Seed of everything the log leaves to chance.
    pub seed: u64,
    /// A member that is silent for longer is expelled.
    pub session_timeout: Duration,
    /// A transaction that is open for longer is aborted.
    pub transaction_timeout: Duration,
    /// Whether the markers that end a transaction reach the partitions one by one rather than at once.
    pub slow_markers: bool,
}

/// What the log counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Committed transactions.
    pub commits: u64,
    /// Aborted transactions.
    pub aborts: u64,
    /// Of these, by timeout.
    pub timeouts: u64,
    /// Producers that took over from another one.
    pub fencings: u64,
    /// Members expelled for their silence.
    pub expulsions: u64,
}

#[derive(Debug)]
struct Topic {
    name: String,
    partitions: Vec<PartitionLog>,
}

/// The log's inside.
#[derive(Debug)]
pub(crate) struct Inner {
    settings: LogSettings,
    topics: Vec<Topic>,
    by_name: FxHashMap<String, TopicId>,
    groups: Vec<(String, Group)>,
    producers: BTreeMap<String, Producer>,
    markers: Vec<Marker>,
    next_transaction: TransactionId,
    now: Duration,
    rng: ChaCha8Rng,
    counts: LogCounts,
    appended: u64,
}

/// A log. Cloning shares it.
#[derive(Debug, Clone)]
pub struct SimLog {
    inner: Rc<RefCell<Inner>>,
    is_traced: Rc<Cell<bool>>,
}

impl SimLog {
    /// A log without topics.
    #[must_use]
    pub fn new(settings: LogSettings) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(settings.seed);
        let inner = Inner {
            settings,
            topics: Vec::new(),
            by_name: FxHashMap::default(),
            groups: Vec::new(),
            producers: BTreeMap::new(),
            markers: Vec::new(),
            next_transaction: 0,
            now: Duration::ZERO,
            rng,
            counts: LogCounts::default(),
            appended: 0,
        };
        Self { inner: Rc::new(RefCell::new(inner)), is_traced: Rc::new(Cell::new(false)) }
    }

    /// Prints what happens from now on.
    pub fn trace(&self) {
        self.is_traced.set(true);
    }

    /// Prints a step, when steps are printed.
    pub fn note(&self, text: impl FnOnce() -> String) {
        if self.is_traced.get() {
            eprintln!("{:>10} {}", self.inner().now.as_millis(), text());
        }
    }

    pub(crate) fn inner(&self) -> RefMut<'_, Inner> {
        self.inner.borrow_mut()
    }

    /// Makes a topic.
    pub fn create(&self, name: &str, partitions: u32) {
        self.inner().create(name, partitions);
    }

    /// Time since the log began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.inner().now
    }

    /// Lets time pass, with all that comes of it.
    pub fn advance(&self, by: Duration) {
        self.inner().advance(by);
    }

    /// Writes a record that is no part of a transaction, with this timestamp or that of the clock; gives where it went.
    ///
    /// # Errors
    /// [`Refused::UnknownTopic`].
    pub fn publish(&self, record: &OutRecord, timestamp_ms: Option<i64>) -> Result<(Place, i64), Refused> {
        self.inner().publish(record, timestamp_ms)
    }

    /// What the log has counted.
    #[must_use]
    pub fn counts(&self) -> LogCounts {
        self.inner().counts
    }

    /// Completed rebalances of all groups.
    #[must_use]
    pub fn rebalances(&self) -> u64 {
        self.inner().groups.iter().map(|(_, group)| group.rebalances).sum()
    }

    /// Records written so far, committed or not.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.inner().appended
    }

    /// Starts a rebalance of a group that takes one partition from its owner.
    pub fn shake(&self, group: &str) {
        let mut inner = self.inner();
        let Inner { groups, rng, .. } = &mut *inner;
        if let Some((_, group)) = groups.iter_mut().find(|(name, _)| name == group) {
            group.shake(&mut |count| rng.random_range(0..count));
        }
    }

    /// The names of all topics, in the order in which they were made.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        self.inner().topics.iter().map(|topic| topic.name.clone()).collect()
    }

    /// The committed records of a topic: partition, offset, record.
    #[must_use]
    pub fn committed(&self, topic: &str) -> Vec<(i32, i64, Stored)> {
        let inner = self.inner();
        let Some(topic) = inner.by_name.get(topic) else { return Vec::new() };
        let partitions = (0..).zip(&inner.topics[*topic].partitions);
        let records = partitions.flat_map(|(partition, log)| {
            log.committed().map(move |(offset, record)| (partition, offset, record.clone()))
        });
        records.collect()
    }

    /// True when no transaction is open or waits for its markers.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let inner = self.inner();
        inner.markers.is_empty() && inner.producers.values().all(|producer| producer.open.is_none())
    }

    /// Committed records of these topics that the group has not committed as read.
    #[must_use]
    pub fn lag(&self, group: &str, topics: &[String]) -> u64 {
        let inner = self.inner();
        let offsets = inner.groups.iter().find(|(name, _)| name == group).map(|(_, group)| &group.offsets);
        let mut lag = 0;
        for topic in topics.iter().filter_map(|topic| inner.by_name.get(topic)) {
            for (partition, log) in (0..).zip(&inner.topics[*topic].partitions) {
                let next = offsets.and_then(|offsets| offsets.get(&(*topic, partition))).copied().unwrap_or(0);
                lag += u64::from(log.committed_from(next).is_some());
            }
        }
        lag
    }
}

impl Inner {
    fn create(&mut self, name: &str, partitions: u32) {
        let topic = Topic {
            name: name.to_owned(),
            partitions: (0..partitions.max(1)).map(|_| PartitionLog::default()).collect(),
        };
        self.by_name.insert(name.to_owned(), self.topics.len());
        self.topics.push(topic);
    }

    pub(crate) fn topic(&self, name: &str) -> Option<TopicId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn topic_name(&self, id: TopicId) -> &str {
        &self.topics[id].name
    }

    pub(crate) fn partition_count(&self, name: &str) -> i32 {
        self.topic(name).map_or(0, |id| self.topics[id].partitions.len() as i32)
    }

    pub(crate) fn partition(&self, (topic, partition): Place) -> Option<&PartitionLog> {
        self.topics.get(topic)?.partitions.get(partition as usize)
    }

    pub(crate) fn partition_mut(&mut self, (topic, partition): Place) -> Option<&mut PartitionLog> {
        self.topics.get_mut(topic)?.partitions.get_mut(partition as usize)
    }

    /// The wall clock.
    pub(crate) fn now_ms(&self) -> i64 {
        EPOCH_MS + self.now.as_millis() as i64
    }

    pub(crate) fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        let (now, timeout) = (self.now, self.settings.session_timeout);
        for (_, group) in &mut self.groups {
            self.counts.expulsions += group.expire(now, timeout) as u64;
        }
        self.time_out();
        while !self.markers.is_empty() && (!self.settings.slow_markers || self.rng.random_ratio(1, 3)) {
            let next = self.rng.random_range(0..self.markers.len());
            let marker = self.markers.swap_remove(next);
            self.mark(&marker);
        }
    }

    fn time_out(&mut self) {
        let (now, timeout) = (self.now, self.settings.transaction_timeout);
        for (name, producer) in &mut self.producers {
            if producer.open.as_ref().is_some_and(|open| now.saturating_sub(open.since) > timeout) {
                producer.timed_out = Some(producer.epoch);
                producer.epoch += 1;
                if let Some(open) = producer.open.take() {
                    self.markers.extend(markers(&open, name, false));
                    self.counts.aborts += 1;
                    self.counts.timeouts += 1;
                }
            }
        }
    }

    fn mark(&mut self, marker: &Marker) {
        match marker.target {
            Target::Partition(topic, partition) => {
                self.topics[topic].partitions[partition as usize].mark(marker.id, marker.is_commit);
            }
            Target::Group(group) => self.groups[group].1.mark(marker.id, marker.is_commit),
        }
    }

    fn store(
        &mut self,
        place: Place,
        transaction: Option<TransactionId>,
        record: &OutRecord,
        timestamp_ms: Option<i64>,
    ) -> i64 {
        let now_ms = self.now_ms();
        let stored = Stored {
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
            timestamp_ms: timestamp_ms.unwrap_or(now_ms),
        };
        self.appended += 1;
        self.topics[place.0].partitions[place.1 as usize].append(transaction, stored)
    }

    fn publish(&mut self, record: &OutRecord, timestamp_ms: Option<i64>) -> Result<(Place, i64), Refused> {
        let place = self.place_of(record)?;
        Ok((place, self.store(place, None, record, timestamp_ms)))
    }

    fn place_of(&self, record: &OutRecord) -> Result<Place, Refused> {
        let topic = self.topic(&record.topic).ok_or(Refused::UnknownTopic)?;
        let count = self.topics[topic].partitions.len() as u64;
        // Where keys meet differs from seed to seed; equal keys always do.
        let hash = record.key.iter().fold(self.settings.seed | 1, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
        });
        Ok((topic, (hash % count) as i32))
    }

    /// A producer starts under this transactional id: what it left open is aborted. Gives its epoch.
    pub(crate) fn init_producer(&mut self, name: &str) -> u32 {
        let producer = self.producers.entry(name.to_owned()).or_default();
        producer.epoch += 1;
        producer.timed_out = None;
        let epoch = producer.epoch;
        if let Some(open) = producer.open.take() {
            self.counts.aborts += 1;
            self.counts.fencings += 1;
            markers(&open, name, false).iter().for_each(|marker| self.mark(marker));
        }
        self.finish_markers(name);
        epoch
    }

    /// A producer whose transaction took too long goes on under a new epoch, if nobody else has.
    pub(crate) fn renew_producer(&mut self, name: &str, epoch: u32) -> Option<u32> {
        let producer = self.producers.get(name)?;
        (producer.timed_out == Some(epoch)).then(|| self.init_producer(name))
    }

    /// A producer begins its next transaction only when its last one has been marked everywhere.
    fn finish_markers(&mut self, name: &str) {
        for marker in std::mem::take(&mut self.markers) {
            if &*marker.owner == name {
                self.mark(&marker);
            } else {
                self.markers.push(marker);
            }
        }
    }

    fn opened(&mut self, name: &str, epoch: u32) -> Result<&mut Open, Refused> {
        let producer = self.producers.entry(name.to_owned()).or_default();
        producer.check(epoch)?;
        if producer.open.is_none() {
            self.finish_markers(name);
        }
        let (since, next) = (self.now, &mut self.next_transaction);
        let producer = self.producers.entry(name.to_owned()).or_default();
        Ok(producer.open.get_or_insert_with(|| {
            *next += 1;
            Open { id: *next, since, places: Default::default(), groups: Default::default() }
        }))
    }

    /// Writes a record in the producer's open transaction; gives its offset.
    pub(crate) fn append(
        &mut self,
        name: &str,
        epoch: u32,
        record: &OutRecord,
        partition: Option<i32>,
    ) -> Result<i64, Refused> {
        let mut place = self.place_of(record)?;
        if let Some(partition) = partition {
            place.1 = partition;
        }
        let open = self.opened(name, epoch)?;
        open.places.insert(place);
        let id = open.id;
        Ok(self.store(place, Some(id), record, None))
    }

    /// Adds input offsets to the producer's open transaction.
    pub(crate) fn add_offsets(
        &mut self,
        name: &str,
        epoch: u32,
        group: usize,
        member: MemberId,
        offsets: &[(Place, i64)],
    ) -> Result<(), Refused> {
        self.producers.entry(name.to_owned()).or_default().check(epoch)?;
        if !self.groups[group].1.may_commit(member) {
            return Err(Refused::Generation);
        }
        let open = self.opened(name, epoch)?;
        open.groups.insert(group);
        let id = open.id;
        for (place, next) in offsets {
            self.groups[group].1.pending.insert(*place, (id, *next));
        }
        Ok(())
    }

    /// Decides the producer's open transaction.
    pub(crate) fn end(&mut self, name: &str, epoch: u32, is_commit: bool) -> Result<(), Refused> {
        let producer = self.producers.entry(name.to_owned()).or_default();
        producer.check(epoch)?;
        let open = producer.open.take().ok_or(Refused::NoTransaction)?;
        self.markers.extend(markers(&open, name, is_commit));
        if is_commit {
            self.counts.commits += 1;
        } else {
            self.counts.aborts += 1;
        }
        if !self.settings.slow_markers {
            self.finish_markers(name);
        }
        Ok(())
    }

    /// The group of this name; made when there is none.
    pub(crate) fn group(&mut self, name: &str) -> usize {
        match self.groups.iter().position(|(known, _)| known == name) {
            Some(index) => index,
            None => {
                self.groups.push((name.to_owned(), Group::default()));
                self.groups.len() - 1
            }
        }
    }

    pub(crate) fn join(&mut self, group: usize, topics: &[TopicId], instance: Option<&str>) -> MemberId {
        let places: Vec<Place> = topics
            .iter()
            .flat_map(|topic| (0..self.topics[*topic].partitions.len() as i32).map(|partition| (*topic, partition)))
            .collect();
        self.groups[group].1.join(&places, instance, self.now)
    }

    pub(crate) fn serve(&mut self, group: usize, member: MemberId) -> Option<Option<(Vec<Place>, Vec<Place>)>> {
        let Self { groups, rng, .. } = self;
        let served = groups[group].1.serve(member, &mut |count| rng.random_range(0..count))?;
        Some(served.map(|Sync { revoked, assigned }| (revoked, assigned)))
    }

    pub(crate) fn give_back(&mut self, group: usize, member: MemberId) {
        self.groups[group].1.give_back(member);
    }

    pub(crate) fn leave(&mut self, group: usize, member: MemberId) {
        self.groups[group].1.leave(member);
    }

    pub(crate) fn is_fenced(&self, group: usize, member: MemberId, instance: Option<&str>) -> bool {
        self.groups[group].1.is_fenced(member, instance)
    }

    pub(crate) fn set_silent(&mut self, group: usize, member: MemberId, is_silent: bool) {
        let now = self.now;
        self.groups[group].1.set_silent(member, is_silent, now);
    }

    /// The committed offsets of these inputs; `None` while one of them is pending in a transaction.
    pub(crate) fn offsets(&self, group: usize, places: &[Place]) -> Option<Vec<Option<i64>>> {
        let group = &self.groups[group].1;
        if places.iter().any(|place| group.pending.contains_key(place)) {
            return None;
        }
        Some(places.iter().map(|place| group.offsets.get(place).copied()).collect())
    }
}

#[cfg(test)]
mod tests;
