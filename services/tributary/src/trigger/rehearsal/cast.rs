//! Who is who in a rehearsal: persons by the identifiers that the file has in clear text.

use std::collections::BTreeMap;

use serde_json::Value;
use tributary_identity::AliasTable;
use tributary_model::identity::Alias;
use tributary_model::{JourneyEvent, PersonId};

/// The most identifiers by which a person is called.
const MOST_NAMES: usize = 4;

/// The persons of a rehearsal, and where their events stand.
#[derive(Debug, Default)]
pub struct Cast {
    aliases: AliasTable,
    names: BTreeMap<PersonId, Vec<String>>,
    /// Where the touchpoints stand in the files, and the identifiers in clear text that came with them.
    entrances: BTreeMap<String, Entrance>,
}

/// The event that a touchpoint came with.
#[derive(Debug, Clone, Default)]
pub(super) struct Entrance {
    pub(super) origin: String,
    pub(super) names: Vec<String>,
}

impl Cast {
    pub(super) fn enter(&mut self, touchpoint_id: String, entrance: Entrance) {
        self.entrances.insert(touchpoint_id, entrance);
    }

    pub(super) fn heed_alias(&mut self, key: &[u8], alias: Option<Alias>) {
        self.aliases.apply(key, alias);
    }

    /// Notes by which identifiers a person has come.
    pub(super) fn heed_touch(&mut self, event: &JourneyEvent) {
        let names = self.entrances.get(&event.touchpoint.touchpoint_id).map(|entrance| entrance.names.clone());
        let known = self.names.entry(event.person_id).or_default();
        for name in names.unwrap_or_default() {
            if !known.contains(&name) {
                known.push(name);
            }
        }
    }

    /// Where the event of a touchpoint stands.
    pub(super) fn origin(&self, touchpoint_id: &str) -> &str {
        self.entrances.get(touchpoint_id).map_or("", |entrance| &entrance.origin)
    }

    /// What a person is now, after all merges.
    #[must_use]
    pub fn resolve(&self, person_id: PersonId) -> PersonId {
        self.aliases.resolve(person_id)
    }

    /// What a person is called: by the identifiers that came with its events.
    #[must_use]
    pub fn name(&self, person_id: PersonId) -> String {
        let person_id = self.resolve(person_id);
        let mut names: Vec<&str> = Vec::new();
        for (known, of_known) in &self.names {
            if self.resolve(*known) == person_id {
                names.extend(of_known.iter().map(String::as_str).filter(|name| !name.is_empty()));
            }
        }
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        match (names.is_empty(), more) {
            (true, _) => format!("somebody without an identifier ({person_id})"),
            (false, 0) => names.join(", "),
            (false, more) => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// `namespace:value` of each identifier of a touchpoint as the normalizer shows it.
pub(super) fn names_of(draft: &Value) -> Vec<String> {
    let Some(Value::Object(by_namespace)) = draft.get("identifiers") else { return Vec::new() };
    let of_one = |(namespace, values): (&String, &Value)| {
        let values = values.as_array().cloned().unwrap_or_default();
        let named = values.iter().filter_map(Value::as_str).map(|value| format!("{namespace}:{value}"));
        named.collect::<Vec<_>>()
    };
    by_namespace.iter().flat_map(of_one).collect()
}
