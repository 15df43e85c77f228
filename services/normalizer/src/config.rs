//! The normaliser's settings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tributary_model::time::{DAY_MS, HOUR_MS};

use crate::error::Problem;

/// The shortest window in which duplicates are found.
const MIN_WINDOW_HOURS: u32 = 24;

/// Settings of the normaliser. The pseudonym key is not among them: the composing binary hands it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directories with a folder a source; later ones replace earlier ones and the built-in sources of the same name.
    pub source_dirs: Vec<PathBuf>,
    /// Instead of the built-in `schemas/identity.yaml`.
    pub identity_file: Option<PathBuf>,
    /// Instead of the built-in `schemas/channels.yaml`.
    pub channels_file: Option<PathBuf>,
    /// Instead of the built-in `schemas/bots.yaml`.
    pub bots_file: Option<PathBuf>,
    /// How long an id is remembered, in hours of event time and of receive time; at least 24.
    pub dedup_window_hours: u32,
    /// The most ids a task remembers; beyond it the oldest go early, which is counted.
    pub dedup_max_entries: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source_dirs: Vec::new(),
            identity_file: None,
            channels_file: None,
            bots_file: None,
            dedup_window_hours: 48,
            dedup_max_entries: 2_000_000,
        }
    }
}

/// An event may be dated this far ahead of its receipt.
pub(crate) const MAX_AHEAD_MS: i64 = DAY_MS;

impl Config {
    /// The window of deduplication in milliseconds.
    #[must_use]
    pub fn dedup_window_ms(&self) -> i64 {
        i64::from(self.dedup_window_hours) * HOUR_MS
    }

    /// Everything that is wrong with the settings themselves.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        let problem = |key: &str, what: String, remedy: &str| Problem::new("configuration", key, what, remedy);
        let mut problems = Vec::new();
        if self.dedup_window_hours < MIN_WINDOW_HOURS {
            let what = format!("{} is shorter than a day", self.dedup_window_hours);
            problems.push(problem("normalizer.dedup_window_hours", what, "give at least 24"));
        }
        if self.dedup_max_entries == 0 {
            let what = "0 would remember nothing".to_owned();
            problems.push(problem("normalizer.dedup_max_entries", what, "give at least 1, about 150 bytes each"));
        }
        problems
    }
}
