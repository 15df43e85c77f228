//! What can be set about checkpoints.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the runtime keeps copies of its state, the `state` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSettings {
    /// Where state is kept that stages work on.
    pub store: StoreKind,
    /// With `store: disk`: megabytes of entries, as encoded, that each partition of a stage keeps in memory besides those
    /// that the open transaction has touched. Decoded they take two to three times as much.
    pub cache_mbytes: u64,
    /// A directory on a local disk for checkpoints, from which a restart continues instead of reading whole changelogs,
    /// and for state that is on disk. Left out, there are none. Processes may share it: each writes below `<stage>-<kafka.instance>`.
    pub directory: Option<PathBuf>,
    /// The state of a partition is written at most this often, in seconds.
    pub checkpoint_interval_s: u64,
    /// An older checkpoint is not used, in seconds: the changelog may have forgotten by then what was deleted since.
    /// Must stay well below `delete.retention.ms` of the changelogs (a day).
    pub checkpoint_max_age_s: u64,
    /// Each worker keeps copies of the state of the partitions that others work on, in memory, and follows their
    /// changelogs: it takes them over in a moment. Each worker of a process then needs as much memory as if it alone
    /// worked on all partitions.
    pub standby: bool,
}

/// Where state is kept that stages work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// In memory, all of it.
    Memory,
    /// In a database below `state.directory`; in memory only what was used last. For state that does not fit in memory.
    Disk,
}

impl StateSettings {
    /// Deleted keys are told by the changelogs for so long, in seconds; no checkpoint may get as old.
    pub const MAX_AGE_LIMIT_S: u64 = 20 * 60 * 60;
    /// What makes sense for a partition: less would read everything from disk, more is what `store: memory` is for.
    pub const CACHE_MBYTES: RangeInclusive<u64> = 1..=65_536;
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            store: StoreKind::Memory,
            cache_mbytes: 64,
            directory: None,
            checkpoint_interval_s: 60,
            checkpoint_max_age_s: 12 * 60 * 60,
            standby: false,
        }
    }
}
