//! The transaction coordinator: producers by their transactional id, with epochs, and transactions that end in two steps.
//!
//! As at Kafka, the decision to commit or abort is one step, and the markers that let readers see it reach the
//! partitions one by one afterwards.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::partition::TransactionId;
use super::{Place, TopicId};

/// A transaction that has written something.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: TransactionId,
    pub(super) since: Duration,
    pub(super) places: BTreeSet<Place>,
    pub(super) groups: BTreeSet<usize>,
}

/// What is known of a transactional id.
#[derive(Debug, Default)]
pub(super) struct Producer {
    pub(super) epoch: u32,
    /// The epoch that ended because its transaction took too long; it may go on under the new one.
    pub(super) timed_out: Option<u32>,
    pub(super) open: Option<Open>,
}

/// Why the coordinator refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Another producer has taken the transactional id over.
    Fenced,
    /// The transaction took too long and was aborted.
    TimedOut,
    /// The group has moved on, or does not know the member.
    Generation,
    /// No transaction is open.
    NoTransaction,
    /// The topic does not exist.
    UnknownTopic,
}

impl Producer {
    /// Whether this epoch may still write.
    pub(super) fn check(&self, epoch: u32) -> Result<(), Refused> {
        match epoch {
            epoch if epoch == self.epoch => Ok(()),
            epoch if self.timed_out == Some(epoch) => Err(Refused::TimedOut),
            _ => Err(Refused::Fenced),
        }
    }
}

/// Where a marker has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Partition(TopicId, i32),
    Group(usize),
}

/// A marker on its way.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub(super) owner: Rc<str>,
    pub(super) id: TransactionId,
    pub(super) is_commit: bool,
    pub(super) target: Target,
}

/// The markers that end a transaction.
pub(super) fn markers(open: &Open, owner: &str, is_commit: bool) -> Vec<Marker> {
    let owner: Rc<str> = owner.into();
    let places = open.places.iter().map(|(topic, partition)| Target::Partition(*topic, *partition));
    let groups = open.groups.iter().map(|group| Target::Group(*group));
    places.chain(groups).map(|target| Marker { owner: Rc::clone(&owner), id: open.id, is_commit, target }).collect()
}
