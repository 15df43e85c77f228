//! Why the identity service cannot start.

use tributary_service::config::Problem;

/// Why the identity service cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The file of rules is not there, or not readable.
    #[error("identity.rules = {path}: {detail}; give a readable file, or leave it out for the built-in rules")]
    NoFile {
        /// The path that is configured.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// The rules are no YAML, or not of the expected shape.
    #[error("identity rules cannot be read: {detail}; compare them with schemas/identity.yaml")]
    Unreadable {
        /// What the parser said, with line and column.
        detail: String,
    },
    /// The rules can be read and make no sense.
    #[error("identity rules: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))]
    Invalid {
        /// All that is wrong with them.
        problems: Vec<Problem>,
    },
}
