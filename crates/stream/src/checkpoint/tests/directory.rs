//! Files in a directory of the file system.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::checkpoint::files::{CheckpointFiles, Directory};
use crate::checkpoint::io_reason;

const DAY: Duration = Duration::from_secs(86_400);

fn write(files: &Directory, name: &str, text: &str) {
    let mut file = files.create(name).unwrap();
    file.write(text.as_bytes()).unwrap();
    file.finish().unwrap();
}

fn read(files: &Directory, name: &str) -> Option<String> {
    files.open(name).unwrap().map(|mut file| {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    })
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refused(files: &Directory) -> &'static str {
    io_reason(&files.create("0-1").err().unwrap())
}

#[test]
fn a_file_is_there_once_it_is_complete_and_an_unfinished_one_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("made").join("by itself");
    let files = Directory::new(path.clone(), DAY);
    assert_eq!(read(&files, "0-1"), None);
    write(&files, "0-1", "one");
    let mut unfinished = files.create("0-1").unwrap();
    unfinished.write(b"two").unwrap();
    assert_eq!(read(&files, "0-1").unwrap(), "one");
    assert_eq!(names(&path), ["0-1.checkpoint", "0-1.tmp", "lock"]);
    drop(unfinished);
    assert_eq!(names(&path), ["0-1.checkpoint", "lock"]);
    write(&files, "0-1", "three");
    assert_eq!(read(&files, "0-1").unwrap(), "three");
    for own in [path.clone(), path.join("0-1.checkpoint")] {
        let others = fs::metadata(&own).unwrap().permissions().mode() & 0o077;
        assert_eq!(others, 0, "{} is for its owner alone", own.display());
    }
}

#[test]
fn one_writes_others_may_read_and_the_next_clears_up() {
    let dir = TempDir::new().unwrap();
    let first = Directory::new(dir.path().to_owned(), DAY);
    write(&first, "0-1", "one");
    let second = Directory::new(dir.path().to_owned(), DAY);
    assert_eq!(refused(&second), "locked");
    assert_eq!(read(&second, "0-1").unwrap(), "one");
    drop(first);
    fs::write(dir.path().join("0-9.tmp"), "left by a process that was killed").unwrap();
    write(&second, "0-2", "two");
    assert_eq!(names(dir.path()), ["0-1.checkpoint", "0-2.checkpoint", "lock"]);
}

#[test]
fn files_that_are_too_old_to_be_used_are_removed() {
    let dir = TempDir::new().unwrap();
    let files = Directory::new(dir.path().to_owned(), DAY);
    write(&files, "0-1", "old");
    write(&files, "0-2", "new");
    let old = fs::File::options().write(true).open(dir.path().join("0-1.checkpoint")).unwrap();
    old.set_modified(SystemTime::now() - 2 * DAY).unwrap();
    write(&files, "0-3", "now");
    assert_eq!(names(dir.path()), ["0-2.checkpoint", "0-3.checkpoint", "lock"]);
}

#[test]
fn a_place_where_nothing_can_be_written_has_a_reason_and_may_come_back() {
    let dir = TempDir::new().unwrap();
    let place = dir.path().join("place");
    let files = Directory::new(place.join("stage-0"), DAY);
    fs::write(&place, "a file where a directory is meant to be").unwrap();
    assert_eq!(refused(&files), "not_writable");
    fs::remove_file(&place).unwrap();
    write(&files, "0-1", "one");
    // Gone under our feet: made again.
    fs::remove_dir_all(&place).unwrap();
    assert_eq!(read(&files, "0-1"), None);
    write(&files, "0-1", "two");
    assert_eq!(read(&files, "0-1").unwrap(), "two");
}
