//! What people do by hand: list, retry, disable, enable.

use std::sync::Arc;

use super::index::Lane;
use super::{Disabled, Queue, Said};
use crate::breaker::BreakerState;
use crate::delivery::{Delivery, DeliveryKey};
use crate::destination::Destination;
use crate::error::DeliveryError;
use crate::log::{DeliveryStep, DestinationStep};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits until then, or longer when its destination lets nothing through.
    Due(i64),
    /// It is on its way.
    InFlight,
    /// Its schedule is used up.
    GivenUp,
}

/// One delivery as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which delivery.
    pub key: DeliveryKey,
    /// The trigger behind it.
    pub trigger_id: String,
    /// Where it stands.
    pub standing: Standing,
    /// Attempts that have ended.
    pub attempts: u32,
    /// When it was taken on.
    pub queued_at: i64,
    /// Not after then is it sent.
    pub valid_until_at: i64,
}

/// One destination as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationOverview {
    /// Its name.
    pub name: Arc<str>,
    /// How many wait to be sent.
    pub waiting: usize,
    /// How many are on their way.
    pub in_flight: usize,
    /// How many are given up and wait to be asked for.
    pub given_up: usize,
    /// When the first one is due.
    pub first_due_at: Option<i64>,
    /// Its breaker.
    pub breaker: BreakerState,
    /// Until when it asked not to be called.
    pub hold_until_at: Option<i64>,
    /// That it is disabled, and why.
    pub disabled: Option<Disabled>,
}

impl Queue {
    /// All deliveries that have not ended, of one destination or of all, in order of destination and `webhook-id`.
    #[must_use]
    pub fn list(&self, destination: Option<&str>) -> Vec<Waiting> {
        let mut all = Vec::new();
        self.deliveries.for_each(|key, delivery| {
            if destination.is_none_or(|name| name == &*key.destination) {
                all.push(self.waiting(key, delivery));
            }
        });
        all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        all
    }

    fn waiting(&self, key: &DeliveryKey, delivery: &Delivery) -> Waiting {
        let standing = match delivery {
            _ if self.is_in_flight(key) => Standing::InFlight,
            Delivery { is_given_up: true, .. } => Standing::GivenUp,
            Delivery { due_at, .. } => Standing::Due(*due_at),
        };
        Waiting {
            key: key.clone(),
            trigger_id: delivery.trigger_id.clone(),
            standing,
            attempts: delivery.attempts,
            queued_at: delivery.queued_at,
            valid_until_at: delivery.valid_until_at,
        }
    }

    /// How the configured destinations stand at `now_at`.
    pub fn overview(&mut self, now_at: i64) -> Vec<DestinationOverview> {
        self.refresh();
        let one = |destination: &Arc<Destination>| {
            let lane = self.index.lane(&destination.name);
            let waiting = lane.map_or(0, Lane::due_len);
            let state = self.states.get(&destination.name).cloned().unwrap_or_default();
            DestinationOverview {
                name: Arc::clone(&destination.name),
                waiting,
                in_flight: self.in_flight_to(&destination.name),
                given_up: lane.map_or(0, Lane::len) - waiting,
                first_due_at: lane.and_then(Lane::first_due).map(|(at, _)| at),
                breaker: state.breaker.state(now_at),
                hold_until_at: state.hold_until_at.filter(|at| *at > now_at),
                disabled: state.disabled_for(destination).cloned(),
            }
        };
        self.destinations.values().map(one).collect()
    }

    /// Sends a delivery as soon as its destination lets it through, and gives it the whole schedule again.
    ///
    /// # Errors
    /// [`DeliveryError::UnknownDelivery`] when it is not in the queue.
    pub fn retry(&mut self, key: &DeliveryKey, now_at: i64) -> Result<(), DeliveryError> {
        self.refresh();
        let Some(was) = self.deliveries.get(key).cloned() else {
            return Err(DeliveryError::UnknownDelivery {
                destination: key.destination.to_string(),
                message_id: key.message_id.to_string(),
            });
        };
        let is = Delivery { due_at: now_at, failures: 0, is_given_up: false, ..was.clone() };
        let said = Said { next_attempt_at: Some(now_at), ..Said::of(DeliveryStep::AskedFor) };
        self.tell(key, &is, said, now_at);
        self.replace(key, &was, is);
        Ok(())
    }

    /// Sends all given up deliveries of a destination again; says how many.
    ///
    /// # Errors
    /// [`DeliveryError::UnknownDestination`] when there is none of this name.
    pub fn retry_given_up(&mut self, destination: &str, now_at: i64) -> Result<usize, DeliveryError> {
        self.known(destination)?;
        let listed = self.list(Some(destination)).into_iter();
        let given_up: Vec<_> = listed.filter(|waiting| waiting.standing == Standing::GivenUp).collect();
        for waiting in &given_up {
            self.retry(&waiting.key, now_at)?;
        }
        Ok(given_up.len())
    }

    /// Sends nothing to a destination until it is enabled. What comes meanwhile waits as long as it is valid.
    ///
    /// # Errors
    /// [`DeliveryError::UnknownDestination`] when there is none of this name.
    pub fn disable(&mut self, destination: &str, reason: &str, now_at: i64) -> Result<(), DeliveryError> {
        let name = Arc::clone(&self.known(destination)?.name);
        let mut state = self.states.get(&name).cloned().unwrap_or_default();
        state.disabled = Some(Disabled { at: now_at, reason: reason.to_owned(), fingerprint: None });
        self.states.insert(Arc::clone(&name), state);
        self.tell_of(&name, DestinationStep::Disabled, None, reason.to_owned(), now_at);
        Ok(())
    }

    /// Sends to a destination again, at once: whatever was held against it is forgotten.
    ///
    /// # Errors
    /// [`DeliveryError::UnknownDestination`] when there is none of this name.
    pub fn enable(&mut self, destination: &str, now_at: i64) -> Result<(), DeliveryError> {
        let name = Arc::clone(&self.known(destination)?.name);
        if self.states.remove(&name).is_some() {
            self.tell_of(&name, DestinationStep::Enabled, None, String::new(), now_at);
        }
        Ok(())
    }

    /// The configured destination of this name.
    pub(super) fn known(&self, name: &str) -> Result<Arc<Destination>, DeliveryError> {
        self.destinations.get(name).cloned().ok_or_else(|| DeliveryError::UnknownDestination {
            name: name.to_owned(),
            known: self.destinations.keys().cloned().collect(),
        })
    }
}
