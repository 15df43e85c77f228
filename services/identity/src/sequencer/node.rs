//! What the sequencer keeps of a person.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::{Identifier, PersonId};

/// A person in the union-find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Node {
    /// It is itself. Boxed, for most have become part of another.
    Root(Box<Root>),
    /// It is part of this one, or of what that one has become.
    Merged(PersonId),
}

/// What the rules go by for a person that is itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Root {
    /// Event time at which its oldest identifier was first seen.
    pub(super) first_seen_at: i64,
    /// How many identifiers it has, of any namespace.
    identifier_count: u32,
    /// Those of limited namespaces, in order; the limits bound how many there are.
    members: Vec<Member>,
    /// Those that somebody holds apart from others.
    held: BTreeSet<Identifier>,
    /// Persons in it that were taken out of others and so are no identifier's own, each with its first identifier.
    names: BTreeMap<PersonId, Identifier>,
}

/// An identifier that counts towards a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) identifier: Identifier,
    /// When it was first seen, as far as was known when it first came to the sequencer.
    pub(super) seen_at: i64,
}

impl Root {
    pub(super) fn singleton(identifier: &Identifier, seen_at: i64, is_limited: bool) -> Self {
        let member = is_limited.then(|| Member { identifier: identifier.clone(), seen_at });
        Self {
            first_seen_at: seen_at,
            identifier_count: 1,
            members: member.into_iter().collect(),
            held: BTreeSet::new(),
            names: BTreeMap::new(),
        }
    }

    /// The person of another name of a value, which is counted already.
    pub(super) fn another_name(seen_at: i64) -> Self {
        Self {
            first_seen_at: seen_at,
            identifier_count: 0,
            members: Vec::new(),
            held: BTreeSet::new(),
            names: BTreeMap::new(),
        }
    }

    /// `name` turns out to be another name of a value that is counted elsewhere.
    pub(super) fn rename(&mut self, name: &Identifier) {
        self.members.retain(|member| member.identifier != *name);
        self.identifier_count = self.identifier_count.saturating_sub(1);
    }

    /// What is left of it with these identifiers alone, which were first seen then; they name so many values.
    pub(super) fn reduced_to(&self, identifiers: &BTreeMap<Identifier, i64>, value_count: usize) -> Self {
        let is_in = |identifier: &Identifier| identifiers.contains_key(identifier);
        Self {
            first_seen_at: identifiers.values().copied().min().unwrap_or(self.first_seen_at),
            identifier_count: u32::try_from(value_count).unwrap_or(u32::MAX),
            members: self.members.iter().filter(|member| is_in(&member.identifier)).cloned().collect(),
            held: self.held.iter().filter(|held| is_in(held)).cloned().collect(),
            names: self
                .names
                .iter()
                .filter(|(_, first)| is_in(first))
                .map(|(id, first)| (*id, first.clone()))
                .collect(),
        }
    }

    /// An identifier of it is held apart from another.
    pub(super) fn hold(&mut self, identifier: &Identifier) {
        self.held.insert(identifier.clone());
    }

    /// Those of its identifiers that may be held apart from others.
    pub(super) fn held(&self) -> impl Iterator<Item = &Identifier> {
        self.held.iter()
    }

    /// It is known as `person` from now on, after this identifier.
    pub(super) fn name(&mut self, person: PersonId, first: &Identifier) {
        self.names.insert(person, first.clone());
    }

    /// The identifier that `person`, which is this one or has become part of it, is called after if it is not its own.
    pub(super) fn named_after(&self, person: PersonId) -> Option<&Identifier> {
        self.names.get(&person)
    }

    /// Persons in it that are no identifier's own.
    pub(super) fn names(&self) -> impl Iterator<Item = PersonId> {
        self.names.keys().copied()
    }

    pub(super) fn is_singleton(&self) -> bool {
        self.identifier_count == 1
    }

    /// Adds a person that was merged into this one; two persons never have an identifier in common.
    pub(super) fn absorb(&mut self, other: Self) {
        self.first_seen_at = self.first_seen_at.min(other.first_seen_at);
        self.identifier_count = self.identifier_count.saturating_add(other.identifier_count);
        self.held.extend(other.held);
        self.names.extend(other.names);
        self.members.extend(other.members);
        self.members.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    }

    /// The limited namespaces it has values of, each once, in order.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        self.members.iter().filter_map(move |member| {
            let namespace = member.identifier.namespace.as_str();
            (last.replace(namespace) != Some(namespace)).then_some(namespace)
        })
    }

    /// Its values of a limited namespace.
    pub(super) fn members_of<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| member.identifier.namespace == namespace)
    }
}
