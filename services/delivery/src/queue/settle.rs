//! What became of an attempt: the next state of its delivery and of its destination.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Disabled, Queue, Said};
use crate::delivery::{Delivery, DeliveryKey};
use crate::log::{AttemptResult, DeliveryStep, DestinationStep};
use crate::outcome::{Failure, Outcome};

/// An attempt that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Which delivery.
    pub key: DeliveryKey,
    /// The number of the attempt.
    pub attempt: u32,
    /// The ticket of its lease.
    pub ticket: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl Finished {
    fn result(&self) -> AttemptResult {
        let failure = match &self.outcome {
            Outcome::Failed(failure) => Some(failure.class),
            Outcome::Delivered(_) | Outcome::Gone => None,
        };
        AttemptResult { status: self.outcome.status(), failure, duration_ms: self.duration_ms }
    }
}

impl Queue {
    /// Records at `now_at` what became of an attempt. The second time the same attempt is recorded nothing changes, and
    /// neither does anything when its delivery has left the queue meanwhile.
    pub fn settle(&mut self, finished: &Finished, now_at: i64) {
        self.refresh();
        let Finished { key, outcome, .. } = finished;
        if let Some(flight) = self.flights.get_mut(&key.destination)
            && flight.tickets.get(&key.message_id) == Some(&finished.ticket)
        {
            flight.tickets.remove(&key.message_id);
        }
        let Some(was) = self.deliveries.get(key).cloned() else { return };
        if was.attempts.saturating_add(1) != finished.attempt {
            // Another attempt of it has been recorded; it only comes back to its place.
            return self.place(key, &was);
        }
        self.learn(&key.destination, outcome, now_at);
        let delivery = Delivery { attempts: finished.attempt, ..was.clone() };
        self.replace(key, &was, delivery.clone());
        let result = finished.result();
        match outcome {
            Outcome::Delivered(_) => self.conclude(key, Said::after(DeliveryStep::Delivered, result), now_at),
            Outcome::Gone => self.tell(key, &delivery, Said::after(DeliveryStep::Refused, result), now_at),
            Outcome::Failed(failure) => self.put_off(key, delivery, failure, result, now_at),
        }
    }

    /// Finds the next attempt of a delivery that failed, or its end.
    fn put_off(&mut self, key: &DeliveryKey, was: Delivery, failure: &Failure, result: AttemptResult, now_at: i64) {
        let detail = failure.detail.clone();
        let failures = was.failures.saturating_add(1);
        let Some(delay_ms) = self.retry.delay_ms(&key.destination, &key.message_id, failures) else {
            let given_up = Delivery { failures, is_given_up: true, ..was.clone() };
            let said = Said { detail, ..Said::after(DeliveryStep::GivenUp, result) };
            self.tell(key, &given_up, said, now_at);
            return self.replace(key, &was, given_up);
        };
        let asked_for_at = failure.retry_after_at.map_or(i64::MIN, |at| self.at_most(at, now_at));
        let due_at = now_at.saturating_add(delay_ms).max(asked_for_at);
        if due_at > was.valid_until_at {
            let detail = format!("its next attempt would come after it is valid; {detail}");
            let detail = detail.trim_end_matches("; ").to_owned();
            return self.conclude(key, Said { detail, ..Said::after(DeliveryStep::Expired, result) }, now_at);
        }
        let next = Delivery { failures, due_at, ..was.clone() };
        let said = Said { next_attempt_at: Some(due_at), detail, ..Said::after(DeliveryStep::Retrying, result) };
        self.tell(key, &next, said, now_at);
        self.replace(key, &was, next);
    }

    /// What an endpoint asks for, within what is honoured.
    fn at_most(&self, at: i64, now_at: i64) -> i64 {
        at.min(now_at.saturating_add(self.retry.max_retry_after.as_millis_i64()))
    }

    /// Notes what an attempt says about its destination.
    fn learn(&mut self, name: &Arc<str>, outcome: &Outcome, now_at: i64) {
        let mut state = self.states.get(name).cloned().unwrap_or_default();
        let before = state.clone();
        match outcome {
            Outcome::Delivered(_) => {
                if state.breaker.succeeded() {
                    self.tell_of(name, DestinationStep::BreakerClosed, None, String::new(), now_at);
                }
            }
            Outcome::Gone => {
                let Some(destination) = self.destinations.get(&**name) else { return };
                if state.disabled_for(destination).is_none() {
                    let reason = "it answered 410 Gone".to_owned();
                    let fingerprint = Some(destination.fingerprint());
                    state.disabled = Some(Disabled { at: now_at, reason: reason.clone(), fingerprint });
                    self.tell_of(name, DestinationStep::Disabled, None, reason, now_at);
                }
            }
            Outcome::Failed(failure) => {
                if failure.blames_endpoint() && state.breaker.failed(&self.breaker, now_at) {
                    let until_at = state.breaker.open_until_at();
                    self.tell_of(name, DestinationStep::BreakerOpened, until_at, failure.detail.clone(), now_at);
                }
                let hold_until_at = failure.retry_after_at.map(|at| self.at_most(at, now_at)).filter(|at| *at > now_at);
                if hold_until_at > state.hold_until_at {
                    if state.hold_until_at.is_none_or(|at| at <= now_at) {
                        self.tell_of(name, DestinationStep::Held, hold_until_at, String::new(), now_at);
                    }
                    state.hold_until_at = hold_until_at;
                }
            }
        }
        if state != before {
            self.states.insert(Arc::clone(name), state);
        }
    }
}
