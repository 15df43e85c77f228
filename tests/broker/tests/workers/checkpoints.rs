//! Restarts from checkpoints on a real broker: processes are killed, files are damaged, partitions move.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tributary_stream::{Recovery, StoreKind};
use tributary_testkit::eventually;

use crate::bed::{Bed, PARTITIONS, Process, keys};

const SOON: Duration = Duration::from_secs(60);
/// What the runtime itself remembers of a partition here: three counts.
const OWN_ENTRIES: u64 = 3;

/// A broker with state in its changelogs, checkpoints of all of it in `dir`, and more that was done since.
fn with_checkpoints_and_a_tail(bed: &Bed, dir: &Path) -> Tail {
    bed.send(&keys(0..400));
    bed.send(&keys(0..400));
    let process = Process::start(bed, None);
    process.until_accepted(800);
    process.kill();
    let whole = bed.changelog_records();

    let process = Process::start(bed, Some(dir));
    let written = eventually(SOON, || (process.recovery().checkpoints_written == PARTITIONS).then_some(()));
    assert!(written.is_some(), "{:?}", process.recovery());
    let recovery = process.recovery();
    assert_eq!((recovery.checkpoint_entries, recovery.changelog_records), (0, whole), "there was no file yet");
    bed.send(&keys(300..500));
    process.until_accepted(1_000);
    process.kill();
    Tail { whole: bed.changelog_records(), behind_checkpoints: bed.changelog_records() - whole }
}

/// Records in the changelogs.
struct Tail {
    whole: u64,
    behind_checkpoints: u64,
}

/// Sends more, kills in the middle of it, and looks at what came of everything.
fn goes_on_exactly_once(bed: &Bed, process: Process, dir: &Path, store: StoreKind) {
    bed.send(&keys(0..500));
    process.until_accepted(1_001);
    process.kill();
    bed.send(&keys(0..500));
    let process = Process::start_with(bed, Some(dir), store);
    process.until_accepted(2_000);
    process.kill();
    let last = bed.last_outputs();
    assert_eq!(last.len(), 500);
    for (key, count) in last {
        let number: u32 = key.parse().unwrap();
        let expected = 2 + 2 * u32::from(number < 400) + u32::from(number >= 300);
        assert_eq!(count, expected.to_string(), "key {number}");
    }
    assert_eq!(bed.output_count(), 2_000);
}

fn restored(process: &Process) -> Recovery {
    let all = eventually(SOON, || (process.task_count() == PARTITIONS).then(|| process.recovery()));
    all.unwrap_or_else(|| panic!("only {} of {PARTITIONS} tasks", process.task_count()))
}

#[test]
fn a_killed_process_comes_back_from_its_checkpoints_and_reads_only_the_tail() {
    let (bed, dir) = (Bed::new(), TempDir::new().unwrap());
    let tail = with_checkpoints_and_a_tail(&bed, dir.path());
    let process = Process::start(&bed, Some(dir.path()));
    let recovery = restored(&process);
    assert_eq!(recovery.checkpoint_entries, 400 + OWN_ENTRIES * PARTITIONS);
    assert_eq!(recovery.changelog_records, tail.behind_checkpoints);
    assert!(tail.behind_checkpoints > 0 && tail.behind_checkpoints < tail.whole, "{}", tail.behind_checkpoints);
    goes_on_exactly_once(&bed, process, dir.path(), StoreKind::Memory);
}

#[test]
fn damaged_files_are_refused_and_the_changelogs_give_the_same() {
    let (bed, dir) = (Bed::new(), TempDir::new().unwrap());
    let tail = with_checkpoints_and_a_tail(&bed, dir.path());
    let files = bed.checkpoint_files(dir.path());
    assert_eq!(files.len() as u64, PARTITIONS);
    for (number, file) in files.iter().enumerate() {
        let mut bytes = std::fs::read(file).unwrap();
        if number == 0 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        } else {
            bytes.pop();
        }
        std::fs::write(file, bytes).unwrap();
    }
    let process = Process::start(&bed, Some(dir.path()));
    let recovery = restored(&process);
    assert_eq!(recovery.checkpoint_entries, 0, "entries of files that were refused do not count");
    assert_eq!(recovery.changelog_records, tail.whole);
    goes_on_exactly_once(&bed, process, dir.path(), StoreKind::Memory);
}

#[test]
fn files_of_topics_that_were_made_anew_are_refused() {
    let (bed, dir) = (Bed::new(), TempDir::new().unwrap());
    with_checkpoints_and_a_tail(&bed, dir.path());
    drop(bed);
    // Another broker with the same topics, less in them, and the files of the first.
    let bed = Bed::new();
    bed.send(&keys(0..10));
    let process = Process::start(&bed, Some(dir.path()));
    process.until_accepted(10);
    assert_eq!(process.recovery().checkpoint_entries, 0);
    process.kill();
    assert_eq!(bed.last_outputs().len(), 10);
    assert!(bed.last_outputs().values().all(|count| count == "1"), "{:?}", bed.last_outputs());
}

#[test]
fn a_partition_that_moves_away_and_comes_back_finds_its_old_checkpoint_and_its_new_state() {
    a_partition_moves_away_and_comes_back(StoreKind::Memory);
}

#[test]
fn a_partition_that_moves_away_and_comes_back_finds_its_old_state_on_disk_and_what_is_new() {
    a_partition_moves_away_and_comes_back(StoreKind::Disk);
}

#[test]
fn state_on_disk_with_nothing_in_memory_comes_to_the_same_and_outlives_kills() {
    let (bed, dir) = (Bed::new(), TempDir::new().unwrap());
    bed.send(&keys(0..400));
    bed.send(&keys(0..400));
    let process = Process::start_with(&bed, Some(dir.path()), StoreKind::Disk);
    process.until_accepted(800);
    bed.send(&keys(300..500));
    process.until_accepted(1_000);
    process.kill();
    let process = Process::start_with(&bed, Some(dir.path()), StoreKind::Disk);
    let recovery = restored(&process);
    let own = bed.own_changelog_records();
    assert!(own < bed.changelog_records() / 2, "{own}");
    assert!(recovery.changelog_records <= own, "all that was counted is on disk: {recovery:?}, {own}");
    assert!(recovery.checkpoint_entries <= OWN_ENTRIES * PARTITIONS, "{recovery:?}");
    goes_on_exactly_once(&bed, process, dir.path(), StoreKind::Disk);

    // From disk to memory and back: what is in the other place is not taken for the state.
    for (round, store) in [StoreKind::Memory, StoreKind::Disk].into_iter().enumerate() {
        let process = Process::start_with(&bed, Some(dir.path()), store);
        bed.send(&keys(0..500));
        process.until_accepted(2_500 + 500 * round as i64);
        process.kill();
    }
    let last = bed.last_outputs();
    assert_eq!((last["0"].as_str(), last["350"].as_str(), last["450"].as_str()), ("6", "7", "5"));
    assert_eq!(bed.output_count(), 3_000);
}

fn a_partition_moves_away_and_comes_back(store: StoreKind) {
    let (bed, dir) = (Bed::new(), TempDir::new().unwrap());
    bed.send(&keys(0..400));
    let first = bed.worker(0, dir.path(), store);
    first.until_accepted(400);
    let written = eventually(SOON, || (first.stats.recovery().checkpoints_written >= PARTITIONS).then_some(()));
    assert!(written.is_some(), "{:?}", first.stats.recovery());
    assert_eq!(first.stats.recovery().checkpoint_entries, 0);
    let second = bed.worker(1, dir.path(), store);
    let shared = eventually(SOON, || (second.stats.task_count() > 0 && first.stats.task_count() == 1).then_some(()));
    assert!(shared.is_some(), "{} and {} tasks", first.stats.task_count(), second.stats.task_count());
    bed.send(&keys(0..400));
    let all = eventually(SOON, || (first.accepted() + second.accepted() >= 800).then_some(()));
    assert!(all.is_some(), "{} and {}", first.accepted(), second.accepted());
    second.stop();
    let back = eventually(SOON, || (first.stats.task_count() as u64 == PARTITIONS).then_some(()));
    assert!(back.is_some(), "{} tasks", first.stats.task_count());
    let recovery = first.stats.recovery();
    assert!(recovery.checkpoint_entries > 0, "{recovery:?}");
    if store == StoreKind::Disk {
        // Of one of two partitions, what came while it was elsewhere: half of what there is of it.
        assert!(recovery.changelog_records * 3 < bed.changelog_records(), "{recovery:?}");
    }
    bed.send(&keys(0..400));
    first.until_accepted(1_200);
    first.stop();
    assert!(bed.last_outputs().values().all(|count| count == "3"), "{:?}", bed.last_outputs());
    assert_eq!(bed.output_count(), 1_200);
}

#[test]
fn without_a_place_for_checkpoints_the_worker_works_all_the_same() {
    let (bed, dir) = (Bed::new(), TempDir::new().unwrap());
    let place = dir.path().join("place");
    std::fs::write(&place, "a file where a directory is meant to be").unwrap();
    bed.send(&keys(0..400));
    let worker = bed.worker(0, &place, StoreKind::Memory);
    worker.until_accepted(400);
    // As soon as there is a place, it is used.
    std::fs::remove_file(&place).unwrap();
    assert_eq!(worker.stats.recovery().checkpoints_written, 0);
    bed.send(&keys(0..400));
    worker.until_accepted(800);
    let written = eventually(SOON, || (worker.stats.recovery().checkpoints_written >= PARTITIONS).then_some(()));
    assert!(written.is_some(), "{:?}", worker.stats.recovery());
    worker.stop();
    assert!(bed.last_outputs().values().all(|count| count == "2"), "{:?}", bed.last_outputs());
}
