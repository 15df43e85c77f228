//! How a command ends, as the shell sees it.

use std::process::ExitCode;

/// How a command ended; the numbers are documented in the help and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed while working.
    Failed,
    /// The command line, the configuration or a definition is wrong.
    Misconfigured,
    /// What was checked does not add up.
    Difference,
    /// No Kafka broker answers.
    Unreachable,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Misconfigured => 2,
            Self::Difference => 3,
            Self::Unreachable => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
