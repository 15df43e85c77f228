//! Logs: `tracing` to standard error, as text or JSON.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::config::Problem;
use crate::error::ServiceError;

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line of text for people.
    #[default]
    Text,
    /// One JSON object a line for machines.
    Json,
}

/// Configuration of logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged: a level, and levels by module, as `info,tributary_stream=debug`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

impl LogConfig {
    /// What is wrong with it; keys are relative to this section.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        match EnvFilter::try_new(&self.filter) {
            Ok(_) => Vec::new(),
            Err(error) => vec![Problem::new(
                "filter",
                &self.filter,
                format!("is no log filter: {error}"),
                "write a level, and levels by module, as `info,tributary_stream=debug`",
            )],
        }
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// [`ServiceError`] when the filter is broken or logs were set up before.
pub fn init(config: &LogConfig) -> Result<(), ServiceError> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|error| ServiceError::LogFilter { filter: config.filter.clone(), detail: error.to_string() })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    set.map_err(|_| ServiceError::LogsAlreadySet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_filter_is_named_with_its_remedy() {
        assert!(LogConfig::default().validate().is_empty());
        let broken = LogConfig { filter: "tributary=loud".to_owned(), ..LogConfig::default() };
        let problems = broken.validate();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].key, "filter");
        assert_eq!(problems[0].value, "tributary=loud");
        assert!(init(&broken).unwrap_err().to_string().contains("tributary=loud"));
    }
}
