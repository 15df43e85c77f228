//! The identity rules: which namespaces count for how much, and what stops them from linking persons.
//!
//! Read from `schemas/identity.yaml` or a file of the same shape. The normaliser reads the same file for what comes
//! before resolution (normalising, blocked values, order of the identifiers); here only what the links go by is kept.

mod file;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;
use tributary_model::time::DAY_MS;

use crate::error::IdentityError;
use file::RulesFile;

/// The rules that are compiled in.
pub const BUILT_IN_YAML: &str = include_str!("../../../schemas/identity.yaml");

/// The namespace of the stand-in identifier of a touchpoint that names nobody.
pub const TOUCHPOINT_NAMESPACE: &str = "touchpoint";

/// What a namespace's values may and may not link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceRule {
    /// Higher comes first.
    pub priority: i32,
    /// How many values one person may have; `None` for any number.
    pub limit: Option<usize>,
    /// The limit holds for any window of this length, instead of for ever.
    pub window_ms: Option<i64>,
    /// Two persons with different values are never merged.
    pub unique: bool,
    /// With how many persons a value may be seen before it is quarantined.
    pub max_persons: usize,
}

/// The identity rules, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    version: String,
    namespaces: FxHashMap<String, NamespaceRule>,
    other: NamespaceRule,
}

impl Rules {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// None in a build whose tests pass.
    pub fn built_in() -> Result<Self, IdentityError> {
        Self::from_yaml(BUILT_IN_YAML)
    }

    /// Reads and checks rules.
    ///
    /// # Errors
    /// [`IdentityError`] with everything that is wrong with them.
    pub fn from_yaml(text: &str) -> Result<Self, IdentityError> {
        let file: RulesFile =
            serde_saphyr::from_str(text).map_err(|error| IdentityError::Unreadable { detail: error.to_string() })?;
        let problems = file.problems();
        if !problems.is_empty() {
            return Err(IdentityError::Invalid { problems });
        }
        Ok(Self::from_checked(file))
    }

    fn from_checked(file: RulesFile) -> Self {
        let at_most = |limit: usize| (limit > 0).then_some(limit);
        let max_persons = file.quarantine.max_persons;
        let namespaces = file.namespaces.into_iter().map(|namespace| {
            let rule = NamespaceRule {
                priority: namespace.priority,
                limit: if namespace.unique { Some(1) } else { at_most(namespace.limit.unwrap_or(file.default_limit)) },
                window_ms: namespace.window_days.map(|days| days.saturating_mul(DAY_MS)),
                unique: namespace.unique,
                max_persons: namespace.max_persons.unwrap_or(max_persons),
            };
            (namespace.name, rule)
        });
        Self {
            version: file.version,
            namespaces: namespaces.collect(),
            other: NamespaceRule {
                priority: i32::MIN,
                limit: at_most(file.default_limit),
                window_ms: None,
                unique: false,
                max_persons,
            },
        }
    }

    /// The version that changes name as their rule version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rule of a namespace; namespaces that are not named have the lowest priority and the default limit.
    #[must_use]
    pub fn namespace(&self, name: &str) -> &NamespaceRule {
        self.namespaces.get(name).unwrap_or(&self.other)
    }
}
