//! Reading `accounts.yaml`, and all that can be wrong with it.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde::Deserialize;
use tributary_model::Direction;
use tributary_service::config::Problem;

use super::{AccountRules, Kind, Role, Weight, word};
use crate::decay::Decay;
use crate::error::JourneyError;

const VERSION: u32 = 1;
const MAX_WEIGHT: i64 = 1_000;
/// The longest half-life and window, in days.
const MAX_DAYS: i64 = 730;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    kinds: Vec<Kind>,
    membership: Membership,
    engagement: Engagement,
    buying_group: BuyingGroup,
    opportunities: Opportunities,
    limits: Limits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Membership {
    expires_after_days: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Engagement {
    half_life_days: i64,
    #[serde(default)]
    weights: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "type", default)]
    types: Texts,
    #[serde(rename = "channel", default)]
    channels: Texts,
    direction: Option<Direction>,
    weight: i64,
}

/// One text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::One(text) => vec![text],
            Texts::Several(texts) => texts,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuyingGroup {
    window_days: i64,
    #[serde(default)]
    role_properties: Vec<String>,
    #[serde(default)]
    role_identifiers: BTreeMap<String, String>,
    #[serde(default)]
    roles: Vec<Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opportunities {
    id_property: String,
    stage_property: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    named: usize,
}

impl AccountRules {
    /// Reads rules; `file` is how errors call them.
    ///
    /// # Errors
    /// [`JourneyError`] says all that is wrong with `text`.
    pub fn parse(file: &str, text: &str) -> Result<Self, JourneyError> {
        let read: File = serde_saphyr::from_str(text)
            .map_err(|error| JourneyError::Syntax { file: file.to_owned(), detail: error.to_string() })?;
        let mut problems = Problems { file, found: Vec::new() };
        read.check(&mut problems);
        if !problems.found.is_empty() {
            return Err(JourneyError::Invalid(problems.found));
        }
        let weight = |Line { types, channels, direction, weight }: Line| Weight {
            types: types.into(),
            channels: channels.into(),
            direction,
            weight,
        };
        let mut roles = read.buying_group.roles;
        roles.sort_by(|a, b| a.role.cmp(&b.role));
        for role in &mut roles {
            role.words = role.words.iter().map(|text| word(text)).collect();
        }
        Ok(Self {
            kinds: read.kinds,
            expires_after_days: read.membership.expires_after_days,
            weights: read.engagement.weights.into_iter().map(weight).collect(),
            decay: Decay::new(read.engagement.half_life_days),
            window_days: read.buying_group.window_days,
            role_properties: read.buying_group.role_properties,
            role_identifiers: read.buying_group.role_identifiers,
            roles,
            id_property: read.opportunities.id_property,
            stage_property: read.opportunities.stage_property,
            max_named: read.limits.named,
        })
    }
}

struct Problems<'a> {
    file: &'a str,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn add(&mut self, key: &str, value: impl std::fmt::Display, why: &str, remedy: &str) {
        self.found.push(Problem::new(format!("{}: {key}", self.file), value, why, remedy));
    }

    fn within(&mut self, key: &str, value: i64, least: i64, most: i64, remedy: &str) {
        if !(least..=most).contains(&value) {
            self.add(key, value, &format!("must be from {least} to {most}"), remedy);
        }
    }

    fn names(&mut self, key: &str, names: &[&String], remedy: &str) {
        let mut seen = FxHashSet::default();
        for name in names {
            if !is_name(name) {
                self.add(key, name, "is not a name", remedy);
            } else if !seen.insert(*name) {
                self.add(key, name, "stands there twice", "keep one of them");
            }
        }
    }
}

impl File {
    fn check(&self, problems: &mut Problems<'_>) {
        if self.version != VERSION {
            problems.add("version", self.version, "is not known to this build", &format!("write version: {VERSION}"));
        }
        let namespaces: Vec<&String> = self.kinds.iter().map(|kind| &kind.namespace).collect();
        problems.names("kinds.namespace", &namespaces, "write a namespace such as crm_account_id");
        let expires = self.membership.expires_after_days;
        problems.within("membership.expires_after_days", expires, 0, 36_500, "give 0 for never, or 730");
        let half_life = self.engagement.half_life_days;
        problems.within("engagement.half_life_days", half_life, 1, MAX_DAYS, "30 suits most");
        for (index, line) in self.engagement.weights.iter().enumerate() {
            line.check(&format!("engagement.weights[{index}]"), problems);
        }
        let window = self.buying_group.window_days;
        problems.within("buying_group.window_days", window, 1, MAX_DAYS, "90 suits most");
        self.check_roles(problems);
        let (id, stage) = (&self.opportunities.id_property, &self.opportunities.stage_property);
        for (key, property) in [("opportunities.id_property", id), ("opportunities.stage_property", stage)] {
            if property.trim().is_empty() {
                problems.add(key, "\"\"", "is empty", "name a property such as opportunity_id");
            }
        }
        let named = i64::try_from(self.limits.named).unwrap_or(i64::MAX);
        problems.within("limits.named", named, 1, 1_000, "100 suits most");
    }

    fn check_roles(&self, problems: &mut Problems<'_>) {
        let group = &self.buying_group;
        let names: Vec<&String> = group.roles.iter().map(|role| &role.role).collect();
        problems.names("buying_group.roles.role", &names, "write a role such as decision_maker");
        let mut words: BTreeMap<String, &String> = names.iter().map(|name| (word(name), *name)).collect();
        for role in &group.roles {
            for text in &role.words {
                if let Some(other) = words.insert(word(text), &role.role).filter(|other| **other != role.role) {
                    let why = format!("means {other} and {}", role.role);
                    problems.add("buying_group.roles.words", text, &why, "leave it with one of them");
                }
            }
        }
        for (namespace, role) in &group.role_identifiers {
            if !names.contains(&role) {
                let key = format!("buying_group.role_identifiers.{namespace}");
                problems.add(&key, role, "is not a role", "add it to buying_group.roles, or name one of those");
            }
        }
    }
}

impl Line {
    fn check(&self, key: &str, problems: &mut Problems<'_>) {
        problems.within(&format!("{key}.weight"), self.weight, -MAX_WEIGHT, MAX_WEIGHT, "give points from 0 to 100");
        let types = match &self.types {
            Texts::One(one) => std::slice::from_ref(one),
            Texts::Several(several) => several,
        };
        for kind in types {
            let parts = kind.split_once('.');
            if !parts.is_some_and(|(object, action)| is_name(object) && (action == "*" || is_name(action))) {
                problems.add(&format!("{key}.type"), kind, "is not a type", "write object.action, or object.* for all");
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
