//! What waits for each destination, from the changelogs of the stage.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_delivery::{
    BreakerState, Config, DELIVERIES_STORE, DELIVERY_STAGE, DESTINATIONS_STORE, DestinationOverview, Queue,
};
use tributary_model::topics::changelog;
use tributary_stream::{KafkaSettings, list_topics, read_to_end};

use crate::error::CliError;

/// How a destination stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub destination: String,
    /// Whether it is configured; what waits for one that is not stays until it expires.
    pub is_configured: bool,
    /// Deliveries that wait to be sent, or are on their way.
    pub queued: usize,
    /// Of these, due now.
    pub due: usize,
    /// Deliveries whose schedule is used up.
    pub given_up: usize,
    /// Since when the oldest waits.
    pub oldest_at: Option<i64>,
    /// When the next one is due.
    pub next_at: Option<i64>,
    /// Why nothing is sent, and until when.
    pub blocked: Option<String>,
    /// Why it is disabled.
    pub disabled: Option<String>,
}

/// One delivery that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queued {
    /// The destination.
    pub destination: String,
    /// The decision, which is the `webhook-id`.
    pub decision_id: String,
    /// The trigger.
    pub trigger_id: String,
    /// When it is due; none when it is given up.
    pub due_at: Option<i64>,
    /// Attempts that have ended.
    pub attempts: u32,
    /// When it was taken on.
    pub queued_at: i64,
    /// Not after then is it sent.
    pub valid_until_at: i64,
}

/// Reads how all destinations stand at `now_at`, nothing counted yet, and every delivery that waits, in order of destination
/// and due instant.
///
/// # Errors
/// [`CliError`] when no broker answers, or the state is of another version.
pub fn read_queue(
    settings: &KafkaSettings,
    config: &Config,
    now_at: i64,
) -> Result<(Vec<Standing>, Vec<Queued>), CliError> {
    let wrong = |detail: String| CliError::Definition { what: "delivery", detail };
    let mut queue = Queue::new(config).map_err(|error| wrong(error.to_string()))?;
    let existing: BTreeSet<String> = list_topics(settings)?.into_iter().map(|(name, _)| name).collect();
    // Destinations first: what blocks one stood among what waits before, and so is among what is read after.
    for (index, store) in [(1, DESTINATIONS_STORE), (0, DELIVERIES_STORE)] {
        let topic = changelog(DELIVERY_STAGE, store);
        if !existing.contains(&topic) {
            continue;
        }
        let mut broken = None;
        read_to_end(settings, &topic, |record| {
            let mut stores = queue.stores();
            let restored = stores.get_mut(index).map(|store| store.restore(&record.key, record.value.as_deref()));
            if let Some(Err(error)) = restored {
                broken.get_or_insert_with(|| format!("{}: {error}", record.position()));
            }
        })?;
        if let Some(detail) = broken {
            return Err(wrong(format!("{detail}; read it with the version of the hub that wrote it")));
        }
    }
    Ok((queue.overview(now_at).iter().map(standing).collect(), in_order(&queue)))
}

fn in_order(queue: &Queue) -> Vec<Queued> {
    let mut waiting: Vec<Queued> = queue.list(None).into_iter().map(queued).collect();
    waiting.sort_by(|a, b| (&a.destination, due(a)).cmp(&(&b.destination, due(b))));
    waiting
}

/// Counts what waits into how its destination stands; what waits for one that is not configured has a standing of its own.
#[must_use]
pub fn count(standings: Vec<Standing>, waiting: &[Queued], now_at: i64) -> Vec<Standing> {
    let mut standings: BTreeMap<String, Standing> =
        standings.into_iter().map(|standing| (standing.destination.clone(), standing)).collect();
    for one in waiting {
        let unknown = || Standing { is_configured: false, ..empty(&one.destination) };
        let standing = standings.entry(one.destination.clone()).or_insert_with(unknown);
        standing.oldest_at = Some(standing.oldest_at.map_or(one.queued_at, |at| at.min(one.queued_at)));
        match one.due_at {
            None => standing.given_up += 1,
            Some(due_at) => {
                standing.queued += 1;
                standing.due += usize::from(due_at <= now_at);
                standing.next_at = Some(standing.next_at.map_or(due_at, |at| at.min(due_at)));
            }
        }
    }
    standings.into_values().collect()
}

/// Given up ones come last.
fn due(one: &Queued) -> (bool, Option<i64>, &str) {
    (one.due_at.is_none(), one.due_at, &one.decision_id)
}

fn queued(waiting: tributary_delivery::Waiting) -> Queued {
    let due_at = match waiting.standing {
        tributary_delivery::Standing::Due(at) => Some(at),
        tributary_delivery::Standing::GivenUp | tributary_delivery::Standing::InFlight => None,
    };
    Queued {
        destination: waiting.key.destination.to_string(),
        decision_id: waiting.key.message_id.to_string(),
        trigger_id: waiting.trigger_id,
        due_at,
        attempts: waiting.attempts,
        queued_at: waiting.queued_at,
        valid_until_at: waiting.valid_until_at,
    }
}

fn empty(destination: &str) -> Standing {
    Standing {
        destination: destination.to_owned(),
        is_configured: true,
        queued: 0,
        due: 0,
        given_up: 0,
        oldest_at: None,
        next_at: None,
        blocked: None,
        disabled: None,
    }
}

fn standing(one: &DestinationOverview) -> Standing {
    let until = tributary_model::time::to_rfc3339;
    let breaker = match one.breaker {
        BreakerState::Closed => None,
        BreakerState::Open { until_at } => {
            Some(format!("left alone until {}: it failed again and again", until(until_at)))
        }
        BreakerState::HalfOpen => Some("tried with one delivery: it failed again and again".to_owned()),
    };
    let held = one.hold_until_at.map(|at| format!("asked for a pause until {}", until(at)));
    let disabled = one.disabled.as_ref().map(|disabled| disabled.reason.clone());
    let since = one.disabled.as_ref().map(|disabled| format!("disabled since {}", until(disabled.at)));
    Standing { blocked: since.or(held).or(breaker), disabled, ..empty(&one.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(id: &str, due_at: Option<i64>, queued_at: i64) -> Queued {
        Queued {
            destination: "crm".to_owned(),
            decision_id: id.to_owned(),
            trigger_id: "t".to_owned(),
            due_at,
            attempts: 1,
            queued_at,
            valid_until_at: 100,
        }
    }

    #[test]
    fn nothing_waits_where_nothing_is_configured() {
        let queue = Queue::new(&Config::default()).unwrap();
        assert_eq!((in_order(&queue), count(Vec::new(), &[], 0)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_waits_is_counted_also_where_nothing_is_configured() {
        let waiting = [waiting("d-1", Some(5), 2), waiting("d-2", Some(20), 1), waiting("d-3", None, 3)];
        let counted = count(vec![empty("shop")], &waiting, 10);
        let crm = Standing {
            is_configured: false,
            queued: 2,
            due: 1,
            given_up: 1,
            oldest_at: Some(1),
            next_at: Some(5),
            ..empty("crm")
        };
        assert_eq!(counted, vec![crm, empty("shop")]);
    }
}
