//! Partitions on the move under load: more and fewer workers, and one that slept and does not know that it is dead.

use std::time::Duration;

use tributary_testkit::eventually;

use crate::bed::{Bed, Process, Running, keys};

const SOON: Duration = Duration::from_secs(60);
const PARTITIONS: u32 = 8;
const KEYS: u32 = 60;

/// Waits until each of the workers has this many partitions.
fn until_shared(workers: &[Running], each: usize) {
    let tasks = || workers.iter().map(|worker| worker.stats.task_count()).collect::<Vec<_>>();
    let shared = eventually(SOON, || tasks().iter().all(|count| *count == each).then_some(()));
    assert!(shared.is_some(), "{:?} tasks", tasks());
}

#[test]
fn from_one_worker_to_four_and_back_to_two_under_load_every_record_counts_once() {
    let bed = Bed::with(PARTITIONS);
    let load = bed.load(keys(0..KEYS));
    let mut workers = vec![bed.bare_worker(0)];
    until_shared(&workers, 8);
    workers[0].until_accepted(i64::from(KEYS));
    workers.extend((1..4).map(|instance| bed.bare_worker(instance)));
    until_shared(&workers, 2);
    let before: Vec<i64> = workers.iter().map(Running::accepted).collect();
    let all_work = || workers.iter().zip(&before).all(|(worker, before)| worker.accepted() > *before);
    assert!(eventually(SOON, || all_work().then_some(())).is_some(), "one of them has got nothing");
    // The first goes too: whoever is left has to take over from everybody.
    workers.remove(2).stop();
    workers.remove(0).stop();
    until_shared(&workers, 4);
    let rounds = load.stop();
    bed.came_out_once(KEYS as usize, rounds);
    workers.into_iter().for_each(Running::stop);
}

/// A standby holds what others work on, and takes it over with the last few records only.
#[test]
fn a_standby_takes_over_with_the_tail_alone() {
    let bed = Bed::with(PARTITIONS);
    let all = keys(0..KEYS);
    let first = bed.bare_worker(0);
    (0..20).for_each(|_| bed.send(&all));
    first.until_accepted(20 * i64::from(KEYS));
    let whole = bed.changelog_records();
    let standby = bed.standby(1);
    until_shared(std::slice::from_ref(&first), 4);
    // Two of them, so that one began after the partitions had been shared out.
    let passes = standby.stats.recovery().standby_passes;
    let complete = eventually(SOON, || (standby.stats.recovery().standby_passes >= passes + 2).then_some(()));
    assert!(complete.is_some(), "{:?}", standby.stats.recovery());
    let before = standby.stats.recovery().changelog_records;
    first.stop();
    until_shared(std::slice::from_ref(&standby), 8);
    let read = standby.stats.recovery().changelog_records - before;
    assert!(read * 10 < whole, "{read} of {whole} records were read to take over what was followed");
    bed.send(&all);
    bed.came_out_once(KEYS as usize, 21);
    standby.stop();
}

#[test]
fn a_zombie_whose_partitions_were_taken_commits_nothing_more_of_them() {
    let bed = Bed::with(PARTITIONS);
    let load = bed.load(keys(0..KEYS));
    let zombie = Process::member(&bed, 0);
    zombie.until_accepted(i64::from(KEYS));
    zombie.freeze();
    let asleep = zombie.accepted();
    let heir = Process::member(&bed, 1);
    let took = eventually(SOON, || (heir.task_count() == u64::from(PARTITIONS)).then_some(()));
    assert!(took.is_some(), "the heir has {} tasks", heir.task_count());
    heir.until_accepted(i64::from(KEYS));
    // It wakes up in the middle of a transaction, with records of partitions that are not its own any more.
    zombie.thaw();
    let shared = eventually(SOON, || (zombie.task_count() == 4 && heir.task_count() == 4).then_some(()));
    assert!(shared.is_some(), "{} and {} tasks", zombie.task_count(), heir.task_count());
    zombie.until_accepted(asleep + 1);
    let rounds = load.stop();
    bed.came_out_once(KEYS as usize, rounds);
}

#[test]
fn a_zombie_whose_name_was_taken_is_fenced_and_ends() {
    let bed = Bed::with(PARTITIONS);
    let load = bed.load(keys(0..KEYS));
    let mut zombie = Process::start(&bed, None);
    zombie.until_accepted(i64::from(KEYS));
    zombie.freeze();
    let heir = Process::start(&bed, None);
    heir.until_accepted(i64::from(KEYS));
    zombie.thaw();
    assert!(eventually(SOON, || zombie.has_ended().then_some(())).is_some(), "the zombie goes on");
    let rounds = load.stop();
    bed.came_out_once(KEYS as usize, rounds);
}
