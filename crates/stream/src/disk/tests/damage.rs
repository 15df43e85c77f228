//! Bytes that are not what was written: noticed when the database is opened, when it is read, or of no consequence.

use std::fs;
use std::path::{Path, PathBuf};

use super::bed::{Bed, committed};
use crate::checkpoint::tests::passes::Op;

fn files(path: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

#[test]
fn a_damaged_byte_never_makes_a_wrong_state() {
    let mut bed = Bed::new(0);
    for round in 0..2 {
        for key in 0..200 {
            bed.handle(&Op::Set(key, round));
            bed.handle(&Op::Add(key, round));
        }
        bed.commit();
        if round == 0 {
            // Half of it in tables, the other half in the log of batches.
            bed.task.disk().unwrap().to_tables();
        }
    }
    let whole = bed.logs.whole();
    let good = bed.copied("good");
    let (mut noticed, mut harmless) = (0, 0);
    for (index, file) in files(&good.path).into_iter().enumerate() {
        let bytes = fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for part in 0..4_usize {
            let Some(place) = (used > 0).then(|| part * used / 4) else { continue };
            let damaged = bed.copied(&format!("damaged-{index}-{part}"));
            let mut bytes = bytes.clone();
            bytes[place] = !bytes[place];
            fs::write(damaged.path.join(file.strip_prefix(&good.path).unwrap()), bytes).unwrap();

            let mut task = damaged.take_over(&bed.logs.spans()).unwrap();
            let found = committed_on_disk(&mut task);
            let is_anew = task.changelog_next().is_empty();
            if task.disk_fault().is_some() || is_anew {
                noticed += 1;
                drop(task);
            } else {
                harmless += 1;
                let mut prefix = bed.logs.state(|store| end(&task, store));
                prefix.retain(|(store, _), _| *store < 2);
                assert_eq!(found, prefix, "{} at {place}", file.display());
                bed.logs.replay(&mut task);
                assert_eq!(committed(&mut task), whole, "{} at {place}", file.display());
            }
        }
    }
    assert!(noticed > 4, "{noticed} noticed, {harmless} harmless");
}

fn end(task: &crate::task::Task, store: usize) -> usize {
    task.changelog_next().get(&store).map_or(0, |next| *next as usize)
}

fn committed_on_disk(task: &mut crate::task::Task) -> super::bed::Entries {
    let mut all = committed(task);
    all.retain(|(store, _), _| *store < 2);
    all
}

#[test]
fn what_cannot_be_read_is_thrown_away_and_built_anew() {
    let mut bed = Bed::new(0);
    (0..50).for_each(|key| bed.handle(&Op::Set(key, 1)));
    bed.commit();
    let disk = std::sync::Arc::clone(bed.task.disk().unwrap());
    disk.fail(crate::disk::failure::DiskError::damaged("a test says so"));
    // The step seems to go well, and must not count.
    let said = bed.handle_badly(&Op::Set(1, 2));
    assert!(said.contains("a test says so"), "{said}");
    bed.task.abort();
    let keeper = bed.place.keeper(&bed.database);
    let mut task = super::bed::take_over(&keeper, &bed.database, &bed.logs.spans()).unwrap();
    assert!(committed(&mut task).is_empty());
    assert_eq!(bed.logs.replay(&mut task), bed.logs.len());
    assert_eq!(committed(&mut task), bed.logs.whole());
    assert_eq!(task.disk_fault(), None);
}
