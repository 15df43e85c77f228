//! What can go wrong when triggers are loaded; running them cannot fail.

use std::path::PathBuf;

use crate::problem::Problem;

/// Why there are no triggers to run.
#[derive(Debug, thiserror::Error)]
pub enum TriggersError {
    /// A directory or file of definitions could not be read.
    #[error("cannot read trigger definitions at {path}: {source}: check triggers.directories")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Definitions or configuration are wrong; all problems are listed.
    #[error("{} problems in trigger definitions:\n{}", .0.len(), listed(.0))]
    Invalid(Vec<Problem>),
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
