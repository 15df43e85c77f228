use std::collections::HashMap;

use proptest::prelude::*;
use tributary_model::time::HOUR_MS;
use tributary_stream::StateStore;

use super::{DedupWindow, Verdict, fingerprint, key_of};

const WINDOW_MS: i64 = 24 * HOUR_MS;

fn window() -> DedupWindow {
    DedupWindow::new(WINDOW_MS, 1_000)
}

/// Looks, remembers what is not a duplicate, and gives the verdict.
fn meet(window: &mut DedupWindow, id: &str, content: &[u8], at: i64) -> Verdict {
    let verdict = window.look(key_of(id), fingerprint(content));
    if verdict == Verdict::New {
        window.remember(key_of(id), fingerprint(content), at, at);
    }
    verdict
}

#[test]
fn fingerprints_are_the_same_in_every_release() {
    assert_eq!(fingerprint(b""), 0xe3b0_c442_98fc_1c14);
}

#[test]
fn same_bytes_are_duplicates_and_others_conflict() {
    let mut window = window();
    assert_eq!(meet(&mut window, "a", b"1", 0), Verdict::New);
    assert_eq!(meet(&mut window, "a", b"1", 0), Verdict::Duplicate);
    assert_eq!(meet(&mut window, "a", b"2", 0), Verdict::Conflict);
    assert_eq!(meet(&mut window, "b", b"1", 0), Verdict::New);
}

#[test]
fn ids_are_known_for_the_whole_window_and_then_forgotten() {
    let mut window = window();
    meet(&mut window, "a", b"1", 0);
    meet(&mut window, "b", b"1", WINDOW_MS);
    assert_eq!(window.look(key_of("a"), fingerprint(b"1")), Verdict::Duplicate);
    meet(&mut window, "c", b"1", WINDOW_MS + 1);
    assert_eq!(window.look(key_of("a"), fingerprint(b"1")), Verdict::New);
    assert_eq!((window.len(), window.take_evicted_early()), (2, 0));
}

#[test]
fn a_backlog_of_history_is_remembered_by_its_receipt() {
    let mut window = window();
    let now = 1_000 * HOUR_MS;
    window.remember(key_of("live"), 1, now, now);
    window.remember(key_of("old"), 1, 0, now);
    window.remember(key_of("older"), 1, -HOUR_MS, now);
    assert_eq!(window.look(key_of("old"), 1), Verdict::Duplicate);
}

#[test]
fn it_is_bounded_and_says_so() {
    let mut window = DedupWindow::new(WINDOW_MS, 10);
    for index in 0..25 {
        meet(&mut window, &index.to_string(), b"1", index);
    }
    assert_eq!((window.len(), window.take_evicted_early(), window.take_evicted_early()), (10, 15, 0));
    assert_eq!(window.look(key_of("14"), fingerprint(b"1")), Verdict::New);
    assert_eq!(window.look(key_of("15"), fingerprint(b"1")), Verdict::Duplicate);
}

#[test]
fn an_aborted_transaction_leaves_no_trace() {
    let mut window = DedupWindow::new(WINDOW_MS, 2);
    meet(&mut window, "a", b"1", 0);
    meet(&mut window, "b", b"1", 1);
    window.commit();
    meet(&mut window, "c", b"1", 2);
    assert_eq!(window.look(key_of("a"), fingerprint(b"1")), Verdict::New);
    window.abort();
    assert_eq!(window.look(key_of("a"), fingerprint(b"1")), Verdict::Duplicate);
    assert_eq!(window.look(key_of("c"), fingerprint(b"1")), Verdict::New);
    meet(&mut window, "d", b"1", 3);
    assert_eq!(window.look(key_of("a"), fingerprint(b"1")), Verdict::New, "evicted again, in order");
    assert_eq!(window.look(key_of("b"), fingerprint(b"1")), Verdict::Duplicate);
}

#[test]
fn it_is_restored_from_its_changelog() {
    let mut before = window();
    for index in 0..50 {
        meet(&mut before, &index.to_string(), b"1", index * HOUR_MS);
    }
    let mut after = window();
    for (key, value) in before.changes() {
        after.restore(&key, value.as_deref()).unwrap();
    }
    assert_eq!(after.len(), before.len());
    for window in [&mut before, &mut after] {
        meet(window, "next", b"1", 55 * HOUR_MS);
    }
    for index in 0..50 {
        let id = index.to_string();
        assert_eq!(after.look(key_of(&id), fingerprint(b"1")), before.look(key_of(&id), fingerprint(b"1")), "{id}");
    }
}

proptest! {
    /// Against a model that forgets nothing: within the window every verdict is the same.
    #[test]
    fn it_is_exact_within_the_window(
        steps in prop::collection::vec((0_u8..30, 0_u8..2, 0_i64..6 * HOUR_MS, any::<bool>()), 1..200),
    ) {
        let mut window = window();
        let mut model: HashMap<String, (u8, i64)> = HashMap::new();
        let mut now = 0;
        for (id, content, step_ms, commit) in steps {
            now += step_ms;
            let id = id.to_string();
            let verdict = window.look(key_of(&id), fingerprint(&[content]));
            match model.get(&id).filter(|(_, at)| now - at <= WINDOW_MS) {
                None if verdict == Verdict::New => {}
                None => prop_assert!(model.contains_key(&id), "known without having been seen"),
                Some((seen, _)) if *seen == content => prop_assert_eq!(verdict, Verdict::Duplicate),
                Some(_) => prop_assert_eq!(verdict, Verdict::Conflict),
            }
            if verdict == Verdict::New {
                window.remember(key_of(&id), fingerprint(&[content]), now, now);
                model.insert(id, (content, now));
            }
            if commit { window.commit() }
        }
    }
}
