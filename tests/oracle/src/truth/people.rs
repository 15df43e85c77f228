//! Who is who: connected components of identifiers, each with its journey.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::{Identifier, JourneyEvent, PersonId, Touchpoint};

use crate::names::{person_of, stand_in};
use crate::truth::journey::journey;
use crate::truth::ledger::{Kept, Ledger};

/// One human, or the stand-in of a touchpoint that names nobody.
#[derive(Debug)]
pub(crate) struct Person {
    /// Its identifiers; empty for a stand-in.
    pub(crate) identifiers: BTreeSet<Identifier>,
    /// Shared identifiers it was seen with. At most one person gets each of them, and may even get its id.
    pub(crate) shared: BTreeSet<Identifier>,
    /// Its touches in order with their context. The person's id, which depends on the order of arrival, is left out:
    /// `person_id` is nil, and the session's id is that of the start alone.
    pub(crate) journey: Vec<JourneyEvent>,
}

impl Person {
    /// The ids that stand for it from the start.
    pub(crate) fn ids(&self) -> Vec<PersonId> {
        if self.identifiers.is_empty() {
            return self.journey.iter().map(|event| stand_in(&event.touchpoint.touchpoint_id)).collect();
        }
        self.identifiers.iter().map(person_of).collect()
    }

    /// How differences call it.
    pub(crate) fn name(&self) -> String {
        let first = self.identifiers.first().map(crate::names::written);
        let nobody = || self.journey.first().map(|event| format!("nobody of {}", event.touchpoint.touchpoint_id));
        first.or_else(nobody).unwrap_or_default()
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) all: Vec<Person>,
    /// Whose touch it is.
    pub(crate) of_touch: BTreeMap<String, usize>,
    /// Whose id it was from the start; shared identifiers are not among them.
    pub(crate) of_id: BTreeMap<PersonId, usize>,
    /// Shared identifiers, with those who were seen with them.
    pub(crate) sharers: BTreeMap<Identifier, BTreeSet<usize>>,
}

impl People {
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let mut all = Vec::new();
        for (identifiers, touches) in components(ledger) {
            let shared = touches.iter().flat_map(|kept| kept.shared.iter().cloned()).collect();
            let mut touches: Vec<&Touchpoint> = touches.iter().map(|kept| &kept.touchpoint).collect();
            touches.sort_by_key(|touch| (touch.occurred_at, touch.touchpoint_id.as_str()));
            all.push(Person { identifiers, shared, journey: journey(&touches) });
        }
        let mut people = Self { all, of_touch: BTreeMap::new(), of_id: BTreeMap::new(), sharers: BTreeMap::new() };
        for (index, person) in people.all.iter().enumerate() {
            people.of_id.extend(person.ids().into_iter().map(|id| (id, index)));
            let touches = person.journey.iter().map(|event| event.touchpoint.touchpoint_id.clone());
            people.of_touch.extend(touches.map(|id| (id, index)));
            for identifier in &person.shared {
                people.sharers.entry(identifier.clone()).or_default().insert(index);
            }
        }
        people
    }

    /// All touches with their context.
    pub(crate) fn journeys(&self) -> impl Iterator<Item = (usize, &JourneyEvent)> {
        self.all.iter().enumerate().flat_map(|(index, person)| person.journey.iter().map(move |event| (index, event)))
    }
}

/// Identifiers and touches of each person, in order of the first identifier, stand-ins last.
fn components(ledger: &Ledger) -> Vec<(BTreeSet<Identifier>, Vec<&Kept>)> {
    let mut groups = Groups::default();
    for kept in ledger.touches.values() {
        let mut linking = own(kept);
        if let Some(first) = linking.next() {
            groups.add(first);
            linking.for_each(|other| groups.join(first, other));
        }
    }
    let mut found: BTreeMap<usize, (BTreeSet<Identifier>, Vec<&Kept>)> = BTreeMap::new();
    let mut nobody = Vec::new();
    for kept in ledger.touches.values() {
        let Some(first) = own(kept).next() else {
            nobody.push((BTreeSet::new(), vec![kept]));
            continue;
        };
        found.entry(groups.group_of[first]).or_default().1.push(kept);
    }
    for (identifier, group) in &groups.group_of {
        found.entry(*group).or_default().0.insert((*identifier).clone());
    }
    let mut all: Vec<_> = found.into_values().collect();
    all.sort_by(|a, b| a.0.first().cmp(&b.0.first()));
    all.extend(nobody);
    all
}

/// The identifiers of a touch that link.
fn own(kept: &Kept) -> impl Iterator<Item = &Identifier> {
    kept.touchpoint.identifiers.iter().filter(|identifier| !kept.shared.contains(identifier))
}

/// Groups that are joined by renaming the smaller one.
#[derive(Default)]
struct Groups<'a> {
    group_of: BTreeMap<&'a Identifier, usize>,
    members: Vec<Vec<&'a Identifier>>,
}

impl<'a> Groups<'a> {
    fn add(&mut self, identifier: &'a Identifier) -> usize {
        let next = self.members.len();
        let group = *self.group_of.entry(identifier).or_insert(next);
        if group == next {
            self.members.push(vec![identifier]);
        }
        group
    }

    fn join(&mut self, one: &'a Identifier, other: &'a Identifier) {
        let (one, other) = (self.add(one), self.add(other));
        if one == other {
            return;
        }
        let is_larger = self.members[one].len() >= self.members[other].len();
        let (keep, give) = if is_larger { (one, other) } else { (other, one) };
        let moved = std::mem::take(&mut self.members[give]);
        for identifier in &moved {
            self.group_of.insert(identifier, keep);
        }
        self.members[keep].extend(moved);
    }
}
