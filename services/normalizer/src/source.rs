//! Sources: folders of data, compiled once at start.

mod folder;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tributary_model::Domain;
use tributary_model::time::DAY_MS;
use tributary_rules::{Program, RuleError, Shape};

use crate::contract::is_name;
use crate::error::Problem;
use crate::identifiers::{IdentityRules, SourceRules};
use crate::yaml;
use folder::Folder;
use settings::Settings;

pub use settings::Auth;
pub(crate) use settings::Fingerprint;

/// What the gateway has to know of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its name, the folder's.
    pub name: String,
    /// Its domain, which decides the raw topic.
    pub domain: Domain,
    /// What it is, in words.
    pub description: String,
    /// What is asked of senders.
    pub auth: Auth,
    /// JSON pointers (RFC 6901) to the source's own event id; the values are joined with `.`.
    pub event_id: Vec<String>,
    /// How old an event may be when it is received, in milliseconds.
    pub max_age_ms: i64,
}

/// One source, ready to run.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) info: SourceInfo,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) identifiers: SourceRules,
    pub(crate) mapping: Program,
    /// `object.action`, or `object.*`.
    types: Vec<String>,
    drops: Vec<&'static str>,
    /// The folder, for messages.
    pub(crate) origin: String,
    /// Sample files by name, with their text.
    pub(crate) samples: BTreeMap<String, String>,
}

impl Source {
    /// True when the mapping may emit this type.
    pub(crate) fn emits(&self, event_type: &str) -> bool {
        self.types.iter().any(|declared| match declared.strip_suffix('*') {
            Some(prefix) => event_type.starts_with(prefix),
            None => declared == event_type,
        })
    }

    /// The declared reason of this name.
    pub(crate) fn drop_reason(&self, reason: &str) -> Option<&'static str> {
        self.drops.iter().copied().find(|declared| *declared == reason)
    }
}

/// All sources by name.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: BTreeMap<String, Source>,
}

impl Sources {
    /// The built-in sources and those in `dirs`, of which the later replace the earlier by name.
    ///
    /// # Errors
    /// All that is wrong in any folder, at once.
    pub(crate) fn load(dirs: &[PathBuf], identity: &IdentityRules) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut folders = folder::builtin();
        for dir in dirs {
            match folder::read_all(dir) {
                Ok(found) => folders.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
        let mut sources = BTreeMap::new();
        for folder in folders.values() {
            match compile(folder, &folders, identity) {
                Ok(source) => drop(sources.insert(folder.name.clone(), source)),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self { sources }) } else { Err(problems) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// What the gateway has to know of each source, in order of name.
    pub(crate) fn directory(&self) -> Vec<SourceInfo> {
        self.sources.values().map(|source| source.info.clone()).collect()
    }
}

fn compile(
    folder: &Folder,
    folders: &BTreeMap<String, Folder>,
    identity: &IdentityRules,
) -> Result<Source, Vec<Problem>> {
    let mut problems = Vec::new();
    if !folder.name.split('-').all(is_name) {
        let what = "the folder's name is not lower case words joined with -";
        problems.push(Problem::new(&folder.origin, "", what, "rename it, for example to loyalty-app"));
    }
    let file = format!("{}/source.yaml", folder.origin);
    let Some(text) = folder.files.get("source.yaml") else {
        problems.push(Problem::new(file, "", "is missing", "write it as docs/adding-a-source.md shows"));
        return Err(problems);
    };
    let settings: Settings = yaml::read(&file, text).map_err(|problem| vec![problem])?;
    problems.extend(settings.problems(&file));
    let mapping = match find_mapping(folder, folders, &settings.mapping) {
        Some((path, source)) => compile_mapping(&path, source).map_err(|problem| problems.push(problem)).ok(),
        None => {
            let what = format!("there is no file {}", settings.mapping);
            problems.push(Problem::new(
                &file,
                "mapping",
                what,
                "write it, or name another source's: ../shop/mapping.vrl",
            ));
            None
        }
    };
    let (Some(mapping), true) = (mapping, problems.is_empty()) else { return Err(problems) };
    let identifiers = identity.of_source(&settings.blocked_identifiers, settings.phone_region());
    Ok(Source {
        info: SourceInfo {
            name: folder.name.clone(),
            domain: settings.domain,
            description: settings.description,
            auth: settings.auth,
            event_id: settings.event_id,
            max_age_ms: i64::from(settings.max_age_days) * DAY_MS,
        },
        fingerprint: settings.fingerprint,
        identifiers,
        mapping,
        types: settings.types,
        drops: settings.drops.iter().map(|reason| interned(reason)).collect(),
        origin: folder.origin.clone(),
        samples: folder.samples.clone(),
    })
}

/// The mapping's path and text; `../<source>/<file>` is another source's.
fn find_mapping<'a>(
    folder: &'a Folder,
    folders: &'a BTreeMap<String, Folder>,
    path: &str,
) -> Option<(String, &'a String)> {
    let (owner, file) = match path.strip_prefix("../").and_then(|rest| rest.split_once('/')) {
        Some((name, file)) => (folders.get(name)?, file),
        None => (folder, path),
    };
    owner.files.get(file).map(|text| (format!("{}/{file}", owner.origin), text))
}

fn compile_mapping(path: &str, text: &str) -> Result<Program, Problem> {
    let input = Shape::object([("source", Shape::text()), ("received_at", Shape::instant()), ("body", Shape::any())]);
    Program::compile_for(path, text, &input).map_err(|error| match error {
        RuleError::Compile { diagnostics, .. } => {
            Problem::new(path, "", format!("does not compile\n{diagnostics}\n"), "mend the marked places")
        }
        other => Problem::new(path, "", other.to_string(), "mend the mapping"),
    })
}

/// One copy of each drop reason for the life of the process: reasons come from configuration, so there are few, and
/// counters keep them.
fn interned(reason: &str) -> &'static str {
    static REASONS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut reasons = REASONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = reasons.get(reason) {
        return known;
    }
    let kept: &'static str = Box::leak(reason.to_owned().into_boxed_str());
    reasons.insert(kept);
    kept
}
