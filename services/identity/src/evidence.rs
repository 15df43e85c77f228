//! Why two identifiers are one person, read back from `tributary.identity.changes`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use tributary_model::Identifier;
use tributary_model::identity::{IdentityChange, IdentityChangeKind};

/// Two identifiers that an event, or somebody by hand, made one person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Number of the merge.
    pub sequence: i64,
    /// The identifier of higher priority.
    pub left: Identifier,
    /// The other.
    pub right: Identifier,
    /// The touchpoint that carried both.
    pub touchpoint_id: String,
    /// When that was, in milliseconds since 1970.
    pub occurred_at: i64,
    /// Version of the rules that let it.
    pub rule_version: String,
    /// What was said, if somebody asked for it by hand.
    pub by_hand: Option<String>,
    /// The other is the same value under a newer key.
    pub is_other_name: bool,
}

/// Everything that was told about persons. Records may come in any order.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    links: BTreeMap<i64, Link>,
    undone: BTreeSet<i64>,
    others: Vec<IdentityChange>,
}

impl Evidence {
    /// Takes in one record.
    pub fn apply(&mut self, change: IdentityChange) {
        self.undone.extend(change.undoes);
        match (change.kind, change.sequence, change.identifiers.as_slice()) {
            (kind @ (IdentityChangeKind::Merged | IdentityChangeKind::Rekeyed), Some(sequence), [left, right]) => {
                let link = Link {
                    sequence,
                    left: left.clone(),
                    right: right.clone(),
                    touchpoint_id: change.touchpoint_id.clone(),
                    occurred_at: change.occurred_at,
                    rule_version: change.rule_version.clone(),
                    by_hand: change.reason.clone(),
                    is_other_name: kind == IdentityChangeKind::Rekeyed,
                };
                self.links.insert(sequence, link);
            }
            (IdentityChangeKind::Linked, ..) => {}
            _ => self.others.push(change),
        }
    }

    /// The links that count, in the order in which they were made.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values().filter(|link| !self.undone.contains(&link.sequence))
    }

    /// All identifiers of the person that has this one.
    #[must_use]
    pub fn identifiers_of(&self, identifier: &Identifier) -> BTreeSet<Identifier> {
        self.reached_from(identifier).into_keys().cloned().chain([identifier.clone()]).collect()
    }

    /// The links that lead from one identifier to the other, in this order; `None` when they are of two persons.
    #[must_use]
    pub fn chain<'a>(&'a self, from: &'a Identifier, to: &'a Identifier) -> Option<Vec<&'a Link>> {
        let reached = self.reached_from(from);
        let mut chain = Vec::new();
        let mut at = to;
        while at != from {
            let link = *reached.get(at)?;
            at = if link.left == *at { &link.right } else { &link.left };
            chain.push(link);
        }
        chain.reverse();
        Some(chain)
    }

    /// What else was told about these identifiers: created, refused, quarantined, taken apart; in order of event time.
    #[must_use]
    pub fn told_about(&self, identifiers: &BTreeSet<Identifier>) -> Vec<&IdentityChange> {
        let is_about = |change: &&IdentityChange| change.identifiers.iter().any(|one| identifiers.contains(one));
        let mut told: Vec<&IdentityChange> = self.others.iter().filter(is_about).collect();
        told.sort_by_key(|change| (change.occurred_at, change.sequence));
        told
    }

    /// True when anything was told about it.
    #[must_use]
    pub fn knows(&self, identifier: &Identifier) -> bool {
        self.links.values().any(|link| [&link.left, &link.right].contains(&identifier))
            || self.others.iter().any(|change| change.identifiers.contains(identifier))
    }

    /// The identifiers that links lead to, each with the link by which it is reached: links are a forest, so there is one
    /// way to each.
    fn reached_from<'a>(&'a self, from: &'a Identifier) -> BTreeMap<&'a Identifier, &'a Link> {
        let mut touching: BTreeMap<&Identifier, Vec<&Link>> = BTreeMap::new();
        for link in self.links() {
            touching.entry(&link.left).or_default().push(link);
            touching.entry(&link.right).or_default().push(link);
        }
        let mut reached: BTreeMap<&Identifier, &Link> = BTreeMap::new();
        let mut open = VecDeque::from([from]);
        while let Some(at) = open.pop_front() {
            for link in touching.get(at).into_iter().flatten() {
                let next = if link.left == *at { &link.right } else { &link.left };
                if next != from && !reached.contains_key(next) {
                    reached.insert(next, link);
                    open.push_back(next);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;
    use tributary_model::PersonId;
    use uuid::Uuid;

    fn change(kind: IdentityChangeKind, sequence: Option<i64>, identifiers: &[&str]) -> IdentityChange {
        IdentityChange {
            kind,
            person_id: PersonId(Uuid::nil()),
            other_person_id: None,
            identifiers: identifiers.iter().map(|text| id(text)).collect(),
            reason: None,
            touchpoint_id: format!("t-{}", sequence.unwrap_or_default()),
            occurred_at: sequence.unwrap_or_default(),
            rule_version: "1".to_owned(),
            sequence,
            undoes: None,
        }
    }

    fn evidence(changes: Vec<IdentityChange>) -> Evidence {
        let mut evidence = Evidence::default();
        changes.into_iter().for_each(|change| evidence.apply(change));
        evidence
    }

    #[test]
    fn the_chain_between_two_identifiers_is_the_one_way_there_is() {
        let merged = |sequence, left, right| change(IdentityChangeKind::Merged, Some(sequence), &[left, right]);
        let evidence = evidence(vec![
            merged(3, "phone:p", "device_id:d"),
            merged(1, "email:a", "loyalty_id:l"),
            merged(2, "loyalty_id:l", "phone:p"),
            merged(4, "email:z", "device_id:other"),
        ]);
        let chain = |from, to| {
            let (from, to) = (id(from), id(to));
            evidence.chain(&from, &to).map(|chain| chain.into_iter().map(|link| link.sequence).collect::<Vec<_>>())
        };
        assert_eq!(chain("email:a", "device_id:d"), Some(vec![1, 2, 3]));
        assert_eq!(chain("device_id:d", "loyalty_id:l"), Some(vec![3, 2]));
        assert_eq!(chain("email:a", "email:a"), Some(Vec::new()));
        assert_eq!(chain("email:a", "email:z"), None);
        assert_eq!(evidence.identifiers_of(&id("phone:p")).len(), 4);
    }

    #[test]
    fn a_link_that_was_undone_no_longer_counts_and_who_undid_it_is_told() {
        let undone = IdentityChange {
            undoes: Some(1),
            reason: Some("a shared tablet".to_owned()),
            ..change(IdentityChangeKind::Unmerged, Some(2), &["email:a", "email:b"])
        };
        let merged = change(IdentityChangeKind::Merged, Some(1), &["email:a", "email:b"]);
        let evidence = evidence(vec![undone.clone(), merged]);
        assert_eq!(evidence.chain(&id("email:a"), &id("email:b")), None);
        let own = evidence.identifiers_of(&id("email:a"));
        assert_eq!(own.len(), 1);
        assert_eq!(evidence.told_about(&own), [&undone]);
        assert!(evidence.knows(&id("email:b")) && !evidence.knows(&id("email:c")));
    }
}
