//! The settings of the identity service.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_service::config::{Problem, Validate};

use crate::error::IdentityError;
use crate::rules::Rules;

/// Settings of identity, as they stand under `identity:` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The realm whose persons these are; all services of a hub have the same.
    pub realm: String,
    /// A file of identity rules that takes the place of the built-in ones (`schemas/identity.yaml`).
    pub rules: Option<PathBuf>,
    /// Partners that the owner of an identifier remembers; one that was forgotten is claimed again when it is next seen.
    pub max_edges: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { realm: "default".to_owned(), rules: None, max_edges: 64 }
    }
}

impl Config {
    /// Reads the rules that these settings name. For the start of the process: it reads the file.
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be read, or with everything that is wrong with the rules in it.
    pub fn load_rules(&self) -> Result<Arc<Rules>, IdentityError> {
        let Some(path) = &self.rules else { return Rules::built_in().map(Arc::new) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| IdentityError::NoFile { path: path.display().to_string(), detail: source.to_string() })?;
        Rules::from_yaml(&text).map(Arc::new)
    }
}

impl Validate for Config {
    fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.realm.trim().is_empty() {
            let why = "the realm is empty";
            problems.push(Problem::new("identity.realm", "", why, "give it a name; `default` will do for one realm"));
        }
        if !(1..=10_000).contains(&self.max_edges) {
            let why = "an owner remembers between 1 and 10000 partners";
            problems.push(Problem::new("identity.max_edges", self.max_edges, why, "give 64, or leave it out"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_rules_that_is_not_there_is_named() {
        let config = Config { rules: Some(PathBuf::from("no/such/rules.yaml")), ..Config::default() };
        let message = config.load_rules().expect_err("no file").to_string();
        assert!(message.contains("no/such/rules.yaml") && message.contains("identity.rules"), "{message}");
        assert_eq!(Config::default().load_rules().map(|rules| rules.version().to_owned()), Ok("2".to_owned()));
    }

    #[test]
    fn the_defaults_are_sound_and_all_faults_are_told_at_once() {
        assert_eq!(Config::default().validate(), []);
        let faulty = Config { realm: " ".to_owned(), max_edges: 0, ..Config::default() };
        let keys: Vec<String> = faulty.validate().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["identity.realm", "identity.max_edges"]);
    }
}
