//! Deliveries that somebody else is asked about: they keep a place of their destination until the answer comes.
//!
//! Questions and answers are in memory only. What is lost with a process, or on the way, is asked again.

use std::sync::Arc;

use tributary_model::time::{MINUTE_MS, SECOND_MS};
use tributary_model::{Permission, Recheck};

use super::{Queue, Said};
use crate::delivery::{Delivery, DeliveryKey};
use crate::log::DeliveryStep;

/// A question that is not answered within this time is asked again, and an answer is good for so long after the question.
pub(super) const GOOD_FOR_MS: i64 = MINUTE_MS;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may go.
    Send,
    /// It may not any more, for this reason.
    Withhold(String),
    /// It is asked about again then.
    Postpone(i64),
}

impl From<Permission> for Verdict {
    fn from(permission: Permission) -> Self {
        match permission {
            Permission::Send => Self::Send,
            Permission::Withhold { reason, detail } => Self::Withhold(reason.with(&detail)),
            Permission::Postpone { until_at } => Self::Postpone(until_at),
        }
    }
}

impl Queue {
    /// The questions since this was last called.
    pub fn drain_questions(&mut self) -> Vec<Recheck> {
        std::mem::take(&mut self.questions)
    }

    /// Sets a delivery aside until the answer comes.
    pub(super) fn ask(&mut self, key: &DeliveryKey, delivery: &Delivery, now_at: i64) {
        self.index.lane_mut(&key.destination).remove(&key.message_id, delivery);
        let flight = self.flights.entry(Arc::clone(&key.destination)).or_default();
        flight.asked.insert(Arc::clone(&key.message_id), now_at);
        self.questions.push(Recheck {
            person_id: delivery.person_id,
            destination: key.destination.to_string(),
            decision_id: key.message_id.to_string(),
            trigger_id: delivery.trigger_id.clone(),
            channel: delivery.channel.clone(),
            decided_at: delivery.decided_at,
            valid_until_at: delivery.valid_until_at,
            asked_at: now_at,
        });
    }

    /// Heeds an answer that comes at `now_at`, unless it is to an old question.
    pub fn answer(&mut self, key: &DeliveryKey, verdict: Verdict, asked_at: i64, now_at: i64) {
        self.refresh();
        let Some(flight) = self.flights.get_mut(&key.destination) else { return };
        if flight.asked.get(&key.message_id) != Some(&asked_at) {
            return;
        }
        flight.asked.remove(&key.message_id);
        if verdict == Verdict::Send {
            flight.permitted.insert(Arc::clone(&key.message_id), asked_at.saturating_add(GOOD_FOR_MS));
        }
        let Some(delivery) = self.deliveries.get(key).cloned() else { return };
        self.place(key, &delivery);
        self.heed(key, &delivery, verdict, now_at);
    }

    /// Whether it may be sent at once: somebody has just said so.
    pub(super) fn is_permitted(&mut self, key: &DeliveryKey, now_at: i64) -> bool {
        let flight = self.flights.get_mut(&key.destination);
        flight.and_then(|flight| flight.permitted.remove(&key.message_id)).is_some_and(|until_at| now_at < until_at)
    }

    /// Takes deliveries back about which nobody has answered in time.
    pub(super) fn ask_anew(&mut self, now_at: i64) {
        let mut unanswered = Vec::new();
        for (name, flight) in &mut self.flights {
            flight.permitted.retain(|_, until_at| now_at < *until_at);
            flight.asked.retain(|message_id, asked_at| {
                let waits = now_at < asked_at.saturating_add(GOOD_FOR_MS);
                if !waits {
                    unanswered.push(DeliveryKey::new(Arc::clone(name), Arc::clone(message_id)));
                }
                waits
            });
        }
        for key in unanswered {
            if let Some(delivery) = self.deliveries.get(&key).cloned() {
                self.place(&key, &delivery);
            }
        }
    }

    /// When the first question is asked again.
    pub(super) fn next_question_at(&self) -> Option<i64> {
        let asked = self.flights.values().flat_map(|flight| flight.asked.values());
        asked.map(|asked_at| asked_at.saturating_add(GOOD_FOR_MS)).min()
    }

    /// Does what an answer says; true when the delivery may be sent.
    pub(super) fn heed(&mut self, key: &DeliveryKey, delivery: &Delivery, verdict: Verdict, now_at: i64) -> bool {
        match verdict {
            Verdict::Send => return true,
            Verdict::Withhold(why) => self.conclude(key, Said::why(DeliveryStep::Withheld, why), now_at),
            Verdict::Postpone(until_at) => {
                // An instant that has passed must not be asked about again and again within one turn.
                let due_at = until_at.max(now_at.saturating_add(SECOND_MS));
                if due_at > delivery.valid_until_at {
                    let said = Said::why(DeliveryStep::Expired, "it would have been postponed beyond its validity");
                    self.conclude(key, said, now_at);
                } else {
                    self.replace(key, delivery, Delivery { due_at, ..delivery.clone() });
                    let said = Said { next_attempt_at: Some(due_at), ..Said::of(DeliveryStep::Postponed) };
                    self.tell(key, delivery, said, now_at);
                }
            }
        }
        false
    }
}
