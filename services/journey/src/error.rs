//! Why the journey service cannot be set up.

use tributary_service::config::Problem;

/// Why the journey service cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// A file of definitions is not YAML of the expected shape.
    #[error("{file}: {detail}; compare it with the built-in file of that name in schemas/")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser said, with line and column.
        detail: String,
    },
    /// Definitions or the configuration say something impossible; all of it is listed.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
    /// A file cannot be read.
    #[error("{file}: {source}; check that it exists and can be read")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
