//! What a destination lets through, and when: its places, its pace, its breaker, what it asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Queue;
use crate::breaker::BreakerState;
use crate::delivery::DeliveryKey;
use crate::destination::Destination;
use crate::pacer::Pacer;

/// What of a destination is in memory only.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Messages on their way, with the ticket of their lease.
    pub(super) tickets: BTreeMap<Arc<str>, u64>,
    /// Messages that somebody was asked about, with the instant of the question.
    pub(super) asked: BTreeMap<Arc<str>, i64>,
    /// Messages that may go, with the instant until which that is good.
    pub(super) permitted: BTreeMap<Arc<str>, i64>,
    pub(super) pacer: Pacer,
}

/// What a destination lets through.
#[derive(Debug)]
pub(super) struct Gate {
    /// From when.
    pub(super) from_at: i64,
    /// How many at once.
    pub(super) slots: usize,
}

impl Queue {
    /// When there is something to do without anything being settled first: something due, or something that expires.
    pub fn next_wake_at(&mut self) -> Option<i64> {
        self.refresh();
        let next_send = |destination: &Arc<Destination>| {
            let (due_at, _) = self.index.lane(&destination.name)?.first_due()?;
            let gate = self.gate(destination, due_at)?;
            let is_full = self.in_flight_to(&destination.name) >= gate.slots;
            let flight = self.flights.get(&destination.name);
            let paced_at = flight.map_or(i64::MIN, |flight| flight.pacer.ready_at(destination.rate_per_second));
            (!is_full).then(|| due_at.max(gate.from_at).max(paced_at))
        };
        let sends = self.destinations.values().filter_map(next_send);
        let expiries =
            self.index.lanes().filter_map(|(_, lane)| lane.first_to_expire()).map(|(at, _)| at.saturating_add(1));
        sends.chain(expiries).chain(self.next_question_at()).min()
    }

    /// What a destination lets through from `at` on; `None` while it is disabled.
    pub(super) fn gate(&self, destination: &Destination, at: i64) -> Option<Gate> {
        let closed = Gate { from_at: i64::MIN, slots: destination.max_in_flight };
        let Some(state) = self.states.get(&destination.name) else { return Some(closed) };
        if state.disabled_for(destination).is_some() {
            return None;
        }
        let held_until_at = state.hold_until_at.unwrap_or(i64::MIN);
        Some(match state.breaker.state(at.max(held_until_at)) {
            BreakerState::Closed => Gate { from_at: held_until_at, ..closed },
            BreakerState::HalfOpen => Gate { from_at: held_until_at, slots: 1 },
            BreakerState::Open { until_at } => Gate { from_at: until_at.max(held_until_at), slots: 1 },
        })
    }

    /// How many are on their way to a destination, or asked about before they are.
    pub(super) fn in_flight_to(&self, destination: &str) -> usize {
        self.flights.get(destination).map_or(0, |flight| flight.tickets.len() + flight.asked.len())
    }

    pub(super) fn is_in_flight(&self, key: &DeliveryKey) -> bool {
        let holds = |flight: &Flight| {
            flight.tickets.contains_key(&key.message_id) || flight.asked.contains_key(&key.message_id)
        };
        self.flights.get(&key.destination).is_some_and(holds)
    }
}
