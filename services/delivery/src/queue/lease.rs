//! Handing out what is due: in order, as many as a destination takes, after asking again.

use std::sync::Arc;

use super::Queue;
use crate::delivery::{Delivery, DeliveryKey};
use crate::destination::Destination;
use crate::recheck::{Opinion, Recheck};

/// A delivery handed out to be sent. It counts as on its way until it is settled.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Which delivery.
    pub key: DeliveryKey,
    /// Where it goes.
    pub destination: Arc<Destination>,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// Tells this lease from others of the same attempt, which there are when transactions are aborted.
    pub ticket: u64,
    /// What is posted.
    pub body: Arc<str>,
}

impl Queue {
    /// Hands out what is due at `now_at`: for each destination in order of the due instants, as many as its limits, its
    /// breaker and its own wishes let through. What `recheck` withholds leaves the queue.
    pub fn lease(&mut self, recheck: &dyn Recheck, now_at: i64) -> Vec<Lease> {
        self.ask_anew(now_at);
        self.expire(now_at);
        let destinations: Vec<Arc<Destination>> = self.destinations.values().cloned().collect();
        let mut leases = Vec::new();
        for destination in &destinations {
            while let Some(lease) = self.lease_one(destination, recheck, now_at) {
                leases.push(lease);
            }
        }
        leases
    }

    fn lease_one(&mut self, destination: &Arc<Destination>, recheck: &dyn Recheck, now_at: i64) -> Option<Lease> {
        loop {
            let key = self.sendable(destination, now_at)?;
            let delivery = self.deliveries.get(&key)?.clone();
            if !self.may_go(&key, &delivery, recheck, now_at) {
                continue;
            }
            let flight = self.flights.entry(Arc::clone(&key.destination)).or_default();
            if !flight.pacer.try_take(destination.rate_per_second, now_at) {
                return None;
            }
            let attempt = delivery.attempts.saturating_add(1);
            self.last_ticket += 1;
            let ticket = self.last_ticket;
            flight.tickets.insert(Arc::clone(&key.message_id), ticket);
            self.index.lane_mut(&key.destination).remove(&key.message_id, &delivery);
            return Some(Lease { key, destination: Arc::clone(destination), attempt, ticket, body: delivery.body });
        }
    }

    /// The first delivery of a destination, when it is due and may go.
    fn sendable(&self, destination: &Destination, now_at: i64) -> Option<DeliveryKey> {
        let (due_at, message_id) = self.index.lane(&destination.name)?.first_due()?;
        let gate = self.gate(destination, now_at)?;
        let is_open = gate.from_at <= now_at && self.in_flight_to(&destination.name) < gate.slots;
        let flight = self.flights.get(&destination.name);
        let is_paced = flight.is_none_or(|flight| flight.pacer.ready_at(destination.rate_per_second) <= now_at);
        (due_at <= now_at && is_open && is_paced)
            .then(|| DeliveryKey { destination: Arc::clone(&destination.name), message_id: Arc::clone(message_id) })
    }

    /// Whether a delivery may go: it has just been decided on, or somebody says so.
    fn may_go(&mut self, key: &DeliveryKey, delivery: &Delivery, recheck: &dyn Recheck, now_at: i64) -> bool {
        let is_fresh = delivery.attempts == 0 && now_at.saturating_sub(delivery.queued_at) < self.recheck_after_ms;
        if is_fresh || self.is_permitted(key, now_at) {
            return true;
        }
        match recheck.recheck(delivery, now_at) {
            Opinion::Given(permission) => self.heed(key, delivery, permission.into(), now_at),
            Opinion::Asked => {
                self.ask(key, delivery, now_at);
                false
            }
        }
    }
}
