//! A stage on the runtime's own task, with the transactions in the test's hands and no broker.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use tributary_insight::accounting::StageAccount;
use tributary_insight::read;
use tributary_model::{JourneyEvent, Money, Scorecard, topics};
use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::{Change, OutRecord, Record, Stage, StageCounts, Task, TaskInfo};

use crate::common::{START_AT, person, step, touch};

/// A task, and everything its committed transactions have written.
pub(crate) struct Rig {
    stage: Stage,
    contracts: Arc<Contracts>,
    task: Task,
    pub(crate) written: Vec<OutRecord>,
    changelog: Vec<(usize, Change)>,
}

const INFO: TaskInfo = TaskInfo { topic_index: 0, partition: 0 };

impl Rig {
    pub(crate) fn new(stage: Stage) -> Self {
        let contracts = Contracts::single_object().unwrap();
        let task = Task::new(&stage, INFO, Arc::clone(&contracts));
        Self { stage, contracts, task, written: Vec::new(), changelog: Vec::new() }
    }

    /// One transaction over these inputs; its outputs when it commits.
    pub(crate) fn transact(&mut self, inputs: &[Record], commits: bool) -> Vec<OutRecord> {
        let mut out = Vec::new();
        for input in inputs {
            self.task.handle(input, &mut out).unwrap();
        }
        self.task.before_commit(&mut out).unwrap();
        if !commits {
            self.task.abort();
            return Vec::new();
        }
        self.changelog.extend(self.task.changes());
        self.task.commit();
        self.written.extend(out.iter().cloned());
        out
    }

    /// The task as another worker would make it: from the changelog alone.
    pub(crate) fn restart(&mut self) {
        self.task = Task::new(&self.stage, INFO, Arc::clone(&self.contracts));
        for (store, (key, value)) in &self.changelog {
            self.task.restore(*store, key, value.as_deref()).unwrap();
        }
    }

    /// Entries in all stores.
    pub(crate) fn state_len(&mut self) -> usize {
        self.task.state_len()
    }

    /// What became of the inputs of the committed transactions.
    pub(crate) fn account(&self) -> StageAccount {
        let mut counts = StageCounts::default();
        self.task.counts().iter().for_each(|(count, by)| counts.add(count, *by));
        StageAccount::of(&self.stage, &counts)
    }
}

pub(crate) fn record<T: AvroRecord>(topic: &str, key: Vec<u8>, value: &T) -> Record {
    let bytes = Contracts::single_object().unwrap().encode(topic, value).unwrap();
    bytes_record(topic, key, Some(bytes))
}

pub(crate) fn bytes_record(topic: &str, key: Vec<u8>, value: Option<Vec<u8>>) -> Record {
    Record { topic: topic.to_owned(), partition: 0, offset: 0, timestamp_ms: None, key, value, headers: Vec::new() }
}

pub(crate) fn statement(event: &JourneyEvent) -> Record {
    record(topics::JOURNEYS, event.person_id.to_key(), event)
}

pub(crate) fn as_inputs(written: &[OutRecord]) -> Vec<Record> {
    const INTERNAL: [&str; 3] = [topics::MEASURES, topics::PATH_CHANGES, topics::EXPERIMENT_CHANGES];
    let internal = written.iter().filter(|record| INTERNAL.contains(&record.topic.as_str()));
    internal.map(|out| bytes_record(&out.topic, out.key.clone(), out.value.clone())).collect()
}

pub(crate) fn read_back(written: &[OutRecord]) -> read::Scorecards {
    let contracts = Contracts::single_object().unwrap();
    let mut read = read::Scorecards::default();
    for out in written.iter().filter(|out| ![topics::PATHS, topics::LIFT].contains(&out.topic.as_str())) {
        let scorecard: Scorecard = contracts.decode(out.value.as_ref().unwrap()).unwrap();
        assert_eq!(out.topic, topics::metrics(&scorecard.key.team_id));
        assert_eq!(out.key, scorecard.key.to_key());
        read.apply(scorecard);
    }
    read
}

/// Forty touches of seven persons over two days, some of them corrected.
pub(crate) fn history() -> Vec<JourneyEvent> {
    let mut events = Vec::new();
    for id in 0..40_u8 {
        let at = START_AT + i64::from(id) * 3_600_000;
        let kind = ["email.sent", "page.viewed", "store.purchased", "order.refunded"][usize::from(id % 4)];
        let mut event = touch(u32::from(id), person(id % 7), at, kind, usize::from(id % 3));
        if id % 4 >= 2 {
            let sign = if id % 4 == 3 { -1 } else { 1 };
            event.touchpoint.value = Some(Money::new("USD", sign * (1_000 + i64::from(id))));
            event.path = (0..usize::from(id % 5)).map(|n| step(n % 4)).collect();
        }
        events.push(event.clone());
        if id % 10 == 9 {
            events.push(JourneyEvent { retracted: true, ..event.clone() });
            events.push(JourneyEvent { revision: 2, stage: "engaged".to_owned(), ..event });
        }
    }
    events
}
