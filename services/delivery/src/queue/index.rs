//! What is due when: derived from the stores, in memory only, made anew after a restart or an aborted transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::delivery::Delivery;

/// The order of one destination's deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lane {
    /// Those that wait to be sent, by the instant they are due.
    due: BTreeSet<(i64, Arc<str>)>,
    /// Those and the given up ones, by the instant they expire.
    expiry: BTreeSet<(i64, Arc<str>)>,
}

impl Lane {
    /// Puts a delivery in its place.
    pub(super) fn insert(&mut self, message_id: &Arc<str>, delivery: &Delivery) {
        self.expiry.insert((delivery.valid_until_at, Arc::clone(message_id)));
        if !delivery.is_given_up {
            self.due.insert((delivery.due_at, Arc::clone(message_id)));
        }
    }

    /// Takes a delivery, as it was put in, out of its place.
    pub(super) fn remove(&mut self, message_id: &Arc<str>, delivery: &Delivery) {
        self.due.remove(&(delivery.due_at, Arc::clone(message_id)));
        self.expiry.remove(&(delivery.valid_until_at, Arc::clone(message_id)));
    }

    /// The first one that is to be sent, and when it is due.
    pub(super) fn first_due(&self) -> Option<(i64, &Arc<str>)> {
        self.due.first().map(|(at, message_id)| (*at, message_id))
    }

    /// The first one that expires, and until when it is valid.
    pub(super) fn first_to_expire(&self) -> Option<(i64, &Arc<str>)> {
        self.expiry.first().map(|(at, message_id)| (*at, message_id))
    }

    /// How many wait to be sent.
    pub(super) fn due_len(&self) -> usize {
        self.due.len()
    }

    /// How many there are that are not on their way.
    pub(super) fn len(&self) -> usize {
        self.expiry.len()
    }
}

/// All lanes, by destination. A destination that is not configured any more keeps its lane until it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    lanes: BTreeMap<Arc<str>, Lane>,
}

impl Index {
    /// The lane of a destination, when it has one.
    pub(super) fn lane(&self, destination: &str) -> Option<&Lane> {
        self.lanes.get(destination)
    }

    /// The lane of a destination, to be changed.
    pub(super) fn lane_mut(&mut self, destination: &Arc<str>) -> &mut Lane {
        self.lanes.entry(Arc::clone(destination)).or_default()
    }

    /// All lanes.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (&Arc<str>, &Lane)> {
        self.lanes.iter()
    }

    /// Forgets lanes that hold nothing.
    pub(super) fn tidy(&mut self) {
        self.lanes.retain(|_, lane| lane.len() > 0);
    }
}
