//! The rules as they stand in the file, and everything that can be wrong with them.

use regex::Regex;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tributary_service::config::Problem;

use super::TOUCHPOINT_NAMESPACE;

/// `schemas/identity.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesFile {
    pub(super) version: String,
    pub(super) default_limit: usize,
    #[serde(default)]
    blocked: Blocked,
    pub(super) namespaces: Vec<Namespace>,
    pub(super) quarantine: Quarantine,
    #[serde(default)]
    free_mail_domains: Vec<String>,
    /// Read and checked by the normaliser.
    #[serde(default, rename = "mail_providers")]
    _mail_providers: IgnoredAny,
}

/// Values that are no identifiers; used by the normaliser, checked here too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Blocked {
    values: Vec<String>,
    patterns: Vec<String>,
}

/// One namespace.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Namespace {
    pub(super) name: String,
    pub(super) priority: i32,
    pub(super) limit: Option<usize>,
    pub(super) window_days: Option<i64>,
    #[serde(default)]
    pub(super) unique: bool,
    pub(super) max_persons: Option<usize>,
    normalise: Normalise,
    /// Read and checked by the normaliser, as `code`.
    #[serde(default, rename = "region")]
    _region: IgnoredAny,
    #[serde(default, rename = "code")]
    _code: IgnoredAny,
    #[serde(default)]
    blocked: Blocked,
}

/// How the normaliser treats values before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Normalise {
    Trim,
    Email,
    Phone,
    Code,
    Digits,
    Domain,
}

/// When an identifier counts as shared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quarantine {
    pub(super) max_persons: usize,
}

impl RulesFile {
    /// Everything that is wrong, in the order of the file.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.version.trim().is_empty() {
            problems.push(Problem::new("version", &self.version, "is empty", "give a version; changes name it"));
        }
        self.blocked.problems("blocked", &mut problems);
        if self.namespaces.is_empty() {
            problems.push(Problem::new("namespaces", "[]", "is empty", "name at least one namespace"));
        }
        for (index, namespace) in self.namespaces.iter().enumerate() {
            let path = format!("namespaces[{index}]");
            namespace.problems(&path, &mut problems);
            let before = &self.namespaces[..index];
            if before.iter().any(|other| other.name == namespace.name) {
                problems.push(Problem::new(format!("{path}.name"), &namespace.name, "is there twice", "keep one"));
            }
            if let Some(other) = before.iter().find(|other| other.priority == namespace.priority) {
                let why = format!("is the priority of {} too", other.name);
                problems.push(Problem::new(format!("{path}.priority"), namespace.priority, why, "give each its own"));
            }
        }
        if self.quarantine.max_persons == 0 {
            let why = "would quarantine every identifier";
            problems.push(Problem::new("quarantine.max_persons", 0, why, "give at least 1"));
        }
        for (index, domain) in self.free_mail_domains.iter().enumerate() {
            if !is_domain(domain) {
                let why = "is not a domain in lower case";
                problems.push(Problem::new(format!("free_mail_domains[{index}]"), domain, why, "write it as gmx.de"));
            }
        }
        problems
    }
}

impl Namespace {
    fn problems(&self, path: &str, problems: &mut Vec<Problem>) {
        if !is_namespace_name(&self.name) {
            let why = "is not a name of lower case letters, digits and _";
            problems.push(Problem::new(format!("{path}.name"), &self.name, why, "write it as crm_contact_id"));
        }
        if self.name == TOUCHPOINT_NAMESPACE {
            let why = "is reserved for touchpoints that name nobody";
            problems.push(Problem::new(format!("{path}.name"), &self.name, why, "choose another name"));
        }
        if self.unique && self.limit.is_some_and(|limit| limit != 1) {
            let limit = self.limit.unwrap_or_default();
            let why = "contradicts unique, which means one value a person";
            problems.push(Problem::new(format!("{path}.limit"), limit, why, "set limit: 1 or drop unique"));
        }
        if let Some(days) = self.window_days {
            let key = format!("{path}.window_days");
            if days < 1 {
                problems.push(Problem::new(&key, days, "is no window", "give at least 1, or drop it"));
            }
            if self.unique {
                let why = "contradicts unique, which holds for ever";
                problems.push(Problem::new(&key, days, why, "drop one of the two"));
            }
        }
        if let Some(max_persons) = self.max_persons {
            let key = format!("{path}.max_persons");
            if max_persons == 0 {
                problems.push(Problem::new(&key, 0, "would quarantine every value", "give at least 1, or drop it"));
            }
            if self.unique {
                let why = "contradicts unique, whose values are never quarantined";
                problems.push(Problem::new(&key, max_persons, why, "drop one of the two"));
            }
        }
        self.blocked.problems(&format!("{path}.blocked"), problems);
        if self.normalise == Normalise::Digits
            && let Some(value) = self.blocked.values.iter().find(|value| !value.bytes().all(|b| b.is_ascii_digit()))
        {
            let why = "can never be met: values are digits after normalising";
            problems.push(Problem::new(format!("{path}.blocked.values"), value, why, "write it as digits"));
        }
    }
}

impl Blocked {
    fn problems(&self, path: &str, problems: &mut Vec<Problem>) {
        for (index, pattern) in self.patterns.iter().enumerate() {
            if let Err(error) = Regex::new(pattern) {
                let reason = error.to_string().lines().last().unwrap_or("is no regular expression").to_owned();
                let key = format!("{path}.patterns[{index}]");
                problems.push(Problem::new(key, pattern, reason, "write it in the syntax of the regex crate"));
            }
        }
    }
}

fn is_namespace_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && !text.starts_with('.')
        && !text.ends_with('.')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-')
}
