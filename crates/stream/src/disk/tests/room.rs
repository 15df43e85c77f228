//! A disk without room: nothing is lost, nothing is wrong, and it goes on by itself.

use std::io::Write;

use tempfile::TempDir;

use super::bed::{Bed, Place, committed, copy, take_over};
use crate::checkpoint::tests::passes::{Op, stage};

fn set(bed: &mut Bed, keys: std::ops::Range<u16>, value: u8) {
    for key in keys {
        bed.handle(&Op::Set(key, value));
        bed.handle(&Op::Add(key, value));
    }
    bed.commit();
}

#[test]
fn what_cannot_be_written_stays_in_memory_until_it_can() {
    let mut bed = Bed::new(0);
    set(&mut bed, 0..50, 1);
    let good = bed.logs.clone();
    bed.database.fill(true);
    set(&mut bed, 40..90, 2);
    bed.handle(&Op::Remove(0));
    bed.handle(&Op::Cut(1, 1));
    bed.commit();
    bed.task.tend_disk();
    assert_eq!(committed(&mut bed.task), bed.logs.whole(), "what was written and what waits");
    assert_eq!(bed.task.disk_fault(), None);
    // Killed meanwhile: the disk is as it was when it was full.
    let mut task = bed.copied("full").take_over(&bed.logs.spans()).unwrap();
    let behind: usize = (0..2).map(|store| bed.logs.0[store].len() - good.0[store].len()).sum();
    assert_eq!(bed.logs.replay(&mut task), behind + bed.logs.0[2].len());
    assert_eq!(committed(&mut task), bed.logs.whole());

    bed.database.fill(false);
    bed.task.tend_disk();
    assert_eq!(committed(&mut bed.task), bed.logs.whole());
    set(&mut bed, 80..100, 3);
    let mut task = bed.copied("room").take_over(&bed.logs.spans()).unwrap();
    assert_eq!(bed.logs.replay(&mut task), bed.logs.0[2].len());
    assert_eq!(committed(&mut task), bed.logs.whole());
}

/// What somebody puts in the place of a disk that could not be written.
#[derive(Debug)]
enum Instead {
    Earlier,
    Emptied,
    Nothing,
}

#[test]
fn a_disk_that_does_not_come_back_as_it_was_is_not_taken_for_the_state() {
    for instead in [Instead::Earlier, Instead::Emptied, Instead::Nothing] {
        let mut bed = Bed::new(0);
        set(&mut bed, 0..50, 1);
        let earlier = bed.copied("earlier");
        set(&mut bed, 0..50, 2);
        bed.database.fill(true);
        set(&mut bed, 0..10, 3);
        std::fs::remove_dir_all(&bed.place.path).unwrap();
        match instead {
            Instead::Earlier => copy(&earlier.path, &bed.place.path),
            Instead::Emptied => {
                let place = Place { cluster: "another", ..earlier };
                drop(place.take_over(&bed.logs.spans()).unwrap());
                copy(&place.path, &bed.place.path);
            }
            Instead::Nothing => {}
        }
        bed.database.fill(false);
        bed.task.tend_disk();
        bed.handle_badly(&Op::Set(40, 4));
        bed.task.abort();
        let keeper = bed.place.keeper(&bed.database);
        let mut task = take_over(&keeper, &bed.database, &bed.logs.spans()).unwrap();
        assert!(bed.logs.replay(&mut task) > 0, "{instead:?}");
        assert_eq!(committed(&mut task), bed.logs.whole(), "{instead:?}");
        assert_eq!(task.disk_fault(), None);
    }
}

/// A small file system to fill: `mount -t tmpfs -o size=80m none <place>`.
const SMALL_DISK: &str = "TRIBUTARY_TEST_SMALL_DISK";

#[test]
#[ignore = "needs a small file system at TRIBUTARY_TEST_SMALL_DISK, which it fills"]
fn a_file_system_that_is_really_full_and_then_is_not() {
    let place = std::path::PathBuf::from(std::env::var_os(SMALL_DISK).unwrap());
    let mut bed = Bed::within(TempDir::new_in(&place).unwrap(), 0);
    set(&mut bed, 0..50, 1);
    let ballast = place.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 65_536]).is_ok() {}
    drop(file);
    let mut rounds = 0;
    while !bed.database.is_failing() {
        rounds += 1;
        assert!(rounds < 1_000, "it does not get full");
        set(&mut bed, 0..2_000, rounds as u8);
    }
    set(&mut bed, 0..100, 255);
    assert_eq!(committed(&mut bed.task), bed.logs.whole());
    assert_eq!(bed.task.disk_fault(), None);
    std::fs::remove_file(&ballast).unwrap();
    bed.task.tend_disk();
    assert!(!bed.database.is_failing());
    assert_eq!(committed(&mut bed.task), bed.logs.whole());
    assert_eq!(bed.task.disk_fault(), None);
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("store");
    copy(&bed.place.path, &path);
    let place = Place { path, files: bed.place.files.clone(), stage: stage(), ..bed.place };
    let mut task = place.take_over(&bed.logs.spans()).unwrap();
    assert_eq!(bed.logs.replay(&mut task), bed.logs.0[2].len());
    assert_eq!(committed(&mut task), bed.logs.whole());
}
