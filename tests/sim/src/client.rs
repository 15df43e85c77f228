//! A worker's connection to the log in memory, with a fault possible wherever the worker touches what is outside of it.
//!
//! A crash is a client that does nothing any more: whatever the worker still thinks and does reaches nobody, and its
//! driver drops it at the end of the turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Weak;
use std::time::Duration;

use rand::Rng;
use tributary_stream::{Client, GroupChange, OutRecord, Partition, Record, Slot, Span, StreamError, TransactionError};

use crate::faults::{Refusal, Site};
use crate::log::{MemberId, Place, Refused, SimLog};
use crate::reader::SimReader;
use crate::world::World;

/// What a crashed client says.
pub(crate) const DEAD: &str = "the simulated process is dead";

/// One worker's connection.
pub struct SimClient {
    log: SimLog,
    world: Weak<World>,
    /// Transactional id, and the name of a static member.
    name: String,
    stage: &'static str,
    group: usize,
    epoch: u32,
    topics: Vec<usize>,
    member: Option<MemberId>,
    assigned: BTreeSet<Place>,
    changes: VecDeque<GroupChange>,
    is_lost: bool,
    /// Where each input is read next.
    cursors: BTreeMap<Place, i64>,
    /// As with librdkafka, an input stays paused when it is given back, and is so still when it is taken over again.
    paused: BTreeSet<Place>,
    is_open: bool,
    has_failed: bool,
    written: BTreeMap<Slot, i64>,
    is_dead: bool,
    is_closed: bool,
}

impl SimClient {
    /// Connects under a name; whoever worked under it before is fenced.
    pub(crate) fn new(log: &SimLog, world: Weak<World>, stage: &'static str, group: &str, name: String) -> Self {
        let (group, epoch) = {
            let mut inner = log.inner();
            (inner.group(group), inner.init_producer(&name))
        };
        Self {
            log: log.clone(),
            world,
            name,
            stage,
            group,
            epoch,
            topics: Vec::new(),
            member: None,
            assigned: BTreeSet::new(),
            changes: VecDeque::new(),
            is_lost: false,
            cursors: BTreeMap::new(),
            paused: BTreeSet::new(),
            is_open: false,
            has_failed: false,
            written: BTreeMap::new(),
            is_dead: false,
            is_closed: false,
        }
    }

    /// True once it has crashed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// From now on nothing it does reaches anybody, and the group waits for it in vain.
    pub fn crash(&mut self) {
        self.is_dead = true;
        self.set_silent(true);
    }

    fn set_silent(&self, is_silent: bool) {
        if let Some(member) = self.member {
            self.log.inner().set_silent(self.group, member, is_silent);
        }
    }

    fn instance(&self) -> Option<&str> {
        let world = self.world.upgrade()?;
        world.is_static().then_some(self.name.as_str())
    }

    /// A moment at which the worker may crash, or stand still while the world goes on. False: it is dead.
    fn pass(&mut self, site: Site) -> bool {
        if self.is_dead {
            return false;
        }
        let Some(world) = self.world.upgrade() else { return true };
        if world.faults().crashes(site) {
            self.log.note(|| format!("{} crashes at {site:?}", self.name));
            self.crash();
            return false;
        }
        if world.faults().stalls(site) {
            self.log.note(|| format!("{} stands still at {site:?}", self.name));
            self.set_silent(true);
            world.go_on_without(&self.name);
            self.set_silent(false);
            self.log.note(|| format!("{} moves again", self.name));
        }
        true
    }

    fn dead(&self) -> StreamError {
        StreamError::Fatal { stage: self.stage.to_owned(), detail: DEAD.to_owned() }
    }

    fn alive(&mut self, site: Site) -> Result<(), StreamError> {
        if self.pass(site) { Ok(()) } else { Err(self.dead()) }
    }

    /// Passes a step of a transaction, which may be refused.
    fn step(&mut self, site: Site) -> Result<(), TransactionError> {
        if !self.pass(site) {
            return Err(TransactionError::Fatal(DEAD.to_owned()));
        }
        if self.has_failed {
            return Err(TransactionError::Abort("the transaction has failed and is to be aborted".to_owned()));
        }
        let refusal = self.world.upgrade().and_then(|world| world.faults().refuses(site));
        match refusal {
            Some(refusal) => {
                self.log.note(|| format!("{} is refused at {site:?}: {refusal:?}", self.name));
                self.has_failed = true;
                Err(match refusal {
                    Refusal::Now => TransactionError::Abort(format!("refused at {site:?} by the simulation")),
                    Refusal::Ever => TransactionError::Fatal(format!("refused at {site:?} by the simulation")),
                })
            }
            None => Ok(()),
        }
    }

    fn failed(&mut self, refused: Refused) -> TransactionError {
        self.has_failed = true;
        self.log.note(|| format!("{}: the log refuses: {refused:?}", self.name));
        match refused {
            Refused::Generation | Refused::TimedOut => TransactionError::Abort(format!("{refused:?}")),
            Refused::Fenced | Refused::NoTransaction | Refused::UnknownTopic => {
                TransactionError::Fatal(format!("{refused:?}"))
            }
        }
    }

    fn places(&self, inputs: &[Partition]) -> Vec<Place> {
        let inner = self.log.inner();
        inputs.iter().filter_map(|(topic, partition)| Some((inner.topic(topic)?, *partition))).collect()
    }

    fn named(&self, places: &[Place]) -> Vec<Partition> {
        let inner = self.log.inner();
        places.iter().map(|(topic, partition)| (inner.topic_name(*topic).to_owned(), *partition)).collect()
    }

    /// Lets the group speak. `Err`: another process works under this name.
    fn serve(&mut self) -> Result<(), StreamError> {
        let Some(member) = self.member else { return Ok(()) };
        if self.is_closed || self.is_lost {
            return Ok(());
        }
        let instance = self.instance().map(str::to_owned);
        let served = self.log.inner().serve(self.group, member);
        match served {
            None if self.log.inner().is_fenced(self.group, member, instance.as_deref()) => {
                let detail = "another process works under this static name".to_owned();
                Err(StreamError::Fenced { stage: self.stage.to_owned(), detail })
            }
            None => {
                let all: Vec<Place> = std::mem::take(&mut self.assigned).into_iter().collect();
                self.log.note(|| format!("{} learns that it was expelled", self.name));
                self.is_lost = true;
                self.changes.push_back(GroupChange::Revoked(self.named(&all)));
                Ok(())
            }
            Some(None) => Ok(()),
            Some(Some((revoked, assigned))) => {
                self.log.note(|| format!("{} hears: revoked {revoked:?}, assigned {assigned:?}", self.name));
                self.assigned.retain(|place| !revoked.contains(place));
                self.assigned.extend(&assigned);
                if !revoked.is_empty() {
                    self.changes.push_back(GroupChange::Revoked(self.named(&revoked)));
                }
                if !assigned.is_empty() {
                    self.changes.push_back(GroupChange::Assigned(self.named(&assigned)));
                }
                Ok(())
            }
        }
    }

    fn fetch(&mut self) -> Option<Record> {
        let mut inner = self.log.inner();
        let ready: Vec<(Place, i64)> = self
            .cursors
            .iter()
            .filter(|(place, _)| !self.paused.contains(*place))
            .filter_map(|(place, next)| Some((*place, inner.partition(*place)?.committed_from(*next)?.0)))
            .collect();
        if ready.is_empty() {
            return None;
        }
        let (place, offset) = ready[inner.rng().random_range(0..ready.len())];
        let (_, stored) = inner.partition(place)?.committed_from(offset)?;
        let record = Record {
            topic: inner.topic_name(place.0).to_owned(),
            partition: place.1,
            offset,
            timestamp_ms: Some(stored.timestamp_ms),
            key: stored.key.clone(),
            value: stored.value.clone(),
            headers: stored.headers.clone(),
        };
        drop(inner);
        if let Some(next) = self.cursors.get_mut(&place) {
            *next = offset + 1;
        }
        Some(record)
    }
}

impl Client for SimClient {
    type Reader = SimReader;

    fn now(&self) -> Duration {
        self.log.now()
    }

    fn partition_count(&mut self, topic: &str) -> Result<i32, StreamError> {
        Ok(self.log.inner().partition_count(topic))
    }

    fn subscribe(&mut self, topics: &[String]) -> Result<(), StreamError> {
        self.alive(Site::Subscribe)?;
        let instance = self.instance().map(str::to_owned);
        let mut inner = self.log.inner();
        self.topics = topics.iter().filter_map(|topic| inner.topic(topic)).collect();
        self.member = Some(inner.join(self.group, &self.topics, instance.as_deref()));
        Ok(())
    }

    fn poll(&mut self, wait: Duration) -> Result<Option<Record>, StreamError> {
        self.alive(Site::Poll)?;
        self.serve()?;
        let hiccups = self.world.upgrade().is_some_and(|world| world.faults().hiccups());
        let record = if hiccups { None } else { self.fetch() };
        match record {
            Some(record) => {
                self.alive(Site::Fetched)?;
                Ok(Some(record))
            }
            None => {
                if let Some(world) = self.world.upgrade() {
                    world.wait(wait);
                }
                Ok(None)
            }
        }
    }

    fn next_change(&mut self) -> Option<GroupChange> {
        self.changes.pop_front()
    }

    fn is_assignment_lost(&self) -> bool {
        self.is_lost
    }

    fn committed(&mut self, inputs: &[Partition], wait: Duration) -> Result<Option<Vec<Option<i64>>>, StreamError> {
        self.alive(Site::Offsets)?;
        if self.world.upgrade().is_some_and(|world| world.faults().is_unsure()) {
            return Ok(None);
        }
        let places = self.places(inputs);
        let offsets = self.log.inner().offsets(self.group, &places);
        if offsets.is_none()
            && let Some(world) = self.world.upgrade()
        {
            world.wait(wait);
        }
        Ok(offsets)
    }

    fn are_settled(&mut self, changelogs: &[Partition], wait: Duration) -> Result<bool, StreamError> {
        self.alive(Site::Ends)?;
        let places = self.places(changelogs);
        let inner = self.log.inner();
        let is_settled = |place: &Place| inner.partition(*place).is_some_and(|log| log.stable_end() == log.end());
        let are_settled = places.iter().all(is_settled);
        drop(inner);
        if !are_settled && let Some(world) = self.world.upgrade() {
            world.wait(wait);
        }
        Ok(are_settled)
    }

    fn take_over(&mut self, starts: &[(Partition, Option<i64>)]) -> Result<(), StreamError> {
        self.alive(Site::TakeOver)?;
        for (input, offset) in starts {
            let [place] = self.places(std::slice::from_ref(input))[..] else { return Err(unknown(&input.0)) };
            self.cursors.insert(place, offset.unwrap_or(0));
        }
        Ok(())
    }

    fn give_back(&mut self, inputs: &[Partition]) -> Result<(), StreamError> {
        self.alive(Site::GiveBack)?;
        for place in self.places(inputs) {
            self.cursors.remove(&place);
        }
        if self.is_lost {
            self.is_lost = false;
            let instance = self.instance().map(str::to_owned);
            self.member = Some(self.log.inner().join(self.group, &self.topics, instance.as_deref()));
        } else if let Some(member) = self.member {
            self.log.inner().give_back(self.group, member);
        }
        Ok(())
    }

    fn seek(&mut self, input: &Partition, offset: Option<i64>) -> Result<(), StreamError> {
        self.alive(Site::Seek)?;
        for place in self.places(std::slice::from_ref(input)) {
            if let Some(next) = self.cursors.get_mut(&place) {
                *next = offset.unwrap_or(0);
            }
        }
        Ok(())
    }

    fn pause(&mut self, inputs: &[Partition], pause: bool) -> Result<(), StreamError> {
        for place in self.places(inputs) {
            if !pause {
                self.paused.remove(&place);
            } else if self.cursors.contains_key(&place) {
                self.paused.insert(place);
            }
        }
        Ok(())
    }

    fn open_changelogs(&mut self, from: &[(Partition, Option<i64>)]) -> Result<SimReader, StreamError> {
        self.alive(Site::Open)?;
        let compacts = self.world.upgrade().is_some_and(|world| world.faults().profile().compacts);
        SimReader::open(&self.log, self.world.clone(), from, compacts)
    }

    fn cluster_id(&mut self) -> Option<String> {
        Some("simulated".to_owned())
    }

    fn changelog_spans(
        &mut self,
        changelogs: &[(Partition, i64)],
        wait: Duration,
    ) -> Result<Option<Vec<Option<Span>>>, StreamError> {
        self.alive(Site::Spans)?;
        if let Some(world) = self.world.upgrade().filter(|world| world.faults().is_unsure()) {
            world.wait(wait);
            return Ok(None);
        }
        let inner = self.log.inner();
        let span = |((topic, partition), since_ms): &(Partition, i64)| {
            let log = inner.partition((inner.topic(topic)?, *partition))?;
            let first_from = |ms: i64| log.committed().find(|(_, record)| record.timestamp_ms >= ms).map(|(at, _)| at);
            Some(Span { begin: 0, end: log.stable_end(), first: first_from(i64::MIN), since: first_from(*since_ms) })
        };
        Ok(Some(changelogs.iter().map(span).collect()))
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        self.has_failed = false;
        self.step(Site::Begin)?;
        self.is_open = true;
        self.written.clear();
        Ok(())
    }

    fn send(&mut self, record: OutRecord, slot: Option<Slot>) -> Result<(), TransactionError> {
        self.step(if slot.is_some() { Site::SendChange } else { Site::Send })?;
        let partition = slot.map(|slot| slot.partition);
        let appended = self.log.inner().append(&self.name, self.epoch, &record, partition);
        let offset = appended.map_err(|refused| self.failed(refused))?;
        self.log.note(|| format!("{} writes {}@{offset} {slot:?}", self.name, record.topic));
        if let Some(slot) = slot {
            self.written.insert(slot, offset + 1);
        }
        if self.pass(Site::Sent) { Ok(()) } else { Err(TransactionError::Fatal(DEAD.to_owned())) }
    }

    fn serve(&mut self) {}

    fn commit(&mut self, offsets: &[(Partition, i64)]) -> Result<Vec<(Slot, i64)>, TransactionError> {
        self.step(Site::Commit)?;
        let moved: Vec<(Place, i64)> = {
            let inner = self.log.inner();
            offsets.iter().filter_map(|((topic, p), next)| Some(((inner.topic(topic)?, *p), *next))).collect()
        };
        let member = self.member.unwrap_or_default();
        // As with librdkafka: nobody is asked when there is nothing to say.
        if !moved.is_empty() {
            let added = self.log.inner().add_offsets(&self.name, self.epoch, self.group, member, &moved);
            added.map_err(|refused| self.failed(refused))?;
        }
        self.step(Site::OffsetsAdded)?;
        let ended = self.log.inner().end(&self.name, self.epoch, true);
        ended.map_err(|refused| self.failed(refused))?;
        self.is_open = false;
        self.log.note(|| format!("{} commits {moved:?}", self.name));
        if self.pass(Site::Committed) {
            Ok(std::mem::take(&mut self.written).into_iter().collect())
        } else {
            Err(TransactionError::Fatal(DEAD.to_owned()))
        }
    }

    fn abort(&mut self) -> Result<(), TransactionError> {
        let dead = || TransactionError::Fatal(DEAD.to_owned());
        if !self.pass(Site::Abort) {
            return Err(dead());
        }
        self.has_failed = false;
        if !std::mem::take(&mut self.is_open) {
            return Ok(());
        }
        let ended = self.log.inner().end(&self.name, self.epoch, false);
        match ended {
            // Without a record there is no transaction.
            Ok(()) | Err(Refused::NoTransaction) => {}
            Err(Refused::TimedOut) => {
                let renewed = self.log.inner().renew_producer(&self.name, self.epoch);
                self.epoch = renewed.ok_or_else(|| TransactionError::Fatal("fenced".to_owned()))?;
            }
            Err(refused) => return Err(TransactionError::Fatal(format!("{refused:?}"))),
        }
        self.log.note(|| format!("{} aborts", self.name));
        if self.pass(Site::Aborted) { Ok(()) } else { Err(dead()) }
    }

    fn close(&mut self) {
        self.is_closed = true;
        if let Some(member) = self.member
            && !self.is_dead
        {
            // A static member stays away without a word.
            if self.instance().is_some() {
                self.set_silent(true);
            } else {
                self.log.inner().leave(self.group, member);
            }
        }
    }
}

/// Whoever is gone sends no sign of life, also when it went with an error.
impl Drop for SimClient {
    fn drop(&mut self) {
        if !self.is_closed {
            self.set_silent(true);
        }
    }
}

fn unknown(topic: &str) -> StreamError {
    StreamError::Topic { topic: topic.to_owned(), detail: "does not exist in the simulation".to_owned() }
}
