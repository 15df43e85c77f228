//! A broker that does not answer an abort: the worker handles nothing until it has, and nothing is lost or written twice.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tributary_schema::Contracts;
use tributary_stream::{
    ChangelogReader, ChangelogRecord, Client, Effects, Failure, GroupChange, KafkaSettings, KeyedStore, OutRecord,
    Partition, Processor, Record, Slot, Stage, StageStats, StateStore, StreamError, TransactionError, Worker,
};

/// A log of one partition whose broker answers as told.
struct Log {
    now_ms: u64,
    group: VecDeque<GroupChange>,
    inputs: Vec<Record>,
    position: usize,
    open: Option<Vec<String>>,
    committed: Vec<String>,
    committed_offset: Option<i64>,
    /// Answers to commits and aborts, the first one next; when there are none left, all is well.
    commits: VecDeque<TransactionError>,
    aborts: VecDeque<TransactionError>,
    aborts_asked: u32,
}

struct Nothing;

impl ChangelogReader for Nothing {
    fn read(
        &mut self,
        _limit: usize,
        _wait: Duration,
        _each: &mut dyn FnMut(ChangelogRecord<'_>) -> Result<(), StreamError>,
    ) -> Result<bool, StreamError> {
        Ok(true)
    }
}

impl Client for Log {
    type Reader = Nothing;

    fn now(&self) -> Duration {
        Duration::from_millis(self.now_ms)
    }

    fn partition_count(&mut self, _topic: &str) -> Result<i32, StreamError> {
        Ok(1)
    }

    fn subscribe(&mut self, topics: &[String]) -> Result<(), StreamError> {
        self.group.push_back(GroupChange::Assigned(vec![(topics[0].clone(), 0)]));
        Ok(())
    }

    fn poll(&mut self, _wait: Duration) -> Result<Option<Record>, StreamError> {
        let record = self.inputs.get(self.position).cloned();
        self.position += usize::from(record.is_some());
        Ok(record)
    }

    fn next_change(&mut self) -> Option<GroupChange> {
        self.group.pop_front()
    }

    fn is_assignment_lost(&self) -> bool {
        false
    }

    fn committed(&mut self, inputs: &[Partition], _wait: Duration) -> Result<Option<Vec<Option<i64>>>, StreamError> {
        Ok(Some(vec![None; inputs.len()]))
    }

    fn are_settled(&mut self, _changelogs: &[Partition], _wait: Duration) -> Result<bool, StreamError> {
        Ok(true)
    }

    fn take_over(&mut self, _starts: &[(Partition, Option<i64>)]) -> Result<(), StreamError> {
        Ok(())
    }

    fn give_back(&mut self, _inputs: &[Partition]) -> Result<(), StreamError> {
        Ok(())
    }

    fn seek(&mut self, _input: &Partition, offset: Option<i64>) -> Result<(), StreamError> {
        self.position = offset.unwrap_or(0) as usize;
        Ok(())
    }

    fn pause(&mut self, _inputs: &[Partition], _pause: bool) -> Result<(), StreamError> {
        Ok(())
    }

    fn open_changelogs(&mut self, _from: &[(Partition, Option<i64>)]) -> Result<Nothing, StreamError> {
        Ok(Nothing)
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        assert!(self.open.is_none(), "begun while another transaction is open");
        self.open = Some(Vec::new());
        Ok(())
    }

    fn send(&mut self, record: OutRecord, slot: Option<Slot>) -> Result<(), TransactionError> {
        if slot.is_none() {
            self.open.as_mut().unwrap().push(String::from_utf8(record.value.clone().unwrap()).unwrap());
        }
        Ok(())
    }

    fn serve(&mut self) {}

    fn commit(&mut self, offsets: &[(Partition, i64)]) -> Result<Vec<(Slot, i64)>, TransactionError> {
        if let Some(error) = self.commits.pop_front() {
            return Err(error);
        }
        self.committed.extend(self.open.take().unwrap());
        self.committed_offset = offsets.first().map(|(_, next)| *next);
        Ok(Vec::new())
    }

    fn abort(&mut self) -> Result<(), TransactionError> {
        self.aborts_asked += 1;
        if let Some(error) = self.aborts.pop_front() {
            return Err(error);
        }
        self.open = None;
        Ok(())
    }

    fn close(&mut self) {}
}

/// Numbers the records of a partition.
struct Numbering {
    count: KeyedStore<u8, i64>,
}

impl Processor for Numbering {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let count = self.count.get_or_insert_with(&0, || 0);
        *count += 1;
        let value = format!("{}:{count}", String::from_utf8_lossy(input.value.as_deref().unwrap()));
        let topic = "out".to_owned();
        effects.emit_bytes(OutRecord { topic, key: Vec::new(), value: Some(value.into_bytes()), headers: Vec::new() });
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.count]
    }
}

fn worker(commits: &[TransactionError], aborts: &[TransactionError]) -> Worker<Log> {
    let stage = Stage {
        name: "numbering",
        leader_topics: vec!["in".to_owned()],
        sibling_topics: Vec::new(),
        stores: vec!["count"],
        allowed_lateness_ms: 0,
        factory: Arc::new(|_| Box::new(Numbering { count: KeyedStore::new("count", 1) })),
    };
    let input = |offset: i64| Record {
        topic: "in".to_owned(),
        partition: 0,
        offset,
        timestamp_ms: Some(offset),
        key: Vec::new(),
        value: Some(format!("r{offset}").into_bytes()),
        headers: Vec::new(),
    };
    let log = Log {
        now_ms: 0,
        group: VecDeque::new(),
        inputs: (0..3).map(input).collect(),
        position: 0,
        open: None,
        committed: Vec::new(),
        committed_offset: None,
        commits: commits.to_vec().into(),
        aborts: aborts.to_vec().into(),
        aborts_asked: 0,
    };
    let contracts = Contracts::single_object().unwrap();
    Worker::new(log, stage, &KafkaSettings::default(), contracts, StageStats::default()).unwrap()
}

fn no_answer() -> TransactionError {
    TransactionError::Abort("the broker does not answer".to_owned())
}

#[test]
fn an_abort_is_asked_for_until_it_is_answered_and_nothing_happens_before() {
    let mut worker = worker(&[no_answer()], &[no_answer(), no_answer()]);
    let mut stuck_seen = false;
    for _ in 0..200 {
        worker.client().now_ms += 50;
        worker.turn().unwrap();
        let pulse = worker.pulse().state();
        let log = worker.client();
        if log.aborts_asked > 0 && log.committed.is_empty() {
            stuck_seen |= pulse.aborts_in_a_row == 1 && pulse.stuck(Duration::ZERO).is_some();
        }
        // `begin` asserts that no transaction is opened while the abort is due.
    }
    let log = worker.client();
    assert_eq!(log.aborts_asked, 3);
    assert_eq!(log.committed, ["r0:1", "r1:2", "r2:3"], "state went back with the transaction, and each came once");
    assert_eq!(log.committed_offset, Some(3));
    assert!(stuck_seen);
    assert_eq!(worker.pulse().state().aborts_in_a_row, 0);
}

#[test]
fn a_producer_that_is_of_no_use_any_more_ends_the_worker() {
    let fenced = || TransactionError::Fatal("fenced".to_owned());
    let cases: BTreeMap<&str, (Vec<TransactionError>, Vec<TransactionError>)> = BTreeMap::from([
        ("on commit", (vec![fenced()], Vec::new())),
        ("on abort", (vec![no_answer()], vec![fenced()])),
        ("when the abort is asked for again", (vec![no_answer()], vec![no_answer(), fenced()])),
    ]);
    for (when, (commits, aborts)) in cases {
        let mut worker = worker(&commits, &aborts);
        let ended = (0..200).find_map(|_| {
            worker.client().now_ms += 50;
            worker.turn().err()
        });
        assert!(matches!(ended, Some(StreamError::Fenced { .. })), "{when}: {ended:?}");
        assert!(worker.client().committed.is_empty(), "{when}");
    }
}
