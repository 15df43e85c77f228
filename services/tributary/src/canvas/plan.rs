//! What applying entries would change: pure, before anything is said on the topic.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};
use tributary_model::canvas::Kind;
use tributary_model::time::to_rfc3339;
use tributary_model::{Canvas, CanvasEntry};

use super::file::{fields, write_instant};

/// A field of an entry that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it says; null when nothing.
    pub old: Value,
    /// What it will say.
    pub new: Value,
}

/// What applying an entry does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It is not on the canvas yet.
    Added,
    /// It says something else.
    Changed {
        /// What.
        fields: Vec<FieldChange>,
    },
    /// It is taken from the canvas.
    Retired,
    /// It is in force already.
    Unchanged,
}

/// One entry and what applying it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// What happens to it.
    #[serde(flatten)]
    pub change: Change,
    /// From when on, as an RFC 3339 instant; since always when there is none.
    pub effective_from: Option<String>,
    /// The version that is made, or is in force.
    pub version: i32,
    /// What is to be said of it; nothing of what is in force.
    #[serde(skip)]
    pub said: Option<CanvasEntry>,
}

/// How entries are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// From when on those hold that have no date of their own.
    pub effective_from: Option<i64>,
    /// The time of applying.
    pub now_ms: i64,
    /// Whether what was applied before and is not named any more is retired.
    pub prune: bool,
}

/// What applying does to a canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Entry by entry, by kind and id.
    pub steps: Vec<Step>,
    /// What one should know about it.
    pub notices: Vec<String>,
    /// The canvas afterwards.
    pub result: Canvas,
}

impl Plan {
    /// The records to be written.
    #[must_use]
    pub fn said(&self) -> Vec<CanvasEntry> {
        self.steps.iter().filter_map(|step| step.said.clone()).collect()
    }

    /// True when everything is in force already.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        self.steps.iter().all(|step| step.said.is_none())
    }
}

/// What applying `wanted` does to what is known.
#[must_use]
pub fn plan(known: &Canvas, wanted: &[CanvasEntry], terms: Terms) -> Plan {
    let mut wanted: Vec<&CanvasEntry> = wanted.iter().filter(|entry| entry.subject().is_some()).collect();
    wanted.sort_by_key(|entry| (entry.subject(), entry.effective_from));
    let named: BTreeSet<(Kind, &str)> = wanted.iter().filter_map(|entry| entry.subject()).collect();
    let with_history: BTreeSet<(Kind, &str)> =
        wanted.iter().filter(|entry| entry.effective_from.is_some()).filter_map(|entry| entry.subject()).collect();
    let mut plan = Plan { steps: Vec::new(), notices: Vec::new(), result: known.clone() };
    for entry in wanted {
        let is_history = entry.subject().is_some_and(|subject| with_history.contains(&subject));
        plan.take(entry, is_history, terms);
    }
    if terms.prune {
        plan.prune(&named, terms);
    }
    plan.steps.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    plan.tell_of_the_past(terms.now_ms);
    plan
}

impl Plan {
    fn take(&mut self, wanted: &CanvasEntry, is_history: bool, terms: Terms) {
        let Some((kind, id)) = wanted.subject() else { return };
        let known = self.result.versions(kind, id);
        let date = match wanted.effective_from {
            Some(at) => Date::At(at),
            // Beside dated versions of the same entry it is the one that holds before them.
            None if is_history => Date::Always,
            None => terms.effective_from.map_or(Date::Open, Date::At),
        };
        let current = date.current(&known, terms.now_ms);
        let is_same = match current {
            Some(current) if !current.retired => !wanted.retired && current.content() == wanted.content(),
            _ => wanted.retired,
        };
        if is_same {
            let (version, effective_from) = current.map_or((0, None), |known| (known.version, known.effective_from));
            self.step(kind, id, Change::Unchanged, effective_from, version, None);
            return;
        }
        let effective_from = match date {
            Date::At(at) => Some(at),
            Date::Open if !known.is_empty() => Some(terms.now_ms),
            Date::Open | Date::Always => None,
        };
        let change = match current.filter(|current| !current.retired) {
            _ if wanted.retired => Change::Retired,
            Some(current) => Change::Changed { fields: differences(current, wanted) },
            None => Change::Added,
        };
        self.say(wanted, change, effective_from, terms.now_ms);
    }

    /// Retires what was applied and is not named any more; what files of `canvas.directory` hold is theirs to take away.
    fn prune(&mut self, named: &BTreeSet<(Kind, &str)>, terms: Terms) {
        let at = terms.effective_from.unwrap_or(terms.now_ms);
        let mut of_files = 0;
        for entry in self.result.in_force(at) {
            if entry.subject().is_none_or(|subject| named.contains(&subject)) {
                continue;
            }
            if entry.version == 0 {
                of_files += 1;
                continue;
            }
            let retired = CanvasEntry { retired: true, ..entry };
            self.say(&retired, Change::Retired, Some(at), terms.now_ms);
        }
        if of_files > 0 {
            self.notices.push(format!(
                "{of_files} entry(ies) of the files that the hub publishes are not named and stay: take them out of \
                 canvas.directory, or name them with `retired: true`"
            ));
        }
    }

    fn say(&mut self, wanted: &CanvasEntry, change: Change, effective_from: Option<i64>, now_ms: i64) {
        let Some((kind, id)) = wanted.subject() else { return };
        let known = self.result.versions(kind, id);
        let version = known.iter().map(|known| known.version).max().unwrap_or(0) + 1;
        let said = CanvasEntry { effective_from, version, applied_at: Some(now_ms), ..wanted.clone() };
        let later =
            known.iter().find(|known| known.effective_from > effective_from && known.effective_from > Some(now_ms));
        if let Some(later) = later {
            let (from, becomes) = (later.effective_from.map(write_instant).unwrap_or_default(), later.version);
            self.notices.push(format!(
                "{} `{id}`: version {becomes}, which was applied before, takes over from {from} on",
                kind.name()
            ));
        }
        self.result.apply(said.clone());
        self.step(kind, id, change, effective_from, version, Some(said));
    }

    fn step(
        &mut self,
        kind: Kind,
        id: &str,
        change: Change,
        effective_from: Option<i64>,
        version: i32,
        said: Option<CanvasEntry>,
    ) {
        let effective_from = effective_from.map(to_rfc3339);
        self.steps.push(Step { kind, id: id.to_owned(), change, effective_from, version, said });
    }

    fn tell_of_the_past(&mut self, now_ms: i64) {
        let is_past = |entry: &&CanvasEntry| entry.effective_from.is_some_and(|from| from < now_ms);
        let past = self.steps.iter().filter_map(|step| step.said.as_ref()).filter(is_past).count();
        if past > 0 {
            self.notices.push(format!(
                "{past} change(s) hold from a date in the past: touches that were judged already keep what they were \
                 told, those that come late are judged by what is applied now"
            ));
        }
    }
}

/// To which date an entry is applied.
#[derive(Debug, Clone, Copy)]
enum Date {
    /// From this instant on.
    At(i64),
    /// Before all dates.
    Always,
    /// Since always when it is new, else from now on.
    Open,
}

impl Date {
    /// What is known at that date, a retirement included.
    fn current(self, known: &[CanvasEntry], now_ms: i64) -> Option<&CanvasEntry> {
        let at = match self {
            Self::At(at) => Some(at),
            Self::Always => None,
            Self::Open => Some(now_ms),
        };
        known.iter().rev().find(|version| version.effective_from <= at)
    }
}

/// The fields of the file form in which two entries differ.
fn differences(old: &CanvasEntry, new: &CanvasEntry) -> Vec<FieldChange> {
    let (old, new): (Map<String, Value>, Map<String, Value>) = (fields(&old.content()), fields(&new.content()));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let of = |fields: &Map<String, Value>, name: &String| fields.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| FieldChange { field: name.clone(), old: of(&old, name), new: of(&new, name) })
        .filter(|change| change.old != change.new)
        .collect()
}
