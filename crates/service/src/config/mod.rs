//! Configuration: one typed struct a service, from file < environment < flags.
//!
//! A file is YAML. An environment variable `TRIBUTARY__KAFKA__BOOTSTRAP` sets `kafka.bootstrap` (two underscores are one
//! step down), a flag `--set kafka.bootstrap=…` does the same and wins. Values from variables and flags are read as
//! what the key wants; lists and maps are written as YAML (`[a, b]`, `{a: 1}`).
//!
//! Unknown keys are refused, and all problems are reported at once: a faulty value is put aside, its default takes its
//! place, and reading goes on.

mod byte_size;
mod de;
mod duration;
mod overrides;
mod problem;
mod read;
mod secret;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use byte_size::ByteSize;
pub use duration::Duration;
pub use overrides::parse_override;
pub use problem::{ConfigErrors, Problem};
pub use secret::Secret;

use overrides::Origins;
use tree::Node;

/// A configuration that can say what is wrong with its values.
pub trait Validate {
    /// All problems at once; empty is good.
    fn validate(&self) -> Vec<Problem>;
}

/// Reads a configuration from `file`, the environment variables that start with `<env_prefix>__`, and `overrides`
/// (key and value, from [`parse_override`]).
///
/// # Errors
/// [`ConfigErrors`] with every problem that was found.
pub fn load<T: DeserializeOwned>(
    file: Option<&Path>,
    env_prefix: &str,
    overrides: &[(String, String)],
) -> Result<T, ConfigErrors> {
    let (value, problems) = load_from(file, env_prefix, std::env::vars_os(), overrides);
    finish(value, problems)
}

/// As [`load`], and adds what [`Validate::validate`] says to the problems.
///
/// # Errors
/// [`ConfigErrors`] with every problem that was found.
pub fn load_validated<T: DeserializeOwned + Validate>(
    file: Option<&Path>,
    env_prefix: &str,
    overrides: &[(String, String)],
) -> Result<T, ConfigErrors> {
    let (value, mut problems) = load_from::<T>(file, env_prefix, std::env::vars_os(), overrides);
    for problem in value.iter().flat_map(Validate::validate) {
        // A value that could not be read was replaced by its default: what is wrong with that is no news.
        if problems.iter().all(|known| known.key != problem.key) {
            problems.push(problem);
        }
    }
    finish(value, problems)
}

/// A configuration as YAML, for `--dump-config`: what [`load`] would read again, secrets as references.
///
/// # Errors
/// [`ConfigErrors`] when the value cannot be written as YAML.
pub fn dump<T: Serialize>(config: &T) -> Result<String, ConfigErrors> {
    serde_saphyr::to_string(config).map_err(|error| {
        let why = format!("cannot be written as YAML: {error}");
        ConfigErrors { problems: vec![Problem::new("", "", why, "report this as a defect")] }
    })
}

fn finish<T>(value: Option<T>, problems: Vec<Problem>) -> Result<T, ConfigErrors> {
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(ConfigErrors { problems }),
    }
}

fn load_from<T: DeserializeOwned>(
    file: Option<&Path>,
    env_prefix: &str,
    environment: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    overrides: &[(String, String)],
) -> (Option<T>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut tree = match file.map(read::file) {
        Some(Ok(tree)) => tree,
        Some(Err(problem)) => {
            problems.push(problem);
            Node::Map(BTreeMap::new())
        }
        None => Node::Map(BTreeMap::new()),
    };
    let mut origins = Origins::default();
    overrides::apply_environment(&mut tree, &mut origins, env_prefix, environment, &mut problems);
    overrides::apply_flags(&mut tree, &mut origins, overrides, &mut problems);
    let value = read::tree(tree, &origins, &mut problems);
    (value, problems)
}
