//! What made persons one: the evidence of every merge that still counts, so that one can be undone.
//!
//! A merge is noted under its winner and names its loser, under which the loser's own merges stay. So noting one costs
//! one entry however large the persons are, and the evidence of a person is a walk over those it absorbed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::identity::{MergeRequest, MergeSide};
use tributary_model::{Identifier, PersonId};
use tributary_stream::OrderedStore;

/// Merges by the person that they were noted under and their numbers.
pub(super) type Merges = OrderedStore<PersonId, i64, Evidence>;

/// Why two persons became one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// The two identifiers that were seen together, and when each was first seen as far as was known.
    pub(super) left: (Identifier, i64),
    pub(super) right: (Identifier, i64),
    /// The right one had a person already, so that this counts towards its being shared.
    pub(super) is_join: bool,
    /// The right one is another name of the left: this is never undone.
    is_other_name: bool,
    /// The person whose own merges belong to this one since.
    absorbed: Option<PersonId>,
}

impl Evidence {
    pub(super) fn new(request: &MergeRequest, loser: PersonId, is_join: bool) -> Self {
        let (left, right) = (&request.left, &request.right);
        Self {
            left: (left.identifier.clone(), left.first_seen_at),
            right: (right.identifier.clone(), right.first_seen_at),
            is_join,
            is_other_name: false,
            absorbed: Some(loser),
        }
    }

    /// `name` is another name of the left identifier.
    pub(super) fn other_name(left: &MergeSide, name: &Identifier, loser: PersonId) -> Self {
        Self {
            left: (left.identifier.clone(), left.first_seen_at),
            right: (name.clone(), left.first_seen_at),
            is_join: false,
            is_other_name: true,
            absorbed: Some(loser),
        }
    }
}

/// A person as the tree of its evidence: each merge joined what had nothing in common before.
pub(super) struct Component {
    /// Under whom the merges are noted, with their numbers.
    places: Vec<(PersonId, i64)>,
    /// The merges by number.
    merges: BTreeMap<i64, Evidence>,
}

/// A part of a person that is cut in two.
pub(super) struct Part {
    /// Its identifiers, each with when it was first seen.
    pub(super) identifiers: BTreeMap<Identifier, i64>,
    merges: BTreeMap<i64, Evidence>,
}

impl Component {
    /// Everything that made `person` what it is.
    pub(super) fn of(merges: &Merges, person: PersonId) -> Self {
        let mut component = Self { places: Vec::new(), merges: BTreeMap::new() };
        let mut open = vec![person];
        while let Some(person) = open.pop() {
            for (number, evidence) in merges.list(&person) {
                component.places.push((person, *number));
                component.merges.insert(*number, evidence.clone());
                open.extend(evidence.absorbed);
            }
        }
        component
    }

    /// The last merge on the way from one identifier to the other: the one that would not have been made if they had been
    /// known to be apart. With its number.
    pub(super) fn cut(&self, from: &Identifier, to: &Identifier) -> Option<(i64, &Evidence)> {
        let mut neighbours: BTreeMap<&Identifier, Vec<(&Identifier, i64)>> = BTreeMap::new();
        for (number, Evidence { left: (left, _), right: (right, _), is_other_name, .. }) in &self.merges {
            let number = if *is_other_name { i64::MIN } else { *number };
            neighbours.entry(left).or_default().push((right, number));
            neighbours.entry(right).or_default().push((left, number));
        }
        // In a tree the newest merge on the way is known as soon as the end is reached.
        let mut open = vec![(from, i64::MIN)];
        let mut seen = BTreeSet::from([from]);
        while let Some((identifier, newest)) = open.pop() {
            if identifier == to {
                return self.merges.get_key_value(&newest).map(|(number, evidence)| (*number, evidence));
            }
            for (next, number) in neighbours.get(identifier).into_iter().flatten() {
                if seen.insert(next) {
                    open.push((next, newest.max(*number)));
                }
            }
        }
        None
    }

    /// The two parts that are left without the merge of this number: that of its left identifier, and that of its right.
    pub(super) fn parts(&self, cut: i64, evidence: &Evidence) -> (Part, Part) {
        let mut touching: BTreeMap<&Identifier, Vec<i64>> = BTreeMap::new();
        for (number, merge) in self.merges.iter().filter(|(number, _)| **number != cut) {
            touching.entry(&merge.left.0).or_default().push(*number);
            touching.entry(&merge.right.0).or_default().push(*number);
        }
        let part = |end: &(Identifier, i64)| {
            let mut part = Part::around(end);
            let mut open = vec![&end.0];
            while let Some(identifier) = open.pop() {
                for number in touching.get(identifier).into_iter().flatten() {
                    let Some(merge) = self.merges.get(number).filter(|_| !part.merges.contains_key(number)) else {
                        continue;
                    };
                    part.take(*number, merge);
                    open.extend([&merge.left.0, &merge.right.0]);
                }
            }
            part
        };
        (part(&evidence.left), part(&evidence.right))
    }

    /// The identifiers that were seen together; one that was never seen with others is not among them.
    pub(super) fn identifiers(&self) -> BTreeSet<Identifier> {
        let ends = self.merges.values().flat_map(|merge| [&merge.left.0, &merge.right.0]);
        ends.cloned().collect()
    }

    /// Forgets the merges where they are noted.
    pub(super) fn remove_from(&self, merges: &mut Merges) {
        for (person, number) in &self.places {
            merges.remove(person, number);
        }
    }
}

impl Part {
    fn around((identifier, seen_at): &(Identifier, i64)) -> Self {
        Self { identifiers: BTreeMap::from([(identifier.clone(), *seen_at)]), merges: BTreeMap::new() }
    }

    fn take(&mut self, number: i64, merge: &Evidence) {
        for (identifier, seen_at) in [&merge.left, &merge.right] {
            let known = self.identifiers.entry(identifier.clone()).or_insert(*seen_at);
            *known = (*known).min(*seen_at);
        }
        self.merges.insert(number, merge.clone());
    }

    /// Notes the merges under `person`.
    pub(super) fn note_under(&self, person: PersonId, merges: &mut Merges) {
        for (number, merge) in &self.merges {
            merges.insert(&person, *number, Evidence { absorbed: None, ..merge.clone() });
        }
    }
}
