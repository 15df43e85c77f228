//! Definitions from the files compiled in and from directories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use serde::Serialize;

use crate::account::AccountTrigger;
use crate::config::TriggersConfig;
use crate::definition::{Definition, Parsed};
use crate::error::TriggersError;
use crate::payload_schema::PayloadSchemas;
use crate::problem::Problem;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas/triggers");

/// A set of triggers with distinct ids, in their order.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    all: Vec<Definition>,
    accounts: Vec<AccountTrigger>,
    /// The file and the text of each, by id.
    texts: BTreeMap<String, (String, String)>,
}

/// What one looks for first in a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The trigger.
    pub trigger_id: String,
    /// Its version.
    pub version: i32,
    /// The team that owns it.
    pub team_id: String,
    /// True when it is about accounts and not about persons.
    pub is_of_account: bool,
    /// What it is for, in words.
    pub description: Option<String>,
    /// The file that it is from.
    pub file: String,
    /// The definition as it was written.
    pub text: String,
}

impl Definitions {
    /// The definitions of these files, given as name and text.
    ///
    /// # Errors
    /// All problems of all files.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<Problem>> {
        let mut by_id: BTreeMap<String, (String, String, Parsed)> = BTreeMap::new();
        let mut problems = Vec::new();
        for (file, text) in files {
            match Parsed::parse(file, text) {
                Ok(parsed) => {
                    let id = parsed.id().to_owned();
                    if let Some((other, ..)) = by_id.get(&id) {
                        let what = format!("\"{id}\" is also the id of {other}");
                        let remedy = "give each trigger an id of its own".to_owned();
                        problems.push(Problem {
                            file: file.to_owned(),
                            key: "id".to_owned(),
                            what,
                            remedy,
                            place: None,
                        });
                    } else {
                        by_id.insert(id, (file.to_owned(), text.to_owned(), parsed));
                    }
                }
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut definitions = Self::default();
        for (file, text, parsed) in by_id.into_values() {
            definitions.insert(&file, &text, parsed);
        }
        Ok(definitions)
    }

    /// Adds a definition; one of the same id goes.
    pub(crate) fn insert(&mut self, file: &str, text: &str, parsed: Parsed) {
        self.remove(parsed.id());
        self.texts.insert(parsed.id().to_owned(), (file.to_owned(), text.to_owned()));
        match parsed {
            Parsed::OfPerson(definition) => {
                let place = self.all.partition_point(|known| known.id < definition.id);
                self.all.insert(place, *definition);
            }
            Parsed::OfAccount(trigger) => {
                let place = self.accounts.partition_point(|known| known.id < trigger.id);
                self.accounts.insert(place, *trigger);
            }
        }
    }

    /// Takes a definition out.
    pub(crate) fn remove(&mut self, trigger_id: &str) {
        self.texts.remove(trigger_id);
        self.all.retain(|known| known.id != trigger_id);
        self.accounts.retain(|known| known.id != trigger_id);
    }

    /// The summary of each, those about persons first.
    pub fn summaries(&self) -> impl Iterator<Item = Summary> {
        let of_persons = self.all.iter().map(|known| Parsed::OfPerson(Box::new(known.clone())));
        let of_accounts = self.accounts.iter().map(|known| Parsed::OfAccount(Box::new(known.clone())));
        of_persons.chain(of_accounts).map(|parsed| {
            let (file, text) = self.texts.get(parsed.id()).cloned().unwrap_or_default();
            parsed.summary(&file, &text)
        })
    }

    /// The definitions compiled in.
    ///
    /// # Errors
    /// [`TriggersError::Invalid`] when one of them is wrong, which a test rules out.
    pub fn builtin() -> Result<Self, TriggersError> {
        let files = BUILTIN.files().filter(|file| is_yaml(file.path()));
        let texts =
            files.map(|file| (file.path().to_str().unwrap_or_default(), file.contents_utf8().unwrap_or_default()));
        Self::parse(texts).map_err(TriggersError::Invalid)
    }

    /// The definitions of these directories (`*.yaml`, `*.yml`).
    ///
    /// # Errors
    /// [`TriggersError::Unreadable`], or [`TriggersError::Invalid`] with the problems of all files.
    pub fn load(directories: &[PathBuf]) -> Result<Self, TriggersError> {
        let mut files = Vec::new();
        for directory in directories {
            for path in yaml_files(directory)? {
                let text = std::fs::read_to_string(&path);
                let text = text.map_err(|source| TriggersError::Unreadable { path: path.clone(), source })?;
                files.push((path.display().to_string(), text));
            }
        }
        let borrowed = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self::parse(borrowed).map_err(TriggersError::Invalid)
    }

    /// The definitions of these files, and of those in these directories.
    ///
    /// # Errors
    /// [`TriggersError::Invalid`] with the problems of all files.
    pub fn read(paths: &[PathBuf]) -> Result<Self, TriggersError> {
        let (texts, mut problems) = read_texts(paths);
        let parsed = Self::parse(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        match parsed {
            Ok(definitions) if problems.is_empty() => Ok(definitions),
            parsed => {
                problems.extend(parsed.err().unwrap_or_default());
                Err(TriggersError::Invalid(problems))
            }
        }
    }

    /// What a configuration asks for: the built-in definitions, replaced and extended by those of its directories,
    /// less those it switches off.
    ///
    /// # Errors
    /// As [`Definitions::load`]; also when a trigger is to be switched off that does not exist.
    pub fn configured(config: &TriggersConfig) -> Result<Self, TriggersError> {
        let mut definitions = Self::of_files(config)?;
        let unknown = config.disabled.iter().filter(|id| !definitions.owners().any(|(known, _)| known == **id));
        let problems: Vec<Problem> = unknown
            .map(|id| Problem {
                file: "triggers".to_owned(),
                key: "disabled".to_owned(),
                what: format!("\"{id}\" is not a trigger"),
                remedy: "name the id of a trigger, or remove it".to_owned(),
                place: None,
            })
            .collect();
        if !problems.is_empty() {
            return Err(TriggersError::Invalid(problems));
        }
        config.disabled.iter().for_each(|id| definitions.remove(id));
        definitions.check_payloads(config)?;
        Ok(definitions)
    }

    /// The same with those that the configuration switches off.
    ///
    /// # Errors
    /// As [`Definitions::load`].
    pub fn of_files(config: &TriggersConfig) -> Result<Self, TriggersError> {
        let mut definitions = if config.builtin { Self::builtin()? } else { Self::default() };
        definitions.extend(Self::load(&config.directories)?);
        Ok(definitions)
    }

    /// Holds every payload against the schema of its team, where there is one.
    ///
    /// # Errors
    /// [`TriggersError::Unreadable`], or [`TriggersError::Invalid`] with all that does not fit.
    pub fn check_payloads(&self, config: &TriggersConfig) -> Result<(), TriggersError> {
        let Some(directory) = &config.payload_schemas else { return Ok(()) };
        let schemas = PayloadSchemas::load(directory)?;
        let (of_persons, of_accounts) = (crate::context::context_shape(), crate::account::context_shape());
        let persons = self.all.iter().flat_map(|one| schemas.check(&one.id, &one.team_id, &one.payload, &of_persons));
        let accounts =
            self.accounts.iter().flat_map(|one| schemas.check(&one.id, &one.team_id, &one.payload, &of_accounts));
        let problems: Vec<Problem> = persons.chain(accounts).collect();
        if problems.is_empty() { Ok(()) } else { Err(TriggersError::Invalid(problems)) }
    }

    /// Adds definitions; those of a known id replace it.
    pub fn extend(&mut self, others: Self) {
        let replaced: BTreeSet<String> = others.owners().map(|(id, _)| id.to_owned()).collect();
        replaced.iter().for_each(|id| self.remove(id));
        self.texts.extend(others.texts);
        self.all.extend(others.all);
        self.accounts.extend(others.accounts);
        self.all.sort_by(|a, b| a.id.cmp(&b.id));
        self.accounts.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// The definitions about persons, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.all.iter()
    }

    /// The definitions about accounts, in order of their ids.
    pub fn of_accounts(&self) -> impl Iterator<Item = &AccountTrigger> {
        self.accounts.iter()
    }

    /// The ids of all, each with its team.
    fn owners(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_persons = self.all.iter().map(|definition| (definition.id.as_str(), definition.team_id.as_str()));
        of_persons.chain(self.accounts.iter().map(|trigger| (trigger.id.as_str(), trigger.team_id.as_str())))
    }

    /// The teams that get intents, in order: each needs its topic.
    #[must_use]
    pub fn teams(&self) -> BTreeSet<&str> {
        self.owners().map(|(_, team_id)| team_id).collect()
    }

    /// A problem for every trigger whose team is not among `known`, such as the teams of the canvas.
    #[must_use]
    pub fn check_teams(&self, known: &BTreeSet<&str>) -> Vec<Problem> {
        let strangers = self.owners().filter(|(_, team_id)| !known.contains(team_id));
        strangers
            .map(|(id, team_id)| Problem {
                file: format!("trigger {id}"),
                key: "team".to_owned(),
                what: format!("\"{team_id}\" is not a team of the canvas"),
                remedy: format!(
                    "add it to the canvas, or name one of {}",
                    Vec::from_iter(known.iter().copied()).join(", ")
                ),
                place: None,
            })
            .collect()
    }

    pub(crate) fn into_vec(self) -> Vec<Definition> {
        self.all
    }
}

/// All that is wrong with these files or directories of definitions.
#[must_use]
pub fn check(paths: &[PathBuf]) -> Vec<Problem> {
    let (texts, mut problems) = read_texts(paths);
    let parsed = Definitions::parse(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    problems.extend(parsed.err().unwrap_or_default());
    problems
}

/// The texts of these files, and of those in these directories, with their names; and what could not be read.
fn read_texts(paths: &[PathBuf]) -> (Vec<(String, String)>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        let found = if path.is_dir() { yaml_files(path) } else { Ok(vec![path.clone()]) };
        files.extend(found.unwrap_or_else(|error| {
            problems.push(unreadable(path, &error));
            Vec::new()
        }));
    }
    let mut texts = Vec::new();
    for path in files {
        match std::fs::read_to_string(&path) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(error) => problems.push(unreadable(&path, &error)),
        }
    }
    (texts, problems)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem {
        file: path.display().to_string(),
        key: String::new(),
        what: format!("cannot be read: {error}"),
        remedy: "name a file or directory of trigger definitions".to_owned(),
        place: None,
    }
}

pub(crate) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

pub(crate) fn yaml_files(directory: &Path) -> Result<Vec<PathBuf>, TriggersError> {
    let unreadable = |source| TriggersError::Unreadable { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_yaml(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
