//! What on a disk is trusted, and what is thrown away and why.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::bed::{Bed, Place, committed, take_over};
use crate::checkpoint::tests::passes::{INFO, Op};
use crate::client::Span;
use crate::processor::{Stage, TaskInfo};
use crate::store::KeyedStore;

fn written() -> Bed {
    let mut bed = Bed::new(0);
    for key in 0..100 {
        bed.handle(&Op::Set(key, 1));
        bed.handle(&Op::Add(key, 1));
    }
    bed.commit();
    bed
}

/// True when the state is taken from the disk; else it is empty, and so is the disk from then on.
fn is_used(place: &Place, bed: &Bed, spans: &[Span]) -> bool {
    let mut task = place.take_over(spans).unwrap();
    let is_used = !task.changelog_next().is_empty();
    assert_eq!(committed(&mut task).is_empty(), !is_used, "all or nothing");
    assert_eq!(task.state_len(), if is_used { 200 } else { 0 });
    drop(task);
    if !is_used {
        // It is gone, and not only out of sight.
        let mut task = place.take_over(&bed.logs.spans()).unwrap();
        assert!(committed(&mut task).is_empty());
        assert_eq!(bed.logs.replay(&mut task), bed.logs.len());
        assert_eq!(committed(&mut task), bed.logs.whole());
    }
    is_used
}

#[test]
fn state_that_is_good_is_used_and_what_is_of_something_else_is_not() {
    let bed = written();
    assert!(is_used(&bed.copied("good"), &bed, &bed.logs.spans()));
    let place = Place { cluster: "another", ..bed.copied("cluster") };
    assert!(!is_used(&place, &bed, &bed.logs.spans()));
    let place = bed.copied("stage");
    let place = Place { stage: Stage { name: "another", ..place.stage.clone() }, ..place };
    assert!(!is_used(&place, &bed, &bed.logs.spans()));
}

#[test]
fn state_that_is_too_old_or_from_the_future_is_not_used() {
    let bed = written();
    for (name, by_s, is_good) in [("old", 3_601, false), ("new", 3_599, true), ("future", -61, false)] {
        let place = bed.copied(name);
        bed.place.files.disk.lock().unwrap().clock_ms += by_s * 1_000;
        assert_eq!(is_used(&place, &bed, &bed.logs.spans()), is_good, "{name}");
        bed.place.files.disk.lock().unwrap().clock_ms -= by_s * 1_000;
    }
}

#[test]
fn state_of_a_task_that_has_long_been_elsewhere_is_removed() {
    let bed = written();
    let place = bed.copied("elsewhere");
    let other = TaskInfo { partition: 3, ..INFO };
    place.database().prepare(other, 1_000_000_000 + 7_199_000).unwrap();
    assert_eq!(names(&place), ["0-2", "0-3"]);
    place.database().prepare(other, 1_000_000_000 + 7_201_000).unwrap();
    assert_eq!(names(&place), ["0-3"]);
}

/// The tasks that have something there.
fn names(place: &Place) -> Vec<String> {
    let database = fjall::Database::builder(&place.path).open().unwrap();
    let mut names: Vec<String> = database.list_keyspace_names().iter().map(ToString::to_string).collect();
    names.sort();
    names
}

#[test]
fn state_of_a_quiet_task_does_not_grow_old() {
    let bed = written();
    for _ in 0..3 {
        bed.place.files.disk.lock().unwrap().clock_ms += 3_000_000;
        bed.task.tend_disk();
    }
    assert!(is_used(&bed.copied("quiet"), &bed, &bed.logs.spans()));
}

#[test]
fn state_that_does_not_fit_its_changelogs_is_not_used() {
    let bed = written();
    let good = bed.logs.spans();
    let with = |change: &dyn Fn(&mut Span)| {
        let mut spans = good.clone();
        change(&mut spans[1]);
        spans
    };
    let bad = [
        ("ends", with(&|span| span.end = 99)),
        ("begins", with(&|span| span.begin = 101)),
        ("anew", with(&|span| span.since = span.first)),
        ("silent", good[..1].to_vec()),
    ];
    for (name, spans) in bad {
        assert!(!is_used(&bed.copied(name), &bed, &spans), "{name}");
    }
}

#[test]
fn the_versions_of_stores_are_part_of_what_is_compared() {
    let bed = written();
    let place = bed.copied("version");
    let database = place.database();
    let keeper = place.keeper(&database);
    let context = crate::disk::DiskContext { keeper: &keeper, database: &database, is_working: true };
    let stage = Stage {
        factory: Arc::new(|_| Box::new(Newer(KeyedStore::new("single", 2), KeyedStore::new("many", 1)))),
        ..crate::checkpoint::tests::passes::stage()
    };
    let task = crate::task::Task::new(&stage, INFO, tributary_schema::Contracts::single_object().unwrap());
    let mut takeover = crate::disk::DiskTakeover::new(vec![task], &context).unwrap();
    let mut ask = |_: &[((String, i32), i64)], _| -> Result<_, _> { Ok(Some(Vec::new())) };
    assert!(takeover.step(std::time::Duration::ZERO, &mut ask, &context).unwrap());
    assert!(takeover.into_tasks().pop().unwrap().changelog_next().is_empty());
}

/// A build with another version of a store.
struct Newer(KeyedStore<u16, u8>, KeyedStore<u16, u8>);

impl crate::processor::Processor for Newer {
    fn process(
        &mut self,
        _: &crate::record::Record,
        _: &mut crate::effects::Effects,
    ) -> Result<(), crate::error::Failure> {
        Ok(())
    }
    fn stores(&mut self) -> Vec<&mut dyn crate::store::StateStore> {
        vec![&mut self.0, &mut self.1]
    }
}

#[test]
fn one_process_has_it_and_nobody_else_may_read_it() {
    let bed = written();
    let others = fs::metadata(&bed.place.path).unwrap().permissions().mode() & 0o077;
    assert_eq!(others, 0);
    let said = bed.place.take_over(&bed.logs.spans()).unwrap_err().to_string();
    assert!(said.contains("another process") && said.contains("set state.store to memory"), "{said}");
    // Within the process, its workers share it.
    let mut task = take_over(&bed.place.keeper(&bed.database), &bed.database, &bed.logs.spans()).unwrap();
    assert_eq!(committed(&mut task).len(), 200);
}
