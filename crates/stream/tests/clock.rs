//! Clocks that jump: what the host's or the broker's clock says moves no event time, and no timer fires twice.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use tributary_schema::Contracts;
use tributary_stream::{
    Effects, Failure, KeyedStore, OutRecord, Processor, Record, Stage, StateStore, Task, TaskInfo, Timer,
};

const DAY_MS: i64 = 86_400_000;
const START: i64 = 1_772_355_600_000; // 2026-03-01T09:00:00Z

/// Takes the event time from the value, sets a timer for an hour later, and says when it fired.
struct Alarm {
    seen: KeyedStore<Vec<u8>, i64>,
}

fn out(key: &[u8], text: String) -> OutRecord {
    OutRecord { topic: "out".to_owned(), key: key.to_vec(), value: Some(text.into_bytes()), headers: Vec::new() }
}

impl Processor for Alarm {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let at: i64 = std::str::from_utf8(input.value.as_deref().unwrap()).unwrap().parse().unwrap();
        self.seen.insert(input.key.clone(), at);
        effects.observe_event_time(at);
        effects.set_timer(at + 3_600_000, input.key.clone());
        effects.emit_bytes(out(&input.key, format!("seen {at}")));
        Ok(())
    }

    fn on_timer(&mut self, timer: &Timer, effects: &mut Effects) -> Result<(), Failure> {
        effects.emit_bytes(out(&timer.key, format!("timer {}", timer.at)));
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.seen]
    }
}

fn task() -> Task {
    let stage = Stage {
        name: "alarm",
        leader_topics: vec!["in".to_owned()],
        sibling_topics: Vec::new(),
        stores: vec!["seen"],
        allowed_lateness_ms: 1_000,
        factory: Arc::new(|_| Box::new(Alarm { seen: KeyedStore::new("seen", 1) })),
    };
    Task::new(&stage, TaskInfo { topic_index: 0, partition: 0 }, Contracts::single_object().unwrap())
}

/// An event at `at`, which the broker or its producer stamped with `stamped`.
fn record(offset: i64, at: i64, stamped: Option<i64>) -> Record {
    Record {
        topic: "in".to_owned(),
        partition: 0,
        offset,
        timestamp_ms: stamped,
        key: format!("k{offset}").into_bytes(),
        value: Some(at.to_string().into_bytes()),
        headers: Vec::new(),
    }
}

fn texts(out: &[OutRecord]) -> Vec<String> {
    out.iter().map(|record| String::from_utf8(record.value.clone().unwrap()).unwrap()).collect()
}

fn commit(task: &mut Task, out: &mut Vec<OutRecord>) {
    task.before_commit(out).unwrap();
    task.commit();
}

#[test]
fn stamps_of_a_clock_that_jumps_change_nothing() {
    let events = [START, START + 60_000, START + 3_599_000, START + 3_700_000, START + 7_300_000];
    let run = |stamp: &dyn Fn(usize) -> Option<i64>| {
        let (mut task, mut out) = (task(), Vec::new());
        for (offset, at) in events.into_iter().enumerate() {
            task.handle(&record(offset as i64, at, stamp(offset)), &mut out).unwrap();
            commit(&mut task, &mut out);
        }
        (texts(&out), task.watermark())
    };
    let calm = run(&|offset| Some(events[offset]));
    assert!(calm.0.contains(&format!("timer {}", START + 3_600_000)), "{calm:?}");
    assert_eq!(calm.1, Some(START + 7_299_000));
    let forth = |offset: usize| Some(events[offset] + if offset == 1 { 365 * DAY_MS } else { 0 });
    let back = |offset: usize| Some(events[offset] - if offset >= 2 { 365 * DAY_MS } else { 0 });
    assert_eq!(run(&forth), calm);
    assert_eq!(run(&back), calm);
    assert_eq!(run(&|_| None), calm);
}

#[test]
fn a_timer_fires_once_whatever_time_does_after_it() {
    let (mut task, mut out) = (task(), Vec::new());
    task.handle(&record(0, START, None), &mut out).unwrap();
    commit(&mut task, &mut out);
    out.clear();
    // Silence moves event time by the time that passed, which never passes backwards.
    task.idle(-5 * DAY_MS, &mut out).unwrap();
    task.idle(0, &mut out).unwrap();
    assert_eq!((texts(&out), task.watermark()), (Vec::new(), Some(START - 1_000)));
    task.idle(3_601_000, &mut out).unwrap();
    let fired = vec![format!("timer {}", START + 3_600_000)];
    assert_eq!(texts(&out), fired);

    // Rolled back, it fires when it is tried again: once for the reader of what was committed.
    task.abort();
    out.clear();
    task.idle(3_601_000, &mut out).unwrap();
    assert_eq!(texts(&out), fired);
    commit(&mut task, &mut out);
    out.clear();

    // Event time that lies before it, late events and more silence do not bring it back.
    task.handle(&record(1, START - DAY_MS, Some(START + DAY_MS)), &mut out).unwrap();
    task.idle(10 * DAY_MS, &mut out).unwrap();
    let again = texts(&out).into_iter().filter(|text| *text == fired[0]).count();
    assert_eq!(again, 0, "{:?}", texts(&out));
    commit(&mut task, &mut out);
}
