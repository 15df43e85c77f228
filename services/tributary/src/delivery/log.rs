//! The delivery log: how often each destination took something, and what failed last.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_delivery::DeliveryStep;
use tributary_model::delivery::DeliveryLogEntry;
use tributary_model::topics;
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};

use super::Queued;
use crate::error::CliError;

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When.
    pub at: i64,
    /// The delivery.
    pub decision_id: String,
    /// Its attempts so far.
    pub attempt: i32,
    /// HTTP status code, when there was an answer.
    pub status: Option<i32>,
    /// Class of the failure; none when the destination answered 410.
    pub failure: Option<String>,
    /// What exactly.
    pub detail: String,
}

/// What the log says of one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// Deliveries by how they ended.
    pub ended: BTreeMap<String, u64>,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// The last of them.
    pub last_failure: Option<Failure>,
}

/// The log of all destinations, as far back as its topic goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    destinations: BTreeMap<String, History>,
    /// The last failure of each delivery that has not ended.
    open: BTreeMap<(String, String), Failure>,
    /// What waited when the queue was read, and whether it has ended since.
    has_ended: BTreeMap<(String, String), bool>,
}

impl Log {
    /// Reads it after the queue, so that it knows of everything that has left the queue, and follows what waited there.
    ///
    /// # Errors
    /// [`CliError`] when no broker answers.
    pub fn read(settings: &KafkaSettings, contracts: &Contracts, waiting: &[Queued]) -> Result<Self, CliError> {
        let mut log = Self::following(waiting);
        read_to_end(settings, topics::DELIVERY_LOG, |record| {
            let entry = record.value.as_deref().and_then(|value| contracts.decode::<DeliveryLogEntry>(value).ok());
            if let Some(entry) = entry {
                log.apply(entry);
            }
        })?;
        Ok(log)
    }

    fn following(waiting: &[Queued]) -> Self {
        let key = |one: &Queued| (one.destination.clone(), one.decision_id.clone());
        Self { has_ended: waiting.iter().map(|one| (key(one), false)).collect(), ..Self::default() }
    }

    /// Whether a delivery that waited when the queue was read has ended since.
    #[must_use]
    pub fn has_ended(&self, one: &Queued) -> bool {
        self.has_ended.get(&(one.destination.clone(), one.decision_id.clone())).is_some_and(|ended| *ended)
    }

    /// What it says of a destination.
    #[must_use]
    pub fn of(&self, destination: &str) -> History {
        self.destinations.get(destination).cloned().unwrap_or_default()
    }

    /// The last failure of a delivery that has not ended.
    #[must_use]
    pub fn last_failure(&self, destination: &str, decision_id: &str) -> Option<&Failure> {
        self.open.get(&(destination.to_owned(), decision_id.to_owned()))
    }

    fn apply(&mut self, entry: DeliveryLogEntry) {
        let Some(decision_id) = entry.decision_id else { return };
        let history = self.destinations.entry(entry.destination.clone()).or_default();
        let has_ended = DeliveryStep::ALL.iter().any(|step| step.is_last() && step.name() == entry.step);
        let is_failure = entry.failure.is_some() || entry.step == DeliveryStep::Refused.name();
        let key = (entry.destination, decision_id.clone());
        if is_failure {
            history.failed_attempts += 1;
            let failure = Failure {
                at: entry.at,
                decision_id,
                attempt: entry.attempt,
                status: entry.status,
                failure: entry.failure,
                detail: entry.detail,
            };
            self.open.insert(key.clone(), failure.clone());
            history.last_failure = Some(failure);
        }
        if has_ended {
            *history.ended.entry(entry.step).or_insert(0) += 1;
            self.open.remove(&key);
            self.has_ended.entry(key).and_modify(|ended| *ended = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, id: &str, step: &str, failure: Option<&str>) -> DeliveryLogEntry {
        DeliveryLogEntry {
            at,
            destination: "crm".to_owned(),
            step: step.to_owned(),
            decision_id: Some(id.to_owned()),
            trigger_id: None,
            team_id: None,
            attempt: 1,
            status: None,
            failure: failure.map(str::to_owned),
            duration_ms: None,
            next_at: None,
            detail: String::new(),
            request_id: None,
        }
    }

    #[test]
    fn it_counts_ends_and_keeps_the_last_failure_of_what_is_open() {
        let mut log = Log::default();
        log.apply(entry(1, "d-1", "retrying", Some("timeout")));
        log.apply(entry(2, "d-2", "refused", None));
        log.apply(entry(3, "d-1", "delivered", None));
        log.apply(entry(4, "d-3", "expired", Some("connect")));
        log.apply(DeliveryLogEntry { decision_id: None, ..entry(5, "", "disabled", None) });
        let of = log.of("crm");
        assert_eq!(of.ended, BTreeMap::from([("delivered".to_owned(), 1), ("expired".to_owned(), 1)]));
        assert_eq!((of.failed_attempts, of.last_failure.map(|failure| failure.at)), (3, Some(4)));
        assert_eq!(log.last_failure("crm", "d-1"), None);
        assert_eq!(log.last_failure("crm", "d-2").map(|failure| failure.at), Some(2));
        assert_eq!(log.of("shop"), History::default());
    }

    #[test]
    fn what_has_ended_since_the_queue_was_read_waits_no_more() {
        let waiting = |id: &str| Queued {
            destination: "crm".to_owned(),
            decision_id: id.to_owned(),
            trigger_id: "t".to_owned(),
            due_at: Some(1),
            attempts: 1,
            queued_at: 0,
            valid_until_at: 9,
        };
        let waited = [waiting("d-1"), waiting("d-2")];
        let mut log = Log::following(&waited);
        log.apply(entry(1, "d-1", "retrying", Some("timeout")));
        log.apply(entry(2, "d-2", "withheld", None));
        log.apply(entry(3, "d-3", "delivered", None));
        assert_eq!(waited.map(|one| log.has_ended(&one)), [false, true]);
        assert!(!log.has_ended(&waiting("d-3")));
    }
}
