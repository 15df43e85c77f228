//! Files as byte streams: unpacked by their name, counted for the progress bar, with a fingerprint for resuming.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use super::error::LoadError;

const BUFFER_BYTES: usize = 256 * 1024;
/// How much of each end of a file goes into its fingerprint.
const FINGERPRINT_BYTES: u64 = 64 * 1024;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstandard,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Rows under a header.
    Csv,
    /// An object, an array of objects, or objects one after the other.
    Json,
}

/// The bytes read from all files of a load, as they lie on disk.
#[derive(Debug, Clone, Default)]
pub struct ByteCounter(Arc<AtomicU64>);

impl ByteCounter {
    /// Bytes read so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Format and packing, as the file's name says them.
fn kind(path: &Path) -> Result<(Format, Packing), LoadError> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let (name, packing) = match name.rsplit_once('.') {
        Some((inner, "gz")) => (inner, Packing::Gzip),
        Some((inner, "zst")) => (inner, Packing::Zstandard),
        _ => (name.as_str(), Packing::Plain),
    };
    let format = match name.rsplit_once('.') {
        Some((_, "csv")) => Format::Csv,
        Some((_, "json" | "ndjson" | "jsonl")) => Format::Json,
        _ => return Err(LoadError::UnknownFormat { path: path.to_owned() }),
    };
    Ok((format, packing))
}

/// What the file holds by its name.
pub(super) fn format(path: &Path) -> Result<Format, LoadError> {
    kind(path).map(|(format, _)| format)
}

/// A file opened for reading, unpacked on the way.
pub(super) struct Input {
    path: Arc<Path>,
    packing: Packing,
    reader: Box<dyn BufRead + Send>,
}

impl Input {
    pub(super) fn open(path: &Path, counter: &ByteCounter) -> Result<Self, LoadError> {
        let (_, packing) = kind(path)?;
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::missing(path),
            _ => LoadError::Unreadable { path: path.to_owned(), line: 0, detail: error.to_string() },
        };
        let file = File::open(path).map_err(unreadable)?;
        let counted = BufReader::with_capacity(BUFFER_BYTES, Counted { file, counter: counter.clone() });
        let reader: Box<dyn BufRead + Send> = match packing {
            Packing::Plain => Box::new(counted),
            Packing::Gzip => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::bufread::MultiGzDecoder::new(counted)))
            }
            Packing::Zstandard => {
                let decoder = zstd::stream::read::Decoder::with_buffer(counted).map_err(unreadable)?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
        };
        Ok(Self { path: path.into(), packing, reader })
    }

    pub(super) fn path(&self) -> Arc<Path> {
        Arc::clone(&self.path)
    }

    /// What a failure of this input after `line` means.
    pub(super) fn failure(&self) -> InputFailure {
        InputFailure { path: self.path(), packed: self.packing != Packing::Plain }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

/// Names the file when reading it fails.
pub(super) struct InputFailure {
    path: Arc<Path>,
    packed: bool,
}

impl InputFailure {
    pub(super) fn after_line(&self, line: u64, detail: &dyn ToString) -> LoadError {
        let (path, detail) = (self.path.to_path_buf(), detail.to_string());
        if self.packed {
            LoadError::Damaged { path, line, detail }
        } else {
            LoadError::Unreadable { path, line, detail }
        }
    }
}

struct Counted {
    file: File,
    counter: ByteCounter,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.counter.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The size of all files in bytes on disk.
pub(super) fn total_bytes(paths: &[PathBuf]) -> Result<u64, LoadError> {
    paths.iter().map(|path| std::fs::metadata(path).map(|m| m.len()).map_err(|_| LoadError::missing(path))).sum()
}

/// A name for the content of these files: UUIDv5 over each one's name, length, first and last 64 KiB, in their order.
pub(super) fn fingerprint(paths: &[PathBuf]) -> Result<Uuid, LoadError> {
    let mut content = Vec::new();
    for path in paths {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::missing(path),
            _ => LoadError::Unreadable { path: path.clone(), line: 0, detail: error.to_string() },
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        content.extend_from_slice(path.file_name().unwrap_or_default().as_encoded_bytes());
        content.push(0);
        content.extend_from_slice(&length.to_le_bytes());
        file.by_ref().take(FINGERPRINT_BYTES).read_to_end(&mut content).map_err(unreadable)?;
        file.seek(SeekFrom::Start(length.saturating_sub(FINGERPRINT_BYTES))).map_err(unreadable)?;
        file.take(FINGERPRINT_BYTES).read_to_end(&mut content).map_err(unreadable)?;
    }
    Ok(Uuid::new_v5(&Uuid::NAMESPACE_URL, &content))
}
