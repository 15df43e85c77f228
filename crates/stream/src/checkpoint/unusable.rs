//! Why a checkpoint is not used. None of this is an error of the hub: it restores from the changelog instead.

/// Why a checkpoint is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read ({0})")]
    Unreadable(String),
    /// It does not begin as a checkpoint does.
    #[error("it is no checkpoint")]
    NoCheckpoint,
    /// It ends before its end.
    #[error("it is torn: it ends before its footer")]
    Torn,
    /// Its bytes are not those that were written.
    #[error("a checksum does not match: it was damaged after it was written")]
    Checksum,
    /// Its parts do not fit together.
    #[error("its parts do not fit together")]
    Undecodable,
    /// Another build writes files in another way.
    #[error("it is of format version {found} and this build reads {expected}")]
    Format {
        /// Version of the file.
        found: u16,
        /// Version of this build.
        expected: u16,
    },
    /// It is of something else.
    #[error("it is of {found} and not of {expected}")]
    Other {
        /// What it is of.
        found: String,
        /// What was looked for.
        expected: String,
    },
    /// The shape of a store has changed.
    #[error("it has {found} in version {found_version} and this build has version {expected_version}")]
    StoreVersion {
        /// The changelog.
        found: String,
        /// Version in the file.
        found_version: u8,
        /// Version of this build.
        expected_version: u8,
    },
    /// The changelog may have forgotten by now what was deleted since.
    #[error("it is {age_s} s old and state.checkpoint_max_age_s is {max_age_s}")]
    TooOld {
        /// Its age.
        age_s: i64,
        /// What is allowed.
        max_age_s: i64,
    },
    /// The clock was set back since, or was wrong then.
    #[error("it is dated {ahead_s} s in the future: a clock is or was wrong")]
    Future {
        /// How far ahead it is.
        ahead_s: i64,
    },
    /// The changelog ends before the offset it is good for.
    #[error("it is good for offset {next} of {topic}-{partition}, which ends at {end}: the topic was made anew")]
    BeyondEnd {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The offset.
        next: i64,
        /// Where the changelog ends.
        end: i64,
    },
    /// The changelog begins after the offset it is good for.
    #[error("it is good for offset {next} of {topic}-{partition}, which begins at {begin}: records were deleted")]
    BeforeBeginning {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The offset.
        next: i64,
        /// Where the changelog begins.
        begin: i64,
    },
    /// Everything in the changelog is newer than the checkpoint.
    #[error("all records of {topic}-{partition} are newer: the topic was made anew")]
    Recreated {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
    },
    /// The broker does not tell where the changelog begins and ends.
    #[error("the broker does not tell where {topic}-{partition} begins and ends")]
    Unverified {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
    },
    /// An entry cannot be taken over.
    #[error("{0}")]
    Entry(String),
}

impl Unusable {
    /// The reason for metrics, from a fixed set.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NoCheckpoint | Self::Format { .. } => "format",
            Self::Torn => "torn",
            Self::Checksum => "checksum",
            Self::Undecodable | Self::Entry(_) => "undecodable",
            Self::Other { .. } => "identity",
            Self::StoreVersion { .. } => "store_version",
            Self::TooOld { .. } | Self::Future { .. } => "age",
            Self::BeyondEnd { .. } | Self::Recreated { .. } => "recreated",
            Self::BeforeBeginning { .. } => "deleted",
            Self::Unverified { .. } => "unverified",
        }
    }
}
