//! The deliveries that wait, a queue for each destination: taken on, leased when due, settled by what became of them.
//!
//! What must survive is in two [`KeyedStore`]s, so that it commits with the transaction in which it changed. What is due
//! when, and what is on its way, is derived or in memory only: after a restart everything that was on its way is due
//! again, and goes out under the `webhook-id` that it had.

mod asking;
mod gate;
mod hands;
mod index;
mod lease;
mod settle;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use tributary_model::{PersonId, Recheck, TriggerIntent};
use tributary_stream::{KeyedStore, StateStore};

use crate::breaker::BreakerLimits;
use crate::config::Config;
use crate::delivery::{Delivery, DeliveryKey};
use crate::destination::Destination;
use crate::error::DeliveryError;
use crate::log::{AttemptResult, DeliveryEvent, DeliveryStep, DestinationEvent, DestinationStep, LogEntry};
use crate::schedule::Schedule;
pub use asking::Verdict;
use gate::Flight;
pub use hands::{DestinationOverview, Standing, Waiting};
use index::Index;
pub use lease::Lease;
pub use settle::Finished;
pub use state::{DestinationState, Disabled};

/// Name of the store of deliveries.
pub const DELIVERIES_STORE: &str = "deliveries";
/// Name of the store of what is remembered of destinations.
pub const DESTINATIONS_STORE: &str = "destinations";
/// Version of the shape of a delivery in the store; raise it with every change of it.
const DELIVERIES_VERSION: u8 = 1;
/// Version of the shape of what is remembered of a destination.
const DESTINATIONS_VERSION: u8 = 1;

/// What the log says of one step of a delivery.
struct Said {
    step: DeliveryStep,
    result: Option<AttemptResult>,
    next_attempt_at: Option<i64>,
    detail: String,
}

impl Said {
    fn of(step: DeliveryStep) -> Self {
        Self { step, result: None, next_attempt_at: None, detail: String::new() }
    }

    fn why(step: DeliveryStep, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..Self::of(step) }
    }

    fn after(step: DeliveryStep, result: AttemptResult) -> Self {
        Self { result: Some(result), ..Self::of(step) }
    }
}

/// The deliveries of a task, with a queue for each destination.
#[derive(Debug)]
pub struct Queue {
    retry: Schedule,
    breaker: BreakerLimits,
    recheck_after_ms: i64,
    destinations: BTreeMap<String, Arc<Destination>>,
    deliveries: KeyedStore<DeliveryKey, Delivery>,
    states: KeyedStore<Arc<str>, DestinationState>,
    index: Index,
    /// Whether the index is to be made anew of the stores.
    is_stale: bool,
    flights: BTreeMap<Arc<str>, Flight>,
    last_ticket: u64,
    questions: Vec<Recheck>,
    log: Vec<LogEntry>,
}

impl Queue {
    /// An empty queue.
    ///
    /// # Errors
    /// [`DeliveryError::Invalid`] when the configuration is wrong.
    pub fn new(config: &Config) -> Result<Self, DeliveryError> {
        Ok(Self::of(config, config.destinations()?))
    }

    /// An empty queue for destinations that were read from `config`.
    #[must_use]
    pub fn of(config: &Config, destinations: BTreeMap<String, Arc<Destination>>) -> Self {
        Self {
            retry: config.retry.clone(),
            breaker: config.breaker,
            recheck_after_ms: config.recheck_after.as_millis_i64(),
            destinations,
            deliveries: KeyedStore::new(DELIVERIES_STORE, DELIVERIES_VERSION),
            states: KeyedStore::new(DESTINATIONS_STORE, DESTINATIONS_VERSION),
            index: Index::default(),
            is_stale: true,
            flights: BTreeMap::new(),
            last_ticket: 0,
            questions: Vec::new(),
            log: Vec::new(),
        }
    }

    /// The configured destinations.
    pub fn destinations(&self) -> impl Iterator<Item = &Arc<Destination>> {
        self.destinations.values()
    }

    /// The stores, always in the same order: deliveries, destinations.
    pub fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.deliveries, &mut self.states]
    }

    /// The open transaction was aborted: what was logged in it did not happen, and the stores are as they were. What was
    /// settled in it has to be settled again before anything is leased, as [`Dispatcher`](crate::Dispatcher) does.
    pub fn aborted(&mut self) {
        self.log.clear();
        self.questions.clear();
        self.flights.values_mut().for_each(|flight| flight.asked.clear());
        self.is_stale = true;
    }

    /// What happened since this was last asked, in order.
    pub fn drain_log(&mut self) -> Vec<LogEntry> {
        std::mem::take(&mut self.log)
    }

    /// Takes on an intent that comes at `now_at`, for each destination of its team. One that is there already is not
    /// taken on again.
    ///
    /// # Errors
    /// [`DeliveryError`] when the intent cannot be a webhook; nothing has changed then.
    pub fn enqueue(&mut self, intent: &TriggerIntent, now_at: i64) -> Result<(), DeliveryError> {
        self.refresh();
        let is_for = |destination: &&Arc<Destination>| destination.teams.contains(&intent.team_id);
        let targets: Vec<Arc<Destination>> = self.destinations.values().filter(is_for).cloned().collect();
        if targets.is_empty() {
            return Ok(());
        }
        let delivery = Delivery::of(intent, now_at)?;
        let message_id: Arc<str> = intent.decision_id.as_str().into();
        for destination in targets {
            let key = DeliveryKey { destination: Arc::clone(&destination.name), message_id: Arc::clone(&message_id) };
            self.admit(&destination, key, delivery.clone(), now_at);
        }
        Ok(())
    }

    /// Takes on an intent that comes at `now_at` for one destination, as [`Queue::enqueue`] does for all.
    ///
    /// # Errors
    /// [`DeliveryError`] when there is no such destination or the intent cannot be a webhook; nothing has changed then.
    pub fn enqueue_to(&mut self, name: &str, intent: &TriggerIntent, now_at: i64) -> Result<(), DeliveryError> {
        self.refresh();
        let destination = self.known(name)?;
        let key = DeliveryKey::new(Arc::clone(&destination.name), intent.decision_id.as_str());
        self.admit(&destination, key, Delivery::of(intent, now_at)?, now_at);
        Ok(())
    }

    fn admit(&mut self, destination: &Destination, key: DeliveryKey, delivery: Delivery, now_at: i64) {
        if self.deliveries.get(&key).is_some() {
            return;
        }
        if delivery.valid_until_at < now_at {
            let said = Said::why(DeliveryStep::Expired, "it came after it was valid");
            return self.tell(&key, &delivery, said, now_at);
        }
        let waiting = self.index.lane(&key.destination).map_or(0, index::Lane::len);
        if waiting + self.in_flight_to(&key.destination) >= destination.max_queued {
            let detail = format!("{} wait already; that is max_queued", destination.max_queued);
            return self.tell(&key, &delivery, Said::why(DeliveryStep::QueueFull, detail), now_at);
        }
        self.place(&key, &delivery);
        self.deliveries.insert(key, delivery);
    }

    /// Forgets every delivery about a person who is erased. What is on its way cannot be called back; what becomes of it
    /// is not recorded.
    pub fn erase(&mut self, person_id: PersonId, now_at: i64) {
        self.refresh();
        let mut keys = Vec::new();
        self.deliveries.for_each(|key, delivery| {
            if delivery.person_id == person_id && delivery.account_id.is_none() {
                keys.push(key.clone());
            }
        });
        keys.sort_unstable();
        for key in keys {
            self.conclude(&key, Said::of(DeliveryStep::Erased), now_at);
        }
    }

    /// Drops what is not valid any more.
    pub fn expire(&mut self, now_at: i64) {
        self.refresh();
        let names: Vec<Arc<str>> = self.index.lanes().map(|(name, _)| Arc::clone(name)).collect();
        for name in names {
            while let Some((valid_until_at, message_id)) = self.index.lane(&name).and_then(index::Lane::first_to_expire)
                && valid_until_at < now_at
            {
                let key = DeliveryKey { destination: Arc::clone(&name), message_id: Arc::clone(message_id) };
                self.conclude(&key, Said::of(DeliveryStep::Expired), now_at);
            }
        }
        self.index.tidy();
    }

    /// Makes the index anew of the stores when they have changed beneath it.
    fn refresh(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let mut index = Index::default();
        self.deliveries.for_each(|key, delivery| {
            if !self.is_in_flight(key) {
                index.lane_mut(&key.destination).insert(&key.message_id, delivery);
            }
        });
        self.index = index;
    }

    /// Puts a delivery in its lane, unless it is on its way.
    fn place(&mut self, key: &DeliveryKey, delivery: &Delivery) {
        if !self.is_in_flight(key) {
            self.index.lane_mut(&key.destination).insert(&key.message_id, delivery);
        }
    }

    /// Replaces a delivery as it was by what it is now.
    fn replace(&mut self, key: &DeliveryKey, was: &Delivery, is: Delivery) {
        self.index.lane_mut(&key.destination).remove(&key.message_id, was);
        self.place(key, &is);
        self.deliveries.insert(key.clone(), is);
    }

    /// Takes a delivery out for good and logs how it ended.
    fn conclude(&mut self, key: &DeliveryKey, said: Said, now_at: i64) {
        let Some(delivery) = self.deliveries.remove(key) else { return };
        self.index.lane_mut(&key.destination).remove(&key.message_id, &delivery);
        self.tell(key, &delivery, said, now_at);
    }

    fn tell(&mut self, key: &DeliveryKey, delivery: &Delivery, said: Said, now_at: i64) {
        self.log.push(LogEntry::Delivery(DeliveryEvent {
            at: now_at,
            destination: Arc::clone(&key.destination),
            decision_id: Arc::clone(&key.message_id),
            trigger_id: delivery.trigger_id.clone(),
            team_id: delivery.team_id.clone(),
            step: said.step,
            attempt: delivery.attempts,
            result: said.result,
            next_attempt_at: said.next_attempt_at,
            detail: said.detail,
        }));
    }

    fn tell_of(&mut self, name: &Arc<str>, step: DestinationStep, until_at: Option<i64>, detail: String, now_at: i64) {
        let destination = Arc::clone(name);
        self.log.push(LogEntry::Destination(DestinationEvent { at: now_at, destination, step, until_at, detail }));
    }
}
