//! What becomes of raw identifiers before anybody else sees them: normalised, blocked ones refused, in order of priority.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use regex::RegexSet;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use crate::draft::{Draft, RawIdentifier};
use crate::error::Problem;
use crate::yaml;

/// Why an identifier was left out.
pub(crate) const BLOCKED_VALUE: &str = "blocked_value";
/// The account identifier that a business e-mail address gives.
const COMPANY_DOMAIN: &str = "company_domain";

/// How values of a namespace are made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Normalise {
    /// White space around it goes.
    Trim,
    /// Trimmed and in lower case.
    Email,
    /// Digits with a leading `+` kept; a leading `00` becomes `+`.
    Phone,
    /// Digits only.
    Digits,
}

impl Normalise {
    fn apply(self, raw: &str) -> String {
        let trimmed = raw.trim();
        let digits = || trimmed.chars().filter(char::is_ascii_digit).collect::<String>();
        match self {
            Self::Trim => trimmed.to_owned(),
            Self::Email => trimmed.to_lowercase(),
            Self::Digits => digits(),
            Self::Phone if trimmed.starts_with('+') => format!("+{}", digits()),
            Self::Phone => match digits() {
                text if text.starts_with("00") && text.len() > 4 && text.bytes().any(|b| b != b'0') => {
                    format!("+{}", &text[2..])
                }
                text => text,
            },
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BlockedFile {
    values: Vec<String>,
    patterns: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct NamespaceFile {
    name: String,
    priority: i32,
    normalise: Normalise,
    #[serde(default)]
    blocked: BlockedFile,
}

/// The part of `schemas/identity.yaml` that the normaliser needs; the identity service checks all of it.
#[derive(Debug, Deserialize)]
struct IdentityFile {
    #[serde(default)]
    blocked: BlockedFile,
    namespaces: Vec<NamespaceFile>,
    #[serde(default)]
    free_mail_domains: Vec<String>,
}

/// Values that are nobody's.
#[derive(Debug)]
struct Blocked {
    values: FxHashSet<String>,
    patterns: RegexSet,
}

impl Blocked {
    fn new(file: &str, key: &str, blocked: &BlockedFile) -> Result<Self, Problem> {
        let patterns = RegexSet::new(&blocked.patterns).map_err(|error| {
            let why = error.to_string().lines().last().unwrap_or("is no regular expression").trim().to_owned();
            Problem::new(file, key, why, "write the pattern in the syntax of the regex crate")
        })?;
        Ok(Self { values: blocked.values.iter().map(|value| value.to_lowercase()).collect(), patterns })
    }

    fn contains(&self, value: &str, lower: &str) -> bool {
        self.values.contains(lower) || self.patterns.is_match(value)
    }
}

#[derive(Debug)]
struct Namespace {
    priority: i32,
    normalise: Normalise,
    blocked: Blocked,
}

/// The rules for raw identifiers, from `schemas/identity.yaml`.
#[derive(Debug)]
pub(crate) struct IdentityRules {
    blocked: Blocked,
    namespaces: FxHashMap<String, Namespace>,
    free_mail_domains: FxHashSet<String>,
}

/// Blocked values of one source by namespace, normalised.
pub(crate) type SourceBlocked = FxHashMap<String, FxHashSet<String>>;

impl IdentityRules {
    /// Reads the rules; `file` names them in problems.
    ///
    /// # Errors
    /// All that is wrong with what the normaliser needs of them.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let read: IdentityFile = yaml::read(file, text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let blocked = Blocked::new(file, "blocked.patterns", &read.blocked).map_err(|problem| problems.push(problem));
        let mut namespaces = FxHashMap::default();
        for namespace in &read.namespaces {
            let key = format!("namespaces.{}.blocked.patterns", namespace.name);
            match Blocked::new(file, &key, &namespace.blocked) {
                Ok(blocked) => {
                    let NamespaceFile { priority, normalise, .. } = *namespace;
                    namespaces.insert(namespace.name.clone(), Namespace { priority, normalise, blocked });
                }
                Err(problem) => problems.push(problem),
            }
        }
        match blocked {
            Ok(blocked) if problems.is_empty() => {
                let free_mail_domains = read.free_mail_domains.iter().map(|domain| domain.to_lowercase()).collect();
                Ok(Self { blocked, namespaces, free_mail_domains })
            }
            _ => Err(problems),
        }
    }

    /// Namespaces that are not in the rules are trimmed, in lower case for domains.
    fn normalise(&self, namespace: &str, raw: &str) -> String {
        let rule = match self.namespaces.get(namespace) {
            Some(namespace) => namespace.normalise,
            None if namespace == COMPANY_DOMAIN => Normalise::Email,
            None => Normalise::Trim,
        };
        rule.apply(raw)
    }

    /// A source's own blocked values, made comparable.
    pub(crate) fn source_blocked<'a>(
        &self,
        blocked: impl IntoIterator<Item = (&'a String, &'a Vec<String>)>,
    ) -> SourceBlocked {
        let normalised = |namespace: &str, values: &[String]| {
            values.iter().map(|value| self.normalise(namespace, value).to_lowercase()).collect()
        };
        blocked.into_iter().map(|(namespace, values)| (namespace.clone(), normalised(namespace, values))).collect()
    }

    fn is_blocked(&self, source: &SourceBlocked, identifier: &RawIdentifier) -> bool {
        let RawIdentifier { namespace, value } = identifier;
        let lower = value.to_lowercase();
        self.blocked.contains(value, &lower)
            || self.namespaces.get(namespace).is_some_and(|namespace| namespace.blocked.contains(value, &lower))
            || source.get(namespace).is_some_and(|values| values.contains(&lower))
    }

    /// The normalised value, unless it is empty or blocked for all sources.
    pub(crate) fn normalised(&self, namespace: &str, raw: &str) -> Option<String> {
        let value = self.normalise(namespace, raw);
        let identifier = RawIdentifier { namespace: namespace.to_owned(), value };
        let known = !identifier.value.is_empty() && !self.is_blocked(&SourceBlocked::default(), &identifier);
        known.then_some(identifier.value)
    }

    fn priority(&self, namespace: &str) -> i32 {
        self.namespaces.get(namespace).map_or(i32::MIN, |namespace| namespace.priority)
    }

    /// Normalises the draft's identifiers, leaves out blocked and repeated ones, puts the highest priority first, and
    /// derives the company domain.
    pub(crate) fn settle(&self, draft: &mut Draft, source: &SourceBlocked) {
        let mut refused = Vec::new();
        draft.identifiers = self.admit(std::mem::take(&mut draft.identifiers), source, &mut refused);
        let mut accounts = std::mem::take(&mut draft.account_identifiers);
        accounts.extend(self.company_domains(&draft.identifiers));
        draft.account_identifiers = self.admit(accounts, source, &mut refused);
        refused.sort();
        draft.refused = refused;
    }

    fn admit(
        &self,
        raw: Vec<RawIdentifier>,
        source: &SourceBlocked,
        refused: &mut Vec<(String, &'static str)>,
    ) -> Vec<RawIdentifier> {
        let mut admitted: Vec<RawIdentifier> = Vec::with_capacity(raw.len());
        for RawIdentifier { namespace, value } in raw {
            if value.trim().is_empty() {
                continue;
            }
            let identifier = RawIdentifier { value: self.normalise(&namespace, &value), namespace };
            if identifier.value.is_empty() || self.is_blocked(source, &identifier) {
                refused.push((identifier.namespace, BLOCKED_VALUE));
            } else if !admitted.contains(&identifier) {
                admitted.push(identifier);
            }
        }
        admitted.sort_by(|a, b| {
            let rank = |identifier: &RawIdentifier| Reverse(self.priority(&identifier.namespace));
            rank(a).cmp(&rank(b)).then_with(|| (&a.namespace, &a.value).cmp(&(&b.namespace, &b.value)))
        });
        admitted
    }

    fn company_domains(&self, identifiers: &[RawIdentifier]) -> Vec<RawIdentifier> {
        let emails = identifiers.iter().filter(|identifier| identifier.namespace == "email");
        let domains = emails.filter_map(|email| email.value.rsplit_once('@')).map(|(_, domain)| domain);
        domains
            .filter(|domain| domain.contains('.') && !self.free_mail_domains.contains(*domain))
            .map(|domain| RawIdentifier { namespace: COMPANY_DOMAIN.to_owned(), value: domain.to_owned() })
            .collect()
    }
}

/// Takes out properties that carry an e-mail address, phone number or other long identifier of the same event.
pub(crate) fn scrub_properties(draft: &mut Draft, raw: &[RawIdentifier]) {
    const SHORTEST: usize = 6;
    let mut needles: Vec<String> = raw.iter().map(|identifier| identifier.value.trim().to_lowercase()).collect();
    needles.extend(draft.identifiers.iter().map(|identifier| identifier.value.to_lowercase()));
    needles.retain(|needle| needle.len() >= SHORTEST);
    needles.sort();
    needles.dedup();
    if needles.is_empty() {
        return;
    }
    draft.properties.retain(|_, value| {
        let lower = value.to_lowercase().replace("%40", "@");
        !needles.iter().any(|needle| lower.contains(needle.as_str()))
    });
}
