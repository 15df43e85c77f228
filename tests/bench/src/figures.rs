//! What benches of their own hand to the one that runs all.

use serde::{Deserialize, Serialize};

use crate::Spread;

/// Of `restore`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoreFigures {
    /// Persons with state.
    pub persons: u64,
    /// Touches of each.
    pub touches: u64,
    /// Seconds back to service from checkpoints.
    pub checkpoint_s: Spread,
    /// Seconds back to service from changelogs.
    pub changelog_s: Spread,
}

/// Of `identity`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityFigures {
    /// Identifiers.
    pub identifiers: u64,
    /// Known identifiers looked up, commands included, for a second of the owners' CPU.
    pub lookups_per_cpu_s: f64,
    /// Merges for a second of the sequencer's CPU.
    pub merges_per_cpu_s: f64,
    /// Resident bytes of state for an identifier.
    pub bytes_an_identifier: f64,
}
