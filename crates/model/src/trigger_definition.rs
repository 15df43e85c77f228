//! A trigger definition as it was applied to a running hub.

use serde::{Deserialize, Serialize};

/// Whether an applied trigger runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionStatus {
    /// It runs.
    Enabled,
    /// It is switched off, and can be switched on again.
    Disabled,
    /// It is gone. Its version is remembered, so that nothing older comes back under its id.
    Removed,
}

impl DefinitionStatus {
    /// The name used in records and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
        }
    }
}

/// What was last said of a trigger; the record of the compacted `tributary.trigger-definitions`, keyed by
/// [`TriggerDefinition::key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerDefinition {
    /// The trigger.
    pub trigger_id: String,
    /// Its version, as its text has it.
    pub version: i32,
    /// The definition as its team wrote it: YAML.
    pub text: String,
    /// Whether it runs.
    pub status: DefinitionStatus,
    /// When this was said, on the clock of whoever said it.
    pub applied_at: i64,
}

impl TriggerDefinition {
    /// The record's key.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        self.trigger_id.clone().into_bytes()
    }
}
