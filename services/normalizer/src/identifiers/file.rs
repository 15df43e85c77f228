//! The part of `schemas/identity.yaml` that the normaliser needs, and all that can be wrong with it. The identity service
//! checks the rest.

use regex::RegexSet;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use super::code::CodeRule;
use super::email::{MailProviders, ProviderFile};
use super::normalise::{Kind, Normalise};
use super::phone::Region;
use super::{Blocked, IdentityRules, Namespace};
use crate::error::Problem;
use crate::yaml;

#[derive(Debug, Deserialize)]
struct IdentityFile {
    #[serde(default)]
    blocked: BlockedFile,
    namespaces: Vec<NamespaceFile>,
    #[serde(default)]
    mail_providers: Vec<ProviderFile>,
    #[serde(default)]
    free_mail_domains: Vec<String>,
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
    normalise: Kind,
    region: Option<String>,
    code: Option<CodeRule>,
    #[serde(default)]
    blocked: BlockedFile,
}

impl IdentityRules {
    /// Reads the rules; `file` names them in problems.
    ///
    /// # Errors
    /// All that is wrong with what the normaliser needs of them.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let read: IdentityFile = yaml::read(file, text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let blocked = read.blocked.compiled(file, "blocked.patterns", &mut problems);
        let mut namespaces = FxHashMap::default();
        for namespace in read.namespaces {
            let (name, priority) = (namespace.name.clone(), namespace.priority);
            let key = format!("namespaces.{name}.blocked.patterns");
            let blocked = namespace.blocked.compiled(file, &key, &mut problems);
            let normalise = namespace.rule(file, &mut problems);
            namespaces.insert(name, Namespace { priority, normalise, blocked });
        }
        let mail_providers = MailProviders::new(file, read.mail_providers, &mut problems);
        let free_mail_domains: FxHashSet<String> = read.free_mail_domains.into_iter().collect();
        let rules = Self { blocked, namespaces, mail_providers, free_mail_domains };
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    }
}

impl NamespaceFile {
    fn rule(self, file: &str, problems: &mut Vec<Problem>) -> Normalise {
        let Self { name, normalise, region, code, .. } = self;
        let mut problem = |key: &str, what: String, remedy: &str| {
            problems.push(Problem::new(file, format!("namespaces.{name}.{key}"), what, remedy));
        };
        if let Some(region) = region.as_deref().filter(|_| normalise != Kind::Phone) {
            let what = format!("{region} means nothing without normalise: phone");
            problem("region", what, "set normalise: phone, or drop it");
        }
        if code.is_some() && normalise != Kind::Code {
            problem("code", "means nothing without normalise: code".to_owned(), "set normalise: code, or drop it");
        }
        match normalise {
            Kind::Trim => Normalise::Trim,
            Kind::Email => Normalise::Email,
            Kind::Digits => Normalise::Digits,
            Kind::Domain => Normalise::Domain,
            Kind::Code => Normalise::Code(code.unwrap_or_default()),
            Kind::Phone => Normalise::Phone(region.and_then(|written| {
                let known = Region::parse(&written);
                if known.is_none() {
                    problem("region", format!("{written} is no country"), "write it as GB or DE (ISO 3166-1)");
                }
                known
            })),
        }
    }
}

impl BlockedFile {
    fn compiled(&self, file: &str, key: &str, problems: &mut Vec<Problem>) -> Blocked {
        let patterns = RegexSet::new(&self.patterns).unwrap_or_else(|error| {
            let why = error.to_string().lines().last().unwrap_or("is no regular expression").trim().to_owned();
            problems.push(Problem::new(file, key, why, "write the pattern in the syntax of the regex crate"));
            RegexSet::empty()
        });
        Blocked { values: self.values.iter().map(|value| value.to_lowercase()).collect(), patterns }
    }
}
