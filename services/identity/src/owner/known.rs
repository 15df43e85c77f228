//! What the owner of an identifier knows of it.

use serde::{Deserialize, Serialize};
use tributary_model::{Identifier, PersonId, RefusedIdentifier};

use super::Seen;

/// So many times more former partners are remembered than those that need not be claimed again.
const FORMER_EDGES: usize = 8;

/// What the owner of an identifier knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The person it belongs to; behind the truth by the labels that are on their way.
    pub person_id: PersonId,
    /// Event time at which it was first seen.
    pub first_seen_at: i64,
    /// Too many persons share it: it links no more.
    pub quarantined: bool,
    /// Identifiers it was seen with, oldest first, bounded: one that has been forgotten is claimed again, which costs
    /// messages and changes nothing.
    pub edges: Vec<Identifier>,
    pub(super) seldom: Option<Box<Seldom>>,
}

/// What the owners of few identifiers know of them; the others keep no place for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seldom {
    /// Identifiers it was seen with that are no edges any more, oldest first, bounded: those too have to hear of it when it is
    /// erased.
    pub former: Vec<Identifier>,
    /// What was left out of its touchpoints before resolution and has been reported, each once.
    pub refusals: Vec<RefusedIdentifier>,
    /// What its value is called under newer keys, as far as the sequencer was told.
    pub names: Vec<Identifier>,
    /// The number of an erasure after which it has come back, and when; while its owner has not heard of that erasure.
    pub back_after: Option<(i64, i64)>,
}

static NOTHING: Seldom = Seldom { former: Vec::new(), refusals: Vec::new(), names: Vec::new(), back_after: None };

impl Owner {
    pub(super) fn new(person_id: PersonId, first_seen_at: i64) -> Self {
        Self { person_id, first_seen_at, quarantined: false, edges: Vec::new(), seldom: None }
    }

    /// What else is known of it.
    #[must_use]
    pub fn seldom(&self) -> &Seldom {
        self.seldom.as_deref().unwrap_or(&NOTHING)
    }

    pub(super) fn seldom_mut(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }

    pub(super) fn seen(&self) -> Seen {
        Seen { person_id: self.person_id, first_seen_at: self.first_seen_at, quarantined: self.quarantined }
    }

    pub(super) fn add_edge(&mut self, partner: &Identifier, max_edges: usize) {
        if self.edges.contains(partner) {
            return;
        }
        if self.edges.len() >= max_edges {
            let oldest = self.edges.remove(0);
            self.retire(oldest, max_edges);
        }
        // Most have two or three: a list that doubles would be half empty.
        self.edges.reserve_exact(1);
        self.edges.push(partner.clone());
    }

    /// A partner that is to be claimed again when it is seen again.
    pub(super) fn retire(&mut self, partner: Identifier, max_edges: usize) {
        let former = &mut self.seldom_mut().former;
        if former.contains(&partner) {
            return;
        }
        if former.len() >= FORMER_EDGES * max_edges {
            former.remove(0);
        }
        former.push(partner);
    }

    /// Everybody it is known to have been seen with.
    pub(super) fn partners(&self) -> impl Iterator<Item = &Identifier> {
        self.edges.iter().chain(self.seldom().former.iter().filter(|partner| !self.edges.contains(partner)))
    }
}
