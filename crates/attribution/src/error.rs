//! Why there are no credits.

/// Why paths or a model are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributionError {
    /// A path without a step.
    #[error(
        "a path with {conversions} conversions and {nulls} nulls has no step: \
         leave out journeys that touched no channel"
    )]
    EmptyPath {
        /// The conversions that were to be added.
        conversions: i64,
        /// The nulls that were to be added.
        nulls: i64,
    },
    /// More was taken back from a path than was added to it.
    #[error(
        "path \"{path}\" has {count} {what}: a retraction came before what it takes back; \
         ask again when that has been added"
    )]
    NegativeCount {
        /// The path's channels, oldest first.
        path: String,
        /// What is counted: `conversions` or `nulls`.
        what: &'static str,
        /// The count.
        count: i128,
    },
    /// Labels that cannot be channels, because there are too many of them.
    #[error("the paths name {found} channels and at most {limit} can be credited: group labels into channels")]
    TooManyChannels {
        /// How many distinct labels there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// No model has this name.
    #[error("\"{name}\" is not an attribution model: use one of {known}")]
    UnknownModel {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: String,
    },
}
