//! Checkpoints below this machine's `state.directory` that still name somebody.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::search::Needles;

/// So much of a file is looked at in one piece.
const PIECE_BYTES: usize = 1 << 20;
/// Ending of the name of a complete checkpoint.
const COMPLETE: &str = "checkpoint";

/// A checkpoint that names somebody.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The file.
    pub(super) file: PathBuf,
    /// When it was written.
    pub(super) written_at: SystemTime,
}

/// Looks through the checkpoints below `directory`. A file that is replaced or removed meanwhile is passed over: what takes
/// its place is newer.
///
/// # Errors
/// [`io::Error`] when a file or directory cannot be read.
pub(super) fn naming(needles: &Needles, directory: &Path) -> io::Result<Vec<Named>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let Some(entries) = if_there(fs::read_dir(&directory))? else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|ending| ending == COMPLETE)
                && let Some(file) = if_there(File::open(&path))?
                && is_named(needles, &file)?
            {
                let written_at = file.metadata()?.modified()?;
                found.push(Named { file: path, written_at });
            }
        }
    }
    found.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(found)
}

/// By when an instance at work has replaced the checkpoint, in milliseconds since 1970.
pub(super) fn replaced_by(named: &Named, max_age: Duration) -> i64 {
    let written = named.written_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from((written + max_age / 2).as_millis()).unwrap_or(i64::MAX)
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_named(needles: &Needles, mut file: impl Read) -> io::Result<bool> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        if needles.are_in(&piece) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        // What stands on the border of two pieces is in the second one as a whole.
        let keep = piece.len().min(needles.longest().saturating_sub(1));
        piece.drain(..piece.len() - keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles() -> Needles {
        let mut needles = Needles::default();
        needles.add("pseudonym-1");
        needles
    }

    #[test]
    fn checkpoints_are_found_below_the_directory_and_nothing_else_is_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("journey-1");
        fs::create_dir(&below).unwrap();
        for (name, text) in
            [("0-1.checkpoint", "..pseudonym-1.."), ("0-2.checkpoint", "nobody"), ("lock", "pseudonym-1")]
        {
            fs::write(below.join(name), text).unwrap();
        }
        let found = naming(&needles(), directory.path()).unwrap();
        assert_eq!(found.iter().map(|named| &named.file).collect::<Vec<_>>(), [&below.join("0-1.checkpoint")]);
        let written = fs::metadata(&found[0].file).unwrap().modified().unwrap();
        let written_ms = written.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
        assert_eq!(replaced_by(&found[0], Duration::from_secs(60)), written_ms + 30_000);
        assert_eq!(naming(&needles(), &directory.path().join("none")).unwrap(), []);
    }

    #[test]
    fn a_name_on_the_border_of_two_pieces_is_found() {
        for before in [PIECE_BYTES - 11, PIECE_BYTES - 5, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES - 3] {
            let mut bytes = vec![b'.'; before];
            bytes.extend(b"pseudonym-1");
            assert!(is_named(&needles(), &bytes[..]).unwrap(), "{before}");
            assert!(!is_named(&needles(), &bytes[..bytes.len() - 1]).unwrap(), "{before}");
        }
    }
}
