//! The one way to standard output: text for people, JSON for programs.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::error::CliError;

/// How a command answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document, or one a line where a command says so.
    Json,
}

/// Standard output with its format.
#[derive(Debug)]
pub struct Output {
    format: Format,
    out: io::Stdout,
}

impl Output {
    /// Writes to standard output.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, out: io::stdout() }
    }

    /// Whether programs read it.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes one line, or several.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn text(&mut self, text: impl AsRef<str>) -> Result<(), CliError> {
        writeln!(self.out, "{}", text.as_ref()).map_err(CliError::system("writing to standard output"))
    }

    /// Writes `value` as indented JSON.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let json = serde_json::to_string_pretty(value).map_err(io::Error::from);
        self.text(json.map_err(CliError::system("writing JSON"))?)
    }

    /// Writes the JSON of `value` to programs and the lines of `text` to people.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn either(&mut self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.is_json() { self.json(value) } else { self.text(text()) }
    }

    /// Says something beside the answer, on standard error, where it disturbs no program.
    pub fn notice(&mut self, text: impl AsRef<str>) {
        // Nothing is left to be done when not even standard error is there.
        drop(writeln!(io::stderr(), "{}", text.as_ref()));
    }
}
