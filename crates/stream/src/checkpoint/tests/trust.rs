//! Which files are used, which are refused and why; when files are written, and what happens when they cannot be.

use std::collections::BTreeMap;

use super::passes::{Bench, INFO, Op, keeper, stage, state};
use crate::checkpoint::format::{Decoder, Header, Piece};
use crate::checkpoint::trust::check;
use crate::checkpoint::{Keeper, name_of};
use crate::client::Span;
use crate::processor::Stage;

/// A bench with one checkpoint of a hundred values, one of them set twice.
fn written() -> Bench {
    let mut bench = Bench::new();
    (0..100).for_each(|key| bench.handle(&Op::Set(key, 1)));
    bench.commit();
    bench.until_written(1);
    bench
}

fn is_used(bench: &Bench, keeper: &Keeper, spans: &[Span]) -> bool {
    let mut loaded = bench.load(keeper, spans);
    let state = state(&mut loaded.task);
    // All or nothing: a file that is refused leaves nothing behind.
    assert_eq!(state.is_empty(), loaded.header.is_none());
    assert_eq!(loaded.task.changelog_next().is_empty(), loaded.header.is_none());
    loaded.header.is_some()
}

fn header(bench: &Bench) -> Header {
    let disk = bench.files.disk.lock().unwrap();
    let Ok(Piece::Header(header)) = Decoder::new(disk.files[&name_of(INFO)].as_slice()).next() else {
        panic!("no header")
    };
    header
}

/// Why a file with the header `found` would be refused where `expected` is looked for.
fn why(found: &Header, expected: &Header) -> String {
    check(found, expected, std::time::Duration::from_secs(3_600)).unwrap_err().to_string()
}

#[test]
fn a_good_file_is_used_and_a_damaged_one_leaves_an_empty_task() {
    let bench = written();
    assert!(is_used(&bench, &bench.keeper, &bench.spans()));
    let good = bench.files.disk.lock().unwrap().files[&name_of(INFO)].clone();
    for (place, byte) in good.iter().enumerate() {
        bench.files.disk.lock().unwrap().files.get_mut(&name_of(INFO)).unwrap()[place] = !byte;
        assert!(!is_used(&bench, &bench.keeper, &bench.spans()), "byte {place}");
        bench.files.disk.lock().unwrap().files.insert(name_of(INFO), good.clone());
    }
    bench.files.disk.lock().unwrap().files.insert(name_of(INFO), good[..good.len() - 1].to_vec());
    assert!(!is_used(&bench, &bench.keeper, &bench.spans()));
    bench.files.disk.lock().unwrap().files.clear();
    assert!(!is_used(&bench, &bench.keeper, &bench.spans()), "there is none");
}

#[test]
fn a_file_of_something_else_is_refused_and_both_are_named() {
    let bench = written();
    let own = header(&bench);
    assert!(!is_used(&bench, &keeper(&bench.files, "another", &stage()), &bench.spans()));
    let other_stage = Stage { name: "another", ..stage() };
    assert!(!is_used(&bench, &keeper(&bench.files, "c1", &other_stage), &bench.spans()));

    let said = why(&own, &Header { cluster_id: "another".to_owned(), ..own.clone() });
    assert!(said.contains("cluster c1") && said.contains("cluster another"), "{said}");
    let said = why(&own, &Header { partition: 3, ..own.clone() });
    assert!(said.contains("partition 2") && said.contains("partition 3"), "{said}");
    let mut newer = own.clone();
    newer.changelogs[1].store_version += 1;
    assert!(why(&own, &newer).contains("version 1 and this build has version 2"));
}

#[test]
fn a_file_that_is_too_old_or_from_the_future_is_refused() {
    let bench = written();
    let own = header(&bench);
    let at = |seconds: i64| Header { created_at_ms: own.created_at_ms + seconds * 1_000, ..own.clone() };
    assert_eq!(why(&own, &at(3_700)), "it is 3700 s old and state.checkpoint_max_age_s is 3600");
    assert_eq!(why(&own, &at(-7_200)), "it is dated 7200 s in the future: a clock is or was wrong");
    bench.files.disk.lock().unwrap().clock_ms += 3_599_000;
    assert!(is_used(&bench, &bench.keeper, &bench.spans()));
    bench.files.disk.lock().unwrap().clock_ms += 2_000;
    assert!(!is_used(&bench, &bench.keeper, &bench.spans()));
}

#[test]
fn a_changelog_that_was_made_anew_or_cut_is_noticed() {
    let bench = written();
    let good = bench.spans();
    let changed = |change: &dyn Fn(&mut Span)| {
        let mut spans = good.clone();
        change(&mut spans[0]);
        is_used(&bench, &bench.keeper, &spans)
    };
    assert!(changed(&|_| {}));
    assert!(changed(&|span| span.end += 1_000));
    assert!(changed(&|span| span.begin = 100), "all that is kept is the tail");
    assert!(!changed(&|span| span.begin = 101), "records between the file and the tail are gone");
    assert!(!changed(&|span| span.end = 99), "made anew, and shorter");
    // Made anew, and longer by now: even its first record is newer than the file.
    assert!(!changed(&|span| (span.end, span.since) = (5_000, Some(0))));
    // The same after compaction has removed the first records.
    assert!(!changed(&|span| (span.end, span.first, span.since) = (5_000, Some(40), Some(40))));
    // Not made anew: compaction has left only what is newer, all of it in the tail.
    assert!(changed(&|span| (span.end, span.first, span.since) = (5_000, Some(700), Some(700))));
    // Some records are newer, the first is not.
    assert!(changed(&|span| (span.end, span.first, span.since) = (5_000, Some(3), Some(100))));
    assert!(!is_used(&bench, &bench.keeper, &[]), "the broker says nothing");
}

#[test]
fn a_file_is_written_when_it_is_worth_it() {
    let mut bench = written();
    let turns = |bench: &mut Bench| (0..20_000).for_each(|_| bench.turn());
    turns(&mut bench);
    assert_eq!(bench.stats.recovery().checkpoints_written, 1, "nothing has changed");
    bench.handle(&Op::Set(0, 2));
    bench.commit();
    turns(&mut bench);
    assert_eq!(bench.stats.recovery().checkpoints_written, 1, "replaying it is less work");
    (0..20).for_each(|key| bench.handle(&Op::Set(key, 3)));
    bench.commit();
    bench.until_written(2);
    bench.files.disk.lock().unwrap().clock_ms += 1_801_000;
    bench.until_written(3); // Not much has changed, but the file is getting old.
    assert!(is_used(&bench, &bench.keeper, &bench.spans()));
}

#[test]
fn a_full_disk_keeps_the_last_file_and_is_tried_again() {
    let mut bench = written();
    let before = bench.files.disk.lock().unwrap().files.clone();
    bench.files.disk.lock().unwrap().room = Some(200);
    (0..100).for_each(|key| bench.handle(&Op::Set(key, 7)));
    bench.commit();
    (0..20_000).for_each(|_| bench.turn());
    assert_eq!(bench.stats.recovery().checkpoints_written, 1);
    assert_eq!(*bench.keeper.checkpoints.failing.lock().unwrap(), Some("disk_full"));
    assert_eq!(bench.files.disk.lock().unwrap().files, before);
    bench.files.disk.lock().unwrap().room = None;
    bench.until_written(2);
    assert_eq!(*bench.keeper.checkpoints.failing.lock().unwrap(), None);
    let mut loaded = bench.load(&bench.keeper, &bench.spans());
    assert_eq!(state(&mut loaded.task), state(bench.task()));
}

#[test]
fn a_pass_ends_with_its_task() {
    let mut bench = Bench::new();
    (0..1_000).for_each(|key| bench.handle(&Op::Set(key, 1)));
    bench.commit();
    (0..3).for_each(|_| bench.turn());
    bench.keeper.forget(INFO);
    (0..1_000).for_each(|_| bench.turn());
    assert_eq!(bench.files.disk.lock().unwrap().files, BTreeMap::new());
    assert_eq!(bench.keeper.checkpoints.oldest_age_ms(), 0);
}
