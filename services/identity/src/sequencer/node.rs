//! What the sequencer keeps of a person.

use serde::{Deserialize, Serialize};
use tributary_model::{Identifier, PersonId};

/// A person in the union-find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Node {
    /// It is itself.
    Root(Root),
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
        Self { first_seen_at: seen_at, identifier_count: 1, members: member.into_iter().collect() }
    }

    pub(super) fn is_singleton(&self) -> bool {
        self.identifier_count == 1
    }

    /// Adds a person that was merged into this one; two persons never have an identifier in common.
    pub(super) fn absorb(&mut self, other: Self) {
        self.first_seen_at = self.first_seen_at.min(other.first_seen_at);
        self.identifier_count = self.identifier_count.saturating_add(other.identifier_count);
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
