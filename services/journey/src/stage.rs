//! Lifecycle stages as data: `schemas/stages.yaml`.
//!
//! A late touch recomputes the stage of up to a thousand touches, and a touch in order has two microseconds. So stages
//! are not written in VRL as mappings and triggers are, but as thresholds on counts that the journey keeps anyway:
//! evaluating one is a handful of comparisons. A stage is a function of the facts at a touch and of nothing before, which
//! makes it independent of the order of arrival.

use std::collections::BTreeSet;
use std::path::Path;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use tributary_service::config::Problem;

use crate::error::JourneyError;

const BUILT_IN: &str = include_str!("../../../schemas/stages.yaml");
const FILE: &str = "stages.yaml";
const VERSION: u32 = 1;

/// What a stage is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Touches of any kind.
    pub touches: i64,
    /// Touches in which the person acted.
    pub inbound: i64,
    /// Messages received.
    pub exposures: i64,
    /// Sales less cancelled ones.
    pub orders: i64,
    /// Net value in minor units.
    pub value_minor: i64,
    /// Whole days since the last sale; `None` without one, and for accounts.
    pub days_since_order: Option<i64>,
    /// Persons of an account with a touch.
    pub persons: i64,
    /// Opportunities of an account that are neither won nor lost.
    pub open_opportunities: i64,
    /// The types that occurred, at least those that [`Ladder::watches`].
    pub seen: Vec<&'a str>,
}

/// One alternative: all that is set has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Condition {
    min_touches: Option<i64>,
    min_inbound: Option<i64>,
    min_exposures: Option<i64>,
    min_orders: Option<i64>,
    min_value_minor: Option<i64>,
    min_days_since_order: Option<i64>,
    max_days_since_order: Option<i64>,
    min_persons: Option<i64>,
    min_open_opportunities: Option<i64>,
    seen: Vec<String>,
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let reaches = |least: Option<i64>, value: i64| least.is_none_or(|least| value >= least);
        reaches(self.min_touches, facts.touches)
            && reaches(self.min_inbound, facts.inbound)
            && reaches(self.min_exposures, facts.exposures)
            && reaches(self.min_orders, facts.orders)
            && reaches(self.min_value_minor, facts.value_minor)
            && reaches(self.min_persons, facts.persons)
            && reaches(self.min_open_opportunities, facts.open_opportunities)
            && self.min_days_since_order.is_none_or(|least| facts.days_since_order.is_some_and(|days| days >= least))
            && self.max_days_since_order.is_none_or(|most| facts.days_since_order.is_some_and(|days| days <= most))
            && (self.seen.is_empty() || self.seen.iter().any(|kind| facts.seen.contains(&kind.as_str())))
    }

    fn thresholds(&self) -> [(&'static str, Option<i64>); 9] {
        [
            ("min_touches", self.min_touches),
            ("min_inbound", self.min_inbound),
            ("min_exposures", self.min_exposures),
            ("min_orders", self.min_orders),
            ("min_value_minor", self.min_value_minor),
            ("min_days_since_order", self.min_days_since_order),
            ("max_days_since_order", self.max_days_since_order),
            ("min_persons", self.min_persons),
            ("min_open_opportunities", self.min_open_opportunities),
        ]
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rung {
    stage: String,
    #[serde(default)]
    any: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    person: Vec<Rung>,
    account: Vec<Rung>,
}

/// The stages of persons or of accounts, from first to last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    rungs: Vec<Rung>,
    /// Types that conditions ask for. They are few, and comparing lengths tells most of them apart: no hash is as cheap.
    watched: Vec<String>,
    /// A bit for each of their lengths.
    lengths: u64,
}

/// Lengths that are 64 apart share a bit.
fn length_bit(length: usize) -> u64 {
    1 << (length % 64)
}

impl Ladder {
    fn new(rungs: Vec<Rung>) -> Self {
        let conditions = rungs.iter().flat_map(|rung| &rung.any);
        let watched: BTreeSet<String> = conditions.flat_map(|condition| condition.seen.iter().cloned()).collect();
        let watched: Vec<String> = watched.into_iter().collect();
        let lengths = watched.iter().fold(0, |lengths, watched| lengths | length_bit(watched.len()));
        Self { rungs, watched, lengths }
    }

    /// The stage in which everybody starts.
    #[must_use]
    pub fn first(&self) -> &str {
        self.rungs.first().map_or("", |rung| &rung.stage)
    }

    /// The last stage that holds.
    #[must_use]
    pub fn stage(&self, facts: &Facts<'_>) -> &str {
        let holds = |rung: &&Rung| rung.any.iter().any(|condition| condition.holds(facts));
        self.rungs.iter().rev().find(holds).map_or(self.first(), |rung| &rung.stage)
    }

    /// Whether a condition asks if `event_type` occurred.
    #[must_use]
    pub fn watches(&self, event_type: &str) -> bool {
        self.watches_length(event_type.len()) && self.watched.iter().any(|watched| watched == event_type)
    }

    /// Whether a type of this length can be one that a condition asks for.
    pub(crate) fn watches_length(&self, length: usize) -> bool {
        self.lengths & length_bit(length) != 0
    }

    /// The names, from first to last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rungs.iter().map(|rung| rung.stage.as_str())
    }
}

/// The lifecycle stages of persons and accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageDefinitions {
    /// Stages of persons.
    pub person: Ladder,
    /// Stages of accounts.
    pub account: Ladder,
}

impl StageDefinitions {
    /// The definitions that are compiled in.
    ///
    /// # Errors
    /// [`JourneyError`] when they are broken, which a test excludes.
    pub fn built_in() -> Result<Self, JourneyError> {
        Self::parse(FILE, BUILT_IN)
    }

    /// `stages.yaml` in `directory`, when there is one, else the built-in definitions.
    ///
    /// # Errors
    /// [`JourneyError`] says all that is wrong with the file.
    pub fn load(directory: Option<&Path>) -> Result<Self, JourneyError> {
        let Some(path) = directory.map(|directory| directory.join(FILE)) else {
            return Self::built_in();
        };
        let file = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::built_in(),
            Err(source) => Err(JourneyError::Unreadable { file, source }),
        }
    }

    /// Reads definitions; `file` is how errors call them.
    ///
    /// # Errors
    /// [`JourneyError`] says all that is wrong with `text`.
    pub fn parse(file: &str, text: &str) -> Result<Self, JourneyError> {
        let parsed: File = serde_saphyr::from_str(text)
            .map_err(|error| JourneyError::Syntax { file: file.to_owned(), detail: error.to_string() })?;
        let mut problems = Vec::new();
        if parsed.version != VERSION {
            let remedy = format!("write version: {VERSION}");
            problems.push(Problem::new(
                format!("{file}: version"),
                parsed.version,
                "is not known to this build",
                remedy,
            ));
        }
        check(file, "person", &parsed.person, &["min_persons", "min_open_opportunities"], &mut problems);
        check(file, "account", &parsed.account, &["min_days_since_order", "max_days_since_order"], &mut problems);
        if problems.is_empty() {
            Ok(Self { person: Ladder::new(parsed.person), account: Ladder::new(parsed.account) })
        } else {
            Err(JourneyError::Invalid(problems))
        }
    }
}

fn check(file: &str, kind: &str, rungs: &[Rung], foreign: &[&str], problems: &mut Vec<Problem>) {
    let mut report = |key: String, value: &str, why: &str, remedy: &str| {
        problems.push(Problem::new(format!("{file}: {key}"), value, why, remedy));
    };
    if rungs.is_empty() {
        report(kind.to_owned(), "[]", "has no stage", "give at least the stage in which everybody starts");
    }
    let mut names = FxHashSet::default();
    for (index, rung) in rungs.iter().enumerate() {
        let key = format!("{kind}[{index}]");
        if !is_name(&rung.stage) {
            let remedy = "use lower case letters, digits and _, such as loyal";
            report(format!("{key}.stage"), &rung.stage, "is not a name", remedy);
        }
        if !names.insert(rung.stage.as_str()) {
            report(
                format!("{key}.stage"),
                &rung.stage,
                "stands in the list twice",
                "put all its alternatives under one",
            );
        }
        if index == 0 && !rung.any.is_empty() {
            report(
                format!("{key}.any"),
                &rung.stage,
                "is the first stage, which always holds",
                "remove its conditions",
            );
        }
        if index > 0 && rung.any.is_empty() {
            report(format!("{key}.any"), &rung.stage, "has no condition and would never hold", "give one under `any`");
        }
        for (place, condition) in rung.any.iter().enumerate() {
            check_condition(&format!("{key}.any[{place}]"), condition, foreign, &mut report);
        }
    }
}

fn check_condition(
    key: &str,
    condition: &Condition,
    foreign: &[&str],
    report: &mut impl FnMut(String, &str, &str, &str),
) {
    if *condition == Condition::default() {
        report(key.to_owned(), "{}", "is empty and would always hold", "give at least one line");
    }
    for (name, value) in condition.thresholds() {
        let Some(value) = value else { continue };
        let text = value.to_string();
        if foreign.contains(&name) {
            report(
                format!("{key}.{name}"),
                &text,
                "does not exist for these",
                "use it in the other list, or remove it",
            );
        } else if value < 0 {
            report(format!("{key}.{name}"), &text, "is negative", "give zero or more");
        }
    }
    if let (Some(least), Some(most)) = (condition.min_days_since_order, condition.max_days_since_order)
        && least > most
    {
        let text = format!("{least}..{most}");
        report(format!("{key}.min_days_since_order"), &text, "is above max_days_since_order", "swap them");
    }
    for (index, kind) in condition.seen.iter().enumerate() {
        let is_type = kind.split_once('.').is_some_and(|(object, action)| is_name(object) && is_name(action));
        if !is_type {
            let remedy = "write object.action, such as cart.updated";
            report(format!("{key}.seen[{index}]"), kind, "is not a type", remedy);
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests;
