//! What an account is, who belongs to it and how it is doing, as data: `schemas/accounts.yaml`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_model::{AccountId, Direction, Identifier, Touchpoint};
use uuid::Uuid;

use crate::decay::Decay;
use crate::error::JourneyError;

mod file;

const BUILT_IN: &str = include_str!("../../../schemas/accounts.yaml");
const FILE: &str = "accounts.yaml";

/// The rules for accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRules {
    kinds: Vec<Kind>,
    /// A membership without a touch for more days does not count; zero is never.
    pub(crate) expires_after_days: i64,
    weights: Vec<Weight>,
    /// How engagement fades.
    pub(crate) decay: Decay,
    /// The window of coverage.
    pub(crate) window_days: i64,
    role_properties: Vec<String>,
    role_identifiers: std::collections::BTreeMap<String, String>,
    roles: Vec<Role>,
    id_property: String,
    stage_property: String,
    /// The most persons and opportunities that a record names.
    pub(crate) max_named: usize,
}

/// A namespace of account identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    namespace: String,
    #[serde(default)]
    merges: bool,
}

/// The weight of some touches.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Weight {
    types: Vec<String>,
    channels: Vec<String>,
    direction: Option<Direction>,
    weight: i64,
}

/// A role in a buying group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    role: String,
    #[serde(default)]
    expected: bool,
    #[serde(default)]
    words: Vec<String>,
}

/// An account that a touch names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// The account.
    pub(crate) id: AccountId,
    /// The identifier that names it.
    pub(crate) namespace: &'a str,
    /// Its place among the kinds; less is higher.
    pub(crate) rank: usize,
    /// Whether the touch is this account's own. If not it is that of an account of a higher kind that is named with it, and
    /// tells only that the two may be one.
    pub(crate) is_own: bool,
}

impl Weight {
    fn fits(&self, touchpoint: &Touchpoint) -> bool {
        let is_type = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => touchpoint.event_type.starts_with(start),
            None => *pattern == touchpoint.event_type,
        };
        (self.types.is_empty() || self.types.iter().any(is_type))
            && (self.channels.is_empty() || self.channels.contains(&touchpoint.channel))
            && self.direction.is_none_or(|direction| direction == touchpoint.direction)
    }
}

impl AccountRules {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// [`JourneyError`] when they are broken, which a test excludes.
    pub fn built_in() -> Result<Self, JourneyError> {
        Self::parse(FILE, BUILT_IN)
    }

    /// `accounts.yaml` in `directory`, when there is one, else the built-in rules.
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

    /// The place of a namespace among the kinds; less is higher.
    pub(crate) fn rank(&self, namespace: &str) -> usize {
        self.kinds.iter().position(|kind| kind.namespace == namespace).unwrap_or(self.kinds.len())
    }

    fn merges(&self, rank: usize) -> bool {
        self.kinds.get(rank).is_some_and(|kind| kind.merges)
    }

    /// The accounts that `identifiers` name, each once: the highest kind first, then in the order given.
    pub(crate) fn named<'a>(&self, realm: &Uuid, identifiers: &'a [Identifier]) -> Vec<Named<'a>> {
        let mut ordered: Vec<(usize, &Identifier)> =
            identifiers.iter().map(|identifier| (self.rank(&identifier.namespace), identifier)).collect();
        ordered.sort_by_key(|(rank, _)| *rank);
        let highest = ordered.iter().map(|(rank, _)| *rank).find(|rank| self.merges(*rank));
        let mut all: Vec<Named<'a>> = Vec::with_capacity(ordered.len());
        for (rank, identifier) in ordered {
            let id = AccountId::of(realm, identifier);
            if all.iter().all(|named| named.id != id) {
                let is_own = !self.merges(rank) || highest == Some(rank);
                all.push(Named { id, namespace: &identifier.namespace, rank, is_own });
            }
        }
        all
    }

    /// Whether an account of the first kind may be merged into one of the second.
    pub(crate) fn merges_into(&self, rank: usize, other: usize) -> bool {
        other < rank && self.merges(rank) && self.merges(other)
    }

    /// What a touch adds to engagement.
    pub(crate) fn weight(&self, touchpoint: &Touchpoint) -> i64 {
        self.weights.iter().find(|weight| weight.fits(touchpoint)).map_or(0, |weight| weight.weight)
    }

    /// The role that a touch tells of its person.
    pub(crate) fn role(&self, touchpoint: &Touchpoint) -> Option<&str> {
        let told = self.role_properties.iter().filter_map(|property| touchpoint.properties.get(property));
        let by_property = told.filter_map(|text| self.role_called(text)).next();
        by_property.or_else(|| {
            let of = |identifier: &Identifier| self.role_identifiers.get(identifier.namespace.as_str());
            touchpoint.identifiers.iter().find_map(of).map(String::as_str)
        })
    }

    fn role_called(&self, text: &str) -> Option<&str> {
        let word = word(text);
        self.roles.iter().find(|role| role.role == word || role.words.contains(&word)).map(|role| role.role.as_str())
    }

    /// The roles of every buying group, in order of name.
    pub(crate) fn expected_roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().filter(|role| role.expected).map(|role| role.role.as_str())
    }

    /// The opportunity that a touch is about.
    pub(crate) fn opportunity_id<'a>(&self, touchpoint: &'a Touchpoint) -> &'a str {
        let by_property = touchpoint.properties.get(&self.id_property);
        by_property.or(touchpoint.order_id.as_ref()).unwrap_or(&touchpoint.touchpoint_id)
    }

    /// The stage that a touch tells of its opportunity.
    pub(crate) fn opportunity_stage<'a>(&self, touchpoint: &'a Touchpoint) -> Option<&'a String> {
        touchpoint.properties.get(&self.stage_property)
    }
}

/// A word as roles are compared by.
fn word(text: &str) -> String {
    let plain = |symbol: char| if symbol.is_whitespace() || symbol == '-' { '_' } else { symbol };
    text.trim().chars().map(plain).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests;
