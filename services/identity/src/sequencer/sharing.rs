//! With how many persons an identifier was seen.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tributary_model::PersonId;

/// The persons of one identifier beside its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sharing {
    /// Persons that became one through it after it had a person already.
    joined: u32,
    /// Persons that it was not linked to because of a rule; bounded by the quarantine that follows.
    refused: BTreeSet<PersonId>,
    quarantined: bool,
}

impl Sharing {
    /// An identifier that links no more; what led to it is forgotten.
    pub(super) fn quarantined() -> Self {
        Self { quarantined: true, ..Self::default() }
    }

    pub(super) fn is_quarantined(&self) -> bool {
        self.quarantined
    }

    /// It has joined one more person to its own.
    pub(super) fn join(&mut self) {
        self.joined = self.joined.saturating_add(1);
    }

    /// A person that it joined was taken away from it again.
    pub(super) fn part(&mut self) {
        self.joined = self.joined.saturating_sub(1);
    }

    /// It was not linked to this person.
    pub(super) fn refuse(&mut self, other: PersonId) {
        self.refused.insert(other);
    }

    /// The persons that it was not linked to.
    pub(super) fn refused(&self) -> &BTreeSet<PersonId> {
        &self.refused
    }

    /// This person is no more.
    pub(super) fn forget(&mut self, person: PersonId) {
        self.refused.remove(&person);
    }

    /// Counts persons that have become one in the meantime as one.
    pub(super) fn resolve_refused(&mut self, mut resolve: impl FnMut(PersonId) -> PersonId) {
        self.refused = std::mem::take(&mut self.refused).into_iter().map(&mut resolve).collect();
    }

    /// The persons it was seen with, its own included.
    pub(super) fn person_count(&self) -> usize {
        1 + self.joined as usize + self.refused.len()
    }
}
