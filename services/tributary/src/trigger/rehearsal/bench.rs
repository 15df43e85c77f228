//! Stages on one partition each, in memory: what one writes, the others read at once; timers fire when they are told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tributary_schema::Contracts;
use tributary_stream::{Effects, Failure, OutRecord, Processor, Record, Stage, StateStore, TaskInfo, Timer};

/// More records than any one event should lead to: a circle is found instead of gone round for ever.
const MOST_RECORDS: usize = 100_000;

/// The stages at work.
pub(super) struct Bench {
    contracts: Arc<Contracts>,
    desks: Vec<Desk>,
    timers: BTreeSet<(i64, usize, Vec<u8>)>,
    offsets: BTreeMap<String, i64>,
}

struct Desk {
    topics: Vec<String>,
    processor: Box<dyn Processor>,
}

impl Bench {
    pub(super) fn new(contracts: Arc<Contracts>, stages: &[Stage]) -> Self {
        let desks = stages.iter().map(|stage| Desk {
            topics: stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect(),
            processor: (stage.factory)(TaskInfo { topic_index: 0, partition: 0 }),
        });
        Self { contracts, desks: desks.collect(), timers: BTreeSet::new(), offsets: BTreeMap::new() }
    }

    /// When the next timer is due.
    pub(super) fn next_timer_at(&self) -> Option<i64> {
        self.timers.first().map(|(at, ..)| *at)
    }

    /// Hands a record to those who read its topic, and what they write to those who read that. Gives what nobody reads.
    pub(super) fn handle(&mut self, record: OutRecord, now_ms: i64) -> Result<Vec<OutRecord>, Failure> {
        self.drain(VecDeque::from([record]), now_ms)
    }

    /// Fires the next timer. Gives what is written and read by nobody.
    pub(super) fn fire_next(&mut self) -> Result<Vec<OutRecord>, Failure> {
        let Some((at, desk, key)) = self.timers.pop_first() else { return Ok(Vec::new()) };
        let mut effects = Effects::new(Arc::clone(&self.contracts));
        self.desks[desk].processor.on_timer(&Timer { at, key }, &mut effects)?;
        let written = self.settle(desk, &effects);
        self.drain(written.into(), at)
    }

    fn drain(&mut self, mut queue: VecDeque<OutRecord>, now_ms: i64) -> Result<Vec<OutRecord>, Failure> {
        let mut unread = Vec::new();
        let mut handled = 0;
        while let Some(record) = queue.pop_front() {
            handled += 1;
            if handled > MOST_RECORDS {
                return Err(Failure::Fatal(format!("one event led to more than {MOST_RECORDS} records")));
            }
            let readers: Vec<usize> =
                (0..self.desks.len()).filter(|desk| self.desks[*desk].topics.contains(&record.topic)).collect();
            let offset = self.offsets.entry(record.topic.clone()).or_default();
            let input = Record {
                topic: record.topic.clone(),
                partition: 0,
                offset: *offset,
                timestamp_ms: Some(now_ms),
                key: record.key.clone(),
                value: record.value.clone(),
                headers: record.headers.clone(),
            };
            *offset += 1;
            for desk in &readers {
                let mut effects = Effects::new(Arc::clone(&self.contracts));
                self.desks[*desk].processor.process(&input, &mut effects)?;
                queue.extend(self.settle(*desk, &effects));
            }
            if readers.is_empty() {
                unread.push(record);
            }
        }
        Ok(unread)
    }

    /// Keeps what a step led to, and gives what it wrote.
    fn settle(&mut self, desk: usize, effects: &Effects) -> Vec<OutRecord> {
        self.desks[desk].processor.stores().into_iter().for_each(StateStore::commit);
        for key in effects.cancelled() {
            self.timers.retain(|(_, of, known)| *of != desk || known != key);
        }
        self.timers.extend(effects.timers().iter().map(|timer| (timer.at, desk, timer.key.clone())));
        effects.records().to_vec()
    }
}
