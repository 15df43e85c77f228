//! What the environment and flags set.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::problem::Problem;
use super::tree::Node;

/// Where values that are not from the file came from, by key.
#[derive(Debug, Default)]
pub(super) struct Origins(BTreeMap<String, String>);

impl Origins {
    /// The origin of the value at `key`, or of a section around it.
    pub(super) fn of(&self, key: &str) -> Option<&str> {
        let mut section = key;
        loop {
            if let Some(origin) = self.0.get(section) {
                return Some(origin);
            }
            section = &section[..section.rfind(['.', '['])?];
        }
    }

    fn set(&mut self, keys: &[String], origin: String) {
        self.0.insert(keys.join("."), origin);
    }
}

/// Splits `kafka.bootstrap=localhost:9092` into key and value, for a command line.
///
/// # Errors
/// Says how a setting is written.
pub fn parse_override(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is no setting; write key=value, as kafka.bootstrap=localhost:9092")),
    }
}

pub(super) fn apply_environment(
    tree: &mut Node,
    origins: &mut Origins,
    prefix: &str,
    environment: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) {
    let prefix = format!("{prefix}__");
    let mut settings = BTreeMap::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(&prefix)) else { continue };
        match value.into_string() {
            Ok(value) => {
                settings.insert(name.to_owned(), value);
            }
            Err(_) => problems.push(Problem::new(name, "", "the variable is no UTF-8", "set it to text")),
        }
    }
    // In the order of their names, so that a section set as a whole comes before its keys.
    for (name, value) in settings {
        let keys: Vec<String> = name[prefix.len()..].split("__").map(str::to_lowercase).collect();
        if keys.iter().any(String::is_empty) {
            let example = format!("write it like {prefix}KAFKA__BOOTSTRAP");
            problems.push(Problem::new(&name, "", "the variable names no key", example));
            continue;
        }
        tree.set(&keys, Node::Untyped(value));
        origins.set(&keys, format!("environment variable {name}"));
    }
}

pub(super) fn apply_flags(
    tree: &mut Node,
    origins: &mut Origins,
    overrides: &[(String, String)],
    problems: &mut Vec<Problem>,
) {
    for (key, value) in overrides {
        let keys: Vec<String> = key.split('.').map(str::to_owned).collect();
        if keys.iter().any(String::is_empty) {
            let why = "the flag names no key";
            problems.push(Problem::new(key, value, why, "write it like --set kafka.bootstrap=localhost:9092"));
            continue;
        }
        tree.set(&keys, Node::Untyped(value.clone()));
        origins.set(&keys, format!("flag --set {key}"));
    }
}
