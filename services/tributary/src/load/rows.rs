//! Tables: a header, then rows, each with its line.

use std::path::Path;
use std::sync::Arc;

use csv::StringRecord;

use super::error::LoadError;
use super::input::{ByteCounter, Input, InputFailure};

/// The rows of one CSV file.
pub(super) struct Rows {
    path: Arc<Path>,
    failure: InputFailure,
    reader: csv::Reader<Input>,
    headers: StringRecord,
    record: StringRecord,
    line: u64,
    count: u64,
}

impl Rows {
    pub(super) fn open(path: &Path, counter: &ByteCounter) -> Result<Self, LoadError> {
        let input = Input::open(path, counter)?;
        let (path, failure) = (input.path(), input.failure());
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(128 * 1024).from_reader(input);
        let headers = reader.headers().map_err(|error| broken(&path, &failure, 0, &error))?.clone();
        let rows = Self { path, failure, reader, headers, record: StringRecord::new(), line: 1, count: 0 };
        let repeated =
            (1..rows.headers.len()).find(|at| rows.headers.iter().take(*at).any(|h| h == &rows.headers[*at]));
        match repeated {
            _ if rows.headers.is_empty() => Err(rows.bad_row("the file is empty, a header was expected")),
            Some(at) => Err(rows.bad_row(format!("the header names column \"{}\" twice", &rows.headers[at]))),
            None => Ok(rows),
        }
    }

    pub(super) fn headers(&self) -> &StringRecord {
        &self.headers
    }

    /// Where each of these columns stands.
    pub(super) fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], LoadError> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            let found = self.headers.iter().position(|header| header == name);
            *place = found.ok_or_else(|| LoadError::MissingColumn {
                path: self.path.to_path_buf(),
                column: name.to_owned(),
                found: self.headers.iter().collect::<Vec<_>>().join(", "),
            })?;
        }
        Ok(places)
    }

    /// Reads the next row into [`Rows::row`]; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, LoadError> {
        let more = self.reader.read_record(&mut self.record);
        let more = more.map_err(|error| broken(&self.path, &self.failure, self.line, &error))?;
        if more {
            self.line = self.record.position().map_or(self.line + 1, csv::Position::line);
            self.count += 1;
        }
        Ok(more)
    }

    pub(super) fn row(&self) -> &StringRecord {
        &self.record
    }

    /// The line of the current row, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Rows read so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    pub(super) fn bad_row(&self, detail: impl Into<String>) -> LoadError {
        LoadError::BadRow { path: self.path.to_path_buf(), line: self.line, detail: detail.into() }
    }

    pub(super) fn bad_value(&self, column: &'static str, value: &str, expected: impl Into<String>) -> LoadError {
        let (path, value) = (self.path.to_path_buf(), value.chars().take(80).collect());
        LoadError::BadValue { path, line: self.line, column, value, expected: expected.into() }
    }

    /// The current row's value as a whole number.
    pub(super) fn number(&self, column: &'static str, place: usize) -> Result<u64, LoadError> {
        let text = &self.record[place];
        text.parse().map_err(|_| self.bad_value(column, text, "a whole number"))
    }

    pub(super) fn unsorted(&self, column: &'static str, before: &str, value: &str) -> LoadError {
        let (before, value) = (before.to_owned(), value.to_owned());
        LoadError::Unsorted { path: self.path.to_path_buf(), line: self.line, column, before, value }
    }
}

fn broken(path: &Arc<Path>, failure: &InputFailure, line: u64, error: &csv::Error) -> LoadError {
    let bad_row = |at: &Option<csv::Position>, detail: String| LoadError::BadRow {
        path: path.to_path_buf(),
        line: at.as_ref().map_or(line + 1, csv::Position::line),
        detail,
    };
    match error.kind() {
        csv::ErrorKind::Io(error) => failure.after_line(line, error),
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            bad_row(pos, format!("the row has {len} fields, the header has {expected_len}"))
        }
        csv::ErrorKind::Utf8 { pos, err } => bad_row(pos, format!("field {} is not UTF-8", err.field() + 1)),
        _ => bad_row(&None, error.to_string()),
    }
}
