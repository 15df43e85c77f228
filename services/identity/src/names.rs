//! By how many keys identifiers are known, read back from `tributary.identity.changes`.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::Identifier;
use tributary_model::identity::{IdentityChange, IdentityChangeKind};

/// Identifiers with their other names. Records may come in any order.
#[derive(Debug, Clone, Default)]
pub struct Names {
    created: BTreeSet<Identifier>,
    others: BTreeMap<Identifier, BTreeSet<Identifier>>,
}

impl Names {
    /// Takes in one record.
    pub fn apply(&mut self, change: &IdentityChange) {
        match (change.kind, change.identifiers.as_slice()) {
            (IdentityChangeKind::Created, [identifier]) => drop(self.created.insert(identifier.clone())),
            (IdentityChangeKind::Rekeyed, [first, name]) => {
                self.others.entry(first.clone()).or_default().insert(name.clone());
            }
            _ => {}
        }
    }

    /// How many identifiers are known by one key, by two, and so on, by namespace.
    #[must_use]
    pub fn by_keys(&self) -> BTreeMap<String, BTreeMap<usize, u64>> {
        let names: BTreeSet<&Identifier> = self.others.values().flatten().collect();
        let mut counts: BTreeMap<String, BTreeMap<usize, u64>> = BTreeMap::new();
        for identifier in self.created.iter().filter(|identifier| !names.contains(identifier)) {
            let keys = 1 + self.others.get(identifier).map_or(0, BTreeSet::len);
            *counts.entry(identifier.namespace.to_string()).or_default().entry(keys).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{id, ids};
    use tributary_model::PersonId;
    use uuid::Uuid;

    #[test]
    fn a_value_counts_once_by_the_number_of_its_names() {
        let change = |kind, identifiers: &[&str]| IdentityChange {
            kind,
            person_id: PersonId::of(&Uuid::nil(), &id("email:any")),
            other_person_id: None,
            identifiers: ids(identifiers),
            reason: None,
            touchpoint_id: String::new(),
            occurred_at: 0,
            rule_version: "1".to_owned(),
            sequence: None,
            undoes: None,
        };
        let (created, rekeyed) = (IdentityChangeKind::Created, IdentityChangeKind::Rekeyed);
        let mut names = Names::default();
        let changes = [
            change(rekeyed, &["email:a", "email:a2"]),
            change(created, &["email:a2"]),
            change(created, &["email:a"]),
            change(created, &["email:b"]),
            change(created, &["phone:p"]),
            change(rekeyed, &["email:a", "email:a3"]),
        ];
        changes.iter().chain(&changes[..1]).for_each(|change| names.apply(change));
        let email = BTreeMap::from([(1, 1), (3, 1)]);
        let expected = BTreeMap::from([("email".to_owned(), email), ("phone".to_owned(), BTreeMap::from([(1, 1)]))]);
        assert_eq!(names.by_keys(), expected);
    }
}
