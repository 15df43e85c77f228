//! JSON files: one object, an array of objects, objects one after the other (NDJSON), or a page of a vendor's API.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::error::LoadError;
use super::input::{ByteCounter, Input, InputFailure};

/// The longest single value that is read into memory; a whole page of an API is one value.
const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// The objects of one JSON file with the lines on which they begin.
pub(super) struct Objects {
    path: Arc<Path>,
    failure: InputFailure,
    splitter: Splitter<Input>,
    /// The rest of an API page that is being handed out.
    page: Option<Splitter<std::io::Cursor<Vec<u8>>>>,
    count: u64,
}

impl Objects {
    pub(super) fn open(path: &Path, counter: &ByteCounter) -> Result<Self, LoadError> {
        let input = Input::open(path, counter)?;
        let (path, failure) = (input.path(), input.failure());
        Ok(Self { path, failure, splitter: Splitter::new(input, 1), page: None, count: 0 })
    }

    /// The next object and its line; `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<(u64, Vec<u8>)>, LoadError> {
        loop {
            if let Some(page) = &mut self.page {
                match page.advance() {
                    Ok(Some(value)) => return self.object(value).map(Some),
                    Ok(None) => self.page = None,
                    Err(fault) => return Err(self.explain(fault)),
                }
            }
            let next = self.splitter.advance();
            let Some((line, value)) = next.map_err(|fault| self.explain(fault))? else { return Ok(None) };
            match page_rows(&value) {
                Some((skipped_lines, rows)) => {
                    self.page = Some(Splitter::new(std::io::Cursor::new(rows.to_vec()), line + skipped_lines));
                }
                None => return self.object((line, value)).map(Some),
            }
        }
    }

    /// Objects handed out so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    fn object(&mut self, (line, value): (u64, Vec<u8>)) -> Result<(u64, Vec<u8>), LoadError> {
        let bad = |detail: String| LoadError::BadJson { path: self.path.to_path_buf(), line, detail };
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(&value) {
            return Err(bad(format!("not valid JSON: {error} of the value")));
        }
        if value.first() != Some(&b'{') {
            let start = String::from_utf8_lossy(&value[..value.len().min(20)]).into_owned();
            return Err(bad(format!("found `{start}` where an object was expected")));
        }
        self.count += 1;
        Ok((line, value))
    }

    fn explain(&self, fault: Fault) -> LoadError {
        let bad = |line, detail: String| LoadError::BadJson { path: self.path.to_path_buf(), line, detail };
        match fault {
            Fault::Io { line, error } => self.failure.after_line(line, &error),
            Fault::Ends { line } => bad(line, "the file ends inside this value: it is cut off".to_owned()),
            Fault::Separator { line, found } => {
                bad(line, format!("found `{}` between two values", char::from(found).escape_default()))
            }
            Fault::TooLong { line } => {
                bad(line, format!("the value is longer than {} MiB", MAX_VALUE_BYTES / 1024 / 1024))
            }
        }
    }
}

/// The array inside an API page, an object whose only member is an array of objects such as `{"orders": [{…}]}`, and
/// how many lines come before it. Such a page carries events and is none itself.
fn page_rows(value: &[u8]) -> Option<(u64, &[u8])> {
    let inner = value.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let key_end = inner.iter().position(|byte| *byte == b'"' || *byte == b'\\')?;
    let rest = inner[key_end..].strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let array = rest.strip_suffix(b"}")?.trim_ascii_end();
    let first = array.strip_prefix(b"[")?.trim_ascii_start();
    if !first.starts_with(b"{") || serde_json::from_slice::<Vec<IgnoredAny>>(array).is_err() {
        return None;
    }
    let before = value.len() - rest.len();
    let lines = value[..before].iter().filter(|byte| **byte == b'\n').count();
    Some((lines as u64, array))
}

enum Fault {
    Io { line: u64, error: std::io::Error },
    Ends { line: u64 },
    Separator { line: u64, found: u8 },
    TooLong { line: u64 },
}

/// Cuts a stream of JSON values, or the elements of top-level arrays, without understanding them.
struct Splitter<R> {
    input: R,
    line: u64,
    in_array: bool,
}

impl<R: BufRead> Splitter<R> {
    fn new(input: R, line: u64) -> Self {
        Self { input, line, in_array: false }
    }

    fn advance(&mut self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        loop {
            let Some(byte) = self.peek()? else {
                let line = self.line;
                return if self.in_array { Err(Fault::Ends { line }) } else { Ok(None) };
            };
            match byte {
                b'[' if !self.in_array => self.in_array = true,
                b']' if self.in_array => self.in_array = false,
                b',' if self.in_array => {}
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | 0xEF | 0xBB | 0xBF => {}
                b',' | b']' | b'}' | b':' => return Err(Fault::Separator { line: self.line, found: byte }),
                _ => return self.value().map(Some),
            }
            self.input.consume(1);
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Fault> {
        let line = self.line;
        let buffer = self.input.fill_buf().map_err(|error| Fault::Io { line, error })?;
        Ok(buffer.first().copied())
    }

    /// One value: to the bracket that closes it, or to the separator behind a bare word.
    fn value(&mut self) -> Result<(u64, Vec<u8>), Fault> {
        let start = self.line;
        let mut value = Vec::new();
        let mut scan = Scan::default();
        loop {
            let buffer = self.input.fill_buf().map_err(|error| Fault::Io { line: start, error })?;
            if buffer.is_empty() {
                let bare = scan.depth == 0 && !scan.in_string;
                return if bare { Ok((start, value)) } else { Err(Fault::Ends { line: start }) };
            }
            let (taken, complete) = scan.take(buffer);
            value.extend_from_slice(&buffer[..taken]);
            self.line += buffer[..taken].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.input.consume(taken);
            if complete {
                return Ok((start, value));
            }
            if value.len() > MAX_VALUE_BYTES {
                return Err(Fault::TooLong { line: start });
            }
        }
    }
}

/// Where a scan stands inside one value.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// How many bytes of `buffer` belong to the value, and whether it is complete.
    fn take(&mut self, buffer: &[u8]) -> (usize, bool) {
        for (at, byte) in buffer.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return (at, true),
                _ => {}
            }
        }
        (buffer.len(), false)
    }
}
