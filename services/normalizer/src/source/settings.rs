//! `source.yaml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::Domain;

use crate::contract::is_name;
use crate::error::Problem;
use crate::identifiers::Region;

/// What the gateway asks of a source's senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// A write key as the user name of basic authentication.
    #[default]
    WriteKey,
    /// Nothing: for networks that only the sender can reach.
    None,
}

/// What has to be equal for an event with a known id to be the same event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fingerprint {
    /// The bytes of the event.
    #[default]
    Body,
    /// The touchpoint that it maps to, receive time aside.
    Touchpoint,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) domain: Domain,
    pub(super) description: String,
    #[serde(default)]
    pub(super) event_id: Vec<String>,
    #[serde(default)]
    pub(super) auth: Auth,
    #[serde(default = "default_max_age_days")]
    pub(super) max_age_days: u32,
    #[serde(default = "default_mapping")]
    pub(super) mapping: String,
    pub(super) types: Vec<String>,
    #[serde(default)]
    pub(super) drops: Vec<String>,
    #[serde(default)]
    pub(super) fingerprint: Fingerprint,
    #[serde(default)]
    pub(super) blocked_identifiers: BTreeMap<String, Vec<String>>,
    phone_region: Option<String>,
}

fn default_max_age_days() -> u32 {
    400
}

fn default_mapping() -> String {
    "mapping.vrl".to_owned()
}

impl Settings {
    /// Everything that is wrong, in the order of the file.
    pub(super) fn problems(&self, file: &str) -> Vec<Problem> {
        let problem = |key: &str, what: String, remedy: &str| Problem::new(file, key, what, remedy);
        let mut problems = Vec::new();
        for pointer in self.event_id.iter().filter(|pointer| !pointer.starts_with('/')) {
            let what = format!("{pointer} is no JSON pointer");
            problems.push(problem("event_id", what, "start it with /, for example /messageId"));
        }
        if self.max_age_days == 0 {
            problems.push(problem("max_age_days", "0 would refuse every event".to_owned(), "give at least 1"));
        }
        if self.types.is_empty() {
            problems.push(problem("types", "is empty".to_owned(), "list the types that the mapping may emit"));
        }
        for declared in self.types.iter().filter(|declared| !is_type(declared)) {
            let what = format!("{declared} is not of the form object.action");
            problems.push(problem("types", what, "write it as order.placed, or custom.* for all of one object"));
        }
        for reason in self.drops.iter().filter(|reason| !is_name(reason)) {
            let what = format!("{reason} is not lower case letters, digits and _");
            problems.push(problem("drops", what, "write it as test_order"));
        }
        for namespace in self.blocked_identifiers.keys().filter(|namespace| !is_name(namespace)) {
            let what = format!("{namespace} is no namespace");
            problems.push(problem("blocked_identifiers", what, "write it as in schemas/identity.yaml"));
        }
        if let Some(written) = self.phone_region.as_deref().filter(|written| Region::parse(written).is_none()) {
            let what = format!("{written} is no country");
            problems.push(problem("phone_region", what, "write it as GB or DE (ISO 3166-1)"));
        }
        problems
    }

    /// Whose national telephone numbers the source sends.
    pub(super) fn phone_region(&self) -> Option<Region> {
        self.phone_region.as_deref().and_then(Region::parse)
    }
}

fn is_type(declared: &str) -> bool {
    declared.split_once('.').is_some_and(|(object, action)| is_name(object) && (action == "*" || is_name(action)))
}
