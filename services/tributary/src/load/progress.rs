//! The progress file: how many events of which input are safe, so that loading can go on where it stopped.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::LoadError;

/// What a progress file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The data set or source.
    pub what: String,
    /// The fingerprint of the input files.
    pub fingerprint: String,
    /// Events from the start that the broker has acknowledged.
    pub acknowledged: u64,
    /// Whether those are all.
    pub complete: bool,
}

/// A place for [`Progress`].
#[derive(Debug, Clone)]
pub struct ProgressFile {
    path: PathBuf,
}

impl ProgressFile {
    /// The progress file at `path`; it need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many events of this input are already safe: zero when there is no progress file.
    ///
    /// # Errors
    /// [`LoadError::Progress`] when the file cannot be read, or belongs to other input.
    pub fn acknowledged(&self, what: &str, fingerprint: &str) -> Result<u64, LoadError> {
        let text = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            other => other.map_err(|error| self.bad(error.to_string()))?,
        };
        let progress: Progress = serde_json::from_str(&text).map_err(|error| self.bad(error.to_string()))?;
        if progress.what != what {
            return Err(self.bad(format!("it belongs to {}, not to {what}", progress.what)));
        }
        if progress.fingerprint != fingerprint {
            return Err(self.bad("the files have changed since it was written".to_owned()));
        }
        Ok(progress.acknowledged)
    }

    /// Writes progress so that a crash leaves the old or the new text, never half of one.
    ///
    /// # Errors
    /// [`LoadError::Progress`] when it cannot be written.
    pub fn save(&self, progress: &Progress) -> Result<(), LoadError> {
        let text = serde_json::to_string(progress).map_err(|error| self.bad(error.to_string()))?;
        let mut draft = self.path.clone().into_os_string();
        draft.push(".new");
        std::fs::write(&draft, text + "\n").map_err(|error| self.bad(error.to_string()))?;
        std::fs::rename(&draft, &self.path).map_err(|error| self.bad(error.to_string()))
    }

    fn bad(&self, detail: String) -> LoadError {
        LoadError::Progress { path: self.path.clone(), detail }
    }
}
