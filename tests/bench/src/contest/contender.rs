//! Who takes part.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Peer;
use super::{INPUT, OUTPUT};

/// What is to be done with each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// To be written as it is.
    Copy,
    /// To be enriched with what is known of the person.
    Enrich,
}

/// One who takes part.
#[derive(Debug, Clone)]
pub enum Contender {
    /// A bare copy, with transactions or without: what no product can beat.
    Copy {
        /// Whether records and offsets are committed together.
        transactional: bool,
    },
    /// A stage of ours.
    Ours,
    /// Somebody else's engine.
    Peer(Peer),
}

impl Contender {
    /// Its name in the report.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Copy { transactional: false } => "copy (rdkafka)".to_owned(),
            Self::Copy { transactional: true } => "transactional copy (rdkafka)".to_owned(),
            Self::Ours => "Tributary stage".to_owned(),
            Self::Peer(peer) => peer.name.clone(),
        }
    }

    /// What it promises.
    #[must_use]
    pub fn guarantee(&self) -> String {
        match self {
            Self::Copy { transactional: false } => "at-least-once".to_owned(),
            Self::Copy { transactional: true } => "exactly-once, 100 ms".to_owned(),
            Self::Ours => "exactly-once, 100 ms, changelog".to_owned(),
            Self::Peer(peer) => peer.guarantee.clone(),
        }
    }

    /// What it does.
    #[must_use]
    pub fn work(&self) -> Work {
        if matches!(self, Self::Copy { .. }) { Work::Copy } else { Work::Enrich }
    }

    /// How its process is started; `scratch` is an empty directory of its own.
    ///
    /// # Errors
    /// When this program's own path is not known.
    pub(super) fn command(&self, bootstrap: &str, scratch: &std::path::Path) -> std::io::Result<Command> {
        let mut command = match self {
            Self::Peer(peer) => {
                let mut command = Command::new(peer.folder.join("run"));
                command.arg(&peer.installed);
                command
            }
            own => {
                let mut command = Command::new(std::env::current_exe()?);
                let name = match own {
                    Self::Copy { transactional: false } => "copy",
                    Self::Copy { transactional: true } => "transactional-copy",
                    _ => "stage",
                };
                command.args(["contend", name]);
                command
            }
        };
        let variables = [("BOOTSTRAP", bootstrap), ("INPUT", INPUT), ("OUTPUT", OUTPUT)];
        command.envs(variables).env("WORK", scratch).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }
}

/// Where the log of a contender goes.
pub(super) fn log_of(name: &str, directory: &std::path::Path) -> PathBuf {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    directory.join(format!("{plain}.log"))
}
