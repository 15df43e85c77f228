//! The sources that may send, and who may send as them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use tributary_model::{Domain, topics};
use tributary_service::config::{Duration, Problem};

use crate::config::Config;

/// What the gateway has to know of a source, from its `source.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEntry {
    /// Its name, a folder under `schemas/sources/`.
    pub name: String,
    /// Decides the raw topic.
    pub domain: Domain,
    /// Anybody may send as this source, without a key.
    pub open: bool,
    /// JSON pointers (RFC 6901) to the parts of an event's own id, joined with `.`; without them the id is made of the body.
    pub event_id: Vec<String>,
    /// JSON pointer to the time of an event, when the gateway is to check it: RFC 3339 text, or seconds or milliseconds since 1970.
    pub occurred_at: Option<String>,
    /// How old an event may be; `None` is the gateway's `limits.age`.
    pub max_age: Option<Duration>,
}

/// A source as requests need it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) topic: String,
    pub(crate) segment: bool,
    pub(crate) open: bool,
    pub(crate) event_id: Vec<Vec<String>>,
    pub(crate) occurred_at: Option<Vec<String>>,
    pub(crate) max_age: Option<Duration>,
}

/// All sources by name and by write key.
#[derive(Debug, Clone, Default)]
pub struct SourceDirectory {
    by_name: FxHashMap<String, Arc<Source>>,
    /// By the SHA-256 of the key, so that the time of a look-up says nothing about a key.
    by_key: FxHashMap<[u8; 32], Arc<Source>>,
}

impl SourceDirectory {
    /// The directory of these sources with the keys of the configuration.
    ///
    /// # Errors
    /// Every [`Problem`] of sources and keys; keys of the problems are relative to the gateway's section.
    pub fn new(entries: Vec<SourceEntry>, config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut directory = Self::default();
        for entry in entries {
            match source(entry, config) {
                Ok(source) => {
                    directory.by_name.insert(source.name.clone(), Arc::new(source));
                }
                Err(faults) => problems.extend(faults),
            }
        }
        directory.add_keys(config, &mut problems);
        for name in &config.segment_sources {
            if !directory.by_name.contains_key(name) {
                problems.push(unknown("segment_sources", name));
            }
        }
        if problems.is_empty() { Ok(directory) } else { Err(problems) }
    }

    fn add_keys(&mut self, config: &Config, problems: &mut Vec<Problem>) {
        let mut owners: BTreeMap<[u8; 32], &str> = BTreeMap::new();
        for (name, keys) in &config.write_keys {
            let key = format!("write_keys.{name}");
            let Some(source) = self.by_name.get(name) else {
                problems.push(unknown(&key, name));
                continue;
            };
            for secret in keys {
                let digest = digest(secret.expose());
                match owners.insert(digest, name) {
                    Some(owner) if owner != name => {
                        let why = format!("{owner} has the same key, so that the key does not tell the source");
                        problems.push(Problem::new(&key, secret, why, "give each source keys of its own"));
                    }
                    _ => {
                        self.by_key.insert(digest, Arc::clone(source));
                    }
                }
            }
        }
    }

    /// Sources that need a key and have none: nobody can send as them.
    #[must_use]
    pub fn without_keys(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .by_name
            .values()
            .filter(|source| !source.open && self.by_key.values().all(|keyed| keyed.name != source.name))
            .map(|source| source.name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    /// All names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Source>> {
        self.by_name.get(name)
    }

    pub(crate) fn keyed(&self, key: &str) -> Option<&Arc<Source>> {
        self.by_key.get(&digest(key))
    }

    /// The source of Segment calls without a key: the only open one that speaks Segment.
    pub(crate) fn open_segment(&self) -> Option<&Arc<Source>> {
        let mut open = self.by_name.values().filter(|source| source.open && source.segment);
        match (open.next(), open.next()) {
            (Some(source), None) => Some(source),
            _ => None,
        }
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn unknown(key: &str, name: &str) -> Problem {
    Problem::new(key, name, "no source has this name", "name a folder under schemas/sources, or of your own sources")
}

fn source(entry: SourceEntry, config: &Config) -> Result<Source, Vec<Problem>> {
    let mut problems = Vec::new();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if entry.name.is_empty() || !entry.name.chars().all(plain) {
        let remedy = "use lower case letters, digits, - and _";
        problems.push(Problem::new("sources", &entry.name, "is no name of a source", remedy));
    }
    let mut read = |field: &str, text: &str| {
        let pointer = parse_pointer(text);
        if pointer.is_none() {
            let key = format!("sources.{}.{field}", entry.name);
            problems.push(Problem::new(key, text, "is no JSON pointer", "write it like /order/id (RFC 6901)"));
        }
        pointer
    };
    let event_id = entry.event_id.iter().filter_map(|pointer| read("event_id", pointer)).collect();
    let occurred_at = entry.occurred_at.as_deref().and_then(|pointer| read("occurred_at", pointer));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Source {
        topic: topics::raw(entry.domain),
        segment: config.segment_sources.contains(&entry.name),
        open: entry.open,
        event_id,
        occurred_at,
        max_age: entry.max_age,
        name: entry.name,
    })
}

/// The steps of a JSON pointer (RFC 6901).
fn parse_pointer(text: &str) -> Option<Vec<String>> {
    let steps = text.strip_prefix('/')?;
    Some(steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

#[cfg(test)]
mod tests {
    use tributary_service::config::Secret;

    use super::*;

    fn entry(name: &str) -> SourceEntry {
        SourceEntry {
            name: name.to_owned(),
            domain: Domain::Ecommerce,
            open: false,
            event_id: vec!["/a~1b/c~0d".to_owned()],
            occurred_at: None,
            max_age: None,
        }
    }

    fn config(keys: &[(&str, &str)]) -> Config {
        let mut config = Config { segment_sources: Vec::new(), ..Config::default() };
        for (source, key) in keys {
            config.write_keys.entry((*source).to_owned()).or_default().push(Secret::generated(key));
        }
        config
    }

    #[test]
    fn keys_lead_to_their_source() {
        let config = config(&[("shop", "k1"), ("shop", "k2"), ("till", "k3")]);
        let directory = SourceDirectory::new(vec![entry("shop"), entry("till"), entry("crm")], &config).unwrap();
        assert_eq!(directory.keyed("k2").unwrap().name, "shop");
        assert_eq!(directory.keyed("k3").unwrap().topic, "tributary.raw.ecommerce");
        assert!(directory.keyed("k4").is_none());
        assert_eq!(directory.without_keys(), ["crm"]);
        assert_eq!(directory.names(), ["crm", "shop", "till"]);
        assert_eq!(directory.named("shop").unwrap().event_id, [["a/b", "c~d"]]);
    }

    #[test]
    fn every_problem_is_told() {
        let mut config = config(&[("shop", "same"), ("till", "same"), ("nobody", "k")]);
        config.segment_sources.push("segment".to_owned());
        let mut bad = entry("Bad Name");
        bad.event_id = vec!["id".to_owned()];
        let problems = SourceDirectory::new(vec![entry("shop"), entry("till"), bad], &config).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(
            keys,
            ["sources", "sources.Bad Name.event_id", "write_keys.nobody", "write_keys.till", "segment_sources"]
        );
        assert!(!format!("{problems:?}").contains("same\""), "{problems:?}");
    }
}
