//! Takeovers from disk: what is there is the state at the offsets it names, and with the tail it is the state.

use proptest::prelude::*;

use super::bed::{Bed, committed, new_task, take_over};
use crate::checkpoint::tests::passes::{Op, op, record};

#[derive(Debug, Clone)]
enum Event {
    Do(Op),
    Commit,
    Abort,
    Tend,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        10 => op().prop_map(Event::Do),
        3 => Just(Event::Commit),
        1 => Just(Event::Abort),
        1 => Just(Event::Tend),
    ]
}

fn run(bed: &mut Bed, events: &[Event]) {
    for event in events {
        match event {
            Event::Do(op) => bed.handle(op),
            Event::Commit => bed.commit(),
            Event::Abort => bed.task.abort(),
            Event::Tend => bed.task.tend_disk(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn whenever_a_process_is_killed_its_disk_and_the_tail_are_the_state(
        before in prop::collection::vec(event(), 0..150),
        after in prop::collection::vec(event(), 0..150),
    ) {
        let mut bed = Bed::new(200);
        run(&mut bed, &before);
        // Killed here, with a transaction open or not.
        let killed = bed.copied("killed");
        let at_kill = bed.logs.clone();
        run(&mut bed, &after);
        bed.task.abort();

        let mut task = killed.take_over(&bed.logs.spans()).unwrap();
        let next = task.changelog_next().clone();
        prop_assert!(!next.contains_key(&2), "the runtime's own state is not on disk");
        let end = |store: usize| next.get(&store).map_or(0, |next| *next as usize);
        let mut at_offsets = at_kill.state(end);
        at_offsets.retain(|(store, _), _| *store < 2);
        prop_assert_eq!(committed(&mut task), at_offsets);
        for store in 0..2 {
            prop_assert_eq!(end(store), at_kill.0[store].len(), "every commit is on disk at once");
        }

        let replayed = bed.logs.replay(&mut task);
        let tail: usize = (0..3).map(|store| bed.logs.0[store].len() - end(store)).sum();
        prop_assert_eq!(replayed, tail);
        prop_assert_eq!(committed(&mut task), bed.logs.whole());
        prop_assert_eq!(task.state_len(), task_len(&bed));
        prop_assert_eq!(committed(&mut bed.task), bed.logs.whole());

        // And once more, from what the takeover has put there.
        drop(task);
        let mut again = killed.take_over(&bed.logs.spans()).unwrap();
        prop_assert_eq!(bed.logs.replay(&mut again), bed.logs.0[2].len());
        prop_assert_eq!(committed(&mut again), bed.logs.whole());
    }
}

/// Entries that the stores have by the changelogs alone.
fn task_len(bed: &Bed) -> usize {
    bed.logs.whole().keys().filter(|(store, _)| *store < 2).count()
}

#[test]
fn a_takeover_that_is_killed_half_way_goes_on_from_there() {
    let mut bed = Bed::new(0);
    for key in 0..300 {
        bed.handle(&Op::Set(key, 1));
        bed.handle(&Op::Add(key, 1));
    }
    bed.commit();
    bed.handle(&Op::Remove(7));
    bed.commit();
    let empty = bed.place_without("other");
    let mut task = empty.take_over(&bed.logs.spans()).unwrap();
    let half = bed.logs.0[0].len() / 2;
    for (offset, (key, value)) in bed.logs.0[0].iter().enumerate().take(half) {
        task.note_changelog(0, offset as i64 + 1);
        task.restore(0, key, value.as_deref()).unwrap();
    }
    task.flush_disk();
    drop(task);
    let mut task = empty.take_over(&bed.logs.spans()).unwrap();
    assert_eq!(bed.logs.replay(&mut task), bed.logs.len() - half);
    assert_eq!(committed(&mut task), bed.logs.whole());
}

#[test]
fn a_task_whose_checkpoint_is_refused_keeps_what_is_on_disk_and_nothing_else() {
    let mut bed = Bed::new(0);
    for key in 0..50 {
        bed.handle(&Op::Set(key, 1));
        bed.handle(&Op::Timer(key + 1_000));
    }
    bed.commit();
    assert!(bed.task.changelog_next().contains_key(&2));
    bed.task.begin_anew(new_task());
    assert_eq!(bed.task.changelog_next().keys().copied().collect::<Vec<_>>(), [0]);
    let on_disk = committed(&mut bed.task);
    assert!(on_disk.len() == 50 && on_disk.keys().all(|(store, _)| *store == 0));
    assert_eq!(bed.logs.replay(&mut bed.task), bed.logs.0[2].len());
    assert_eq!(committed(&mut bed.task), bed.logs.whole());
}

#[test]
fn a_worker_that_has_lost_its_task_to_another_of_the_process_neither_writes_nor_reads_it_any_more() {
    let mut bed = Bed::new(0);
    for key in 0..50 {
        bed.handle(&Op::Set(key, 1));
    }
    bed.commit();
    // Committed by the broker, and the worker stands still before it has noted that.
    bed.handle(&Op::Set(7, 2));
    bed.task.before_commit(&mut Vec::new()).unwrap();
    for (store, change) in bed.task.changes() {
        bed.logs.0[store].push(change);
    }
    let keeper = bed.place.keeper(&bed.database);
    let mut next = take_over(&keeper, &bed.database, &bed.logs.spans()).unwrap();
    bed.logs.replay(&mut next);
    let mut late = std::mem::replace(&mut bed.task, next);
    bed.handle(&Op::Set(7, 3));
    bed.commit();

    late.commit();
    assert!(late.disk_fault().unwrap().contains("another worker has taken the task over"));
    assert_eq!(committed(&mut bed.task), bed.logs.whole());
    late.tend_disk();
    assert!(late.handle(&record(&Op::Set(9, 9)), &mut Vec::new()).is_err(), "it must not work on what it cannot read");
    late.abort();
    drop(late);
    assert_eq!(bed.task.disk_fault(), None);
    let mut again = take_over(&keeper, &bed.database, &bed.logs.spans()).unwrap();
    assert_eq!(bed.logs.replay(&mut again), bed.logs.0[2].len(), "nothing was thrown away");
    assert_eq!(committed(&mut again), bed.logs.whole());
}
