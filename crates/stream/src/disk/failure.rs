//! What a disk says when it does not do as told.

use crate::checkpoint::io_reason;

/// Why something could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct DiskError {
    /// From a fixed set, for metrics.
    pub(crate) reason: &'static str,
    /// What the system or the database said.
    pub(crate) detail: String,
}

impl DiskError {
    /// What was written cannot be what is read.
    pub(crate) fn damaged(detail: impl Into<String>) -> Self {
        Self { reason: "damaged", detail: detail.into() }
    }

    /// What was opened again is not what was closed.
    pub(crate) fn closed() -> Self {
        Self { reason: "closed", detail: "it could not be opened again as it was".to_owned() }
    }

    /// Somebody else in the process has taken the task over.
    pub(crate) fn elsewhere() -> Self {
        Self { reason: "elsewhere", detail: "another worker has taken the task over".to_owned() }
    }

    /// True for [`DiskError::elsewhere`].
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.reason == "elsewhere"
    }

    /// True when it is of no use to try again: it was closed for good, or is somebody else's.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_elsewhere() || self.reason == "closed"
    }

    /// True when the data are at fault rather than the disk: they can be thrown away and read from the changelogs.
    pub(crate) fn is_damage(&self) -> bool {
        self.reason == "damaged"
    }
}

impl From<std::io::Error> for DiskError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        // What was there before is cut short, or gone.
        if matches!(error.kind(), Kind::UnexpectedEof | Kind::InvalidData | Kind::InvalidInput) {
            return Self::damaged(error.to_string());
        }
        Self { reason: io_reason(&error), detail: error.to_string() }
    }
}

impl From<fjall::Error> for DiskError {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error))
                if error.kind() == std::io::ErrorKind::NotFound =>
            {
                Self::damaged(format!("a file of it is gone: {error}"))
            }
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => Self::from(error),
            fjall::Error::Locked => Self { reason: "locked", detail: "another process works there".to_owned() },
            fjall::Error::Poisoned => Self { reason: "io", detail: "an earlier write has failed".to_owned() },
            other => Self::damaged(other.to_string()),
        }
    }
}
