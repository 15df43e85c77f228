mod asking;
mod by_hand;
mod properties;
mod survival;
mod troubles;

use std::cell::RefCell;

use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use tributary_model::{Permission, TriggerIntent};

use super::{Finished, Lease, Queue};
use crate::delivery::{Delivery, DeliveryKey};
use crate::log::{DeliveryStep, LogEntry};
use crate::outcome::{Answer, FailureClass, Outcome, SendError};
use crate::recheck::{Opinion, Recheck, SendWhatIsValid};
use crate::tests::{config, intent, noon};

/// A status code as an outcome.
fn status(status: u16) -> Outcome {
    Outcome::of(Ok(Answer { status, ..Answer::default() }), noon())
}

/// No answer.
fn timeout() -> Outcome {
    Outcome::of(Err(SendError::new(FailureClass::Timeout, "no answer within 20s")), noon())
}

/// What became of a lease.
fn finished(lease: &Lease, outcome: Outcome) -> Finished {
    Finished { key: lease.key.clone(), attempt: lease.attempt, ticket: lease.ticket, outcome, duration_ms: 12 }
}

/// An intent of the team `sales`.
fn sales(decision_id: &str) -> TriggerIntent {
    intent(decision_id, "sales")
}

/// A queue with the one destination `crm` of the team `sales`.
fn crm() -> Queue {
    Queue::new(&config(&[("crm", "sales")])).unwrap()
}

fn lease(queue: &mut Queue, now_at: i64) -> Vec<Lease> {
    queue.lease(&SendWhatIsValid, now_at)
}

fn ids(leases: &[Lease]) -> Vec<&str> {
    leases.iter().map(|lease| &*lease.key.message_id).collect()
}

/// The steps of deliveries since the last look, as `<id> <step>`.
fn steps(queue: &mut Queue) -> Vec<String> {
    let step = |entry| match entry {
        LogEntry::Delivery(event) => Some(format!("{} {}", event.decision_id, event.step.name())),
        LogEntry::Destination(_) => None,
    };
    queue.drain_log().into_iter().filter_map(step).collect()
}

/// The steps of destinations since the last look.
fn destination_steps(queue: &mut Queue) -> Vec<String> {
    let step = |entry| match entry {
        LogEntry::Destination(event) => Some(format!("{} {:?}", event.destination, event.step)),
        LogEntry::Delivery(_) => None,
    };
    queue.drain_log().into_iter().filter_map(step).collect()
}

#[test]
fn an_intent_goes_once_to_each_destination_of_its_team() {
    let mut queue = Queue::new(&config(&[("crm", "sales"), ("bi", "sales"), ("shop", "web")])).unwrap();
    for _ in 0..2 {
        queue.enqueue(&sales("d-1"), noon()).unwrap();
    }
    queue.enqueue(&intent("d-2", "nobody"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    let keys: Vec<_> = leases.iter().map(|lease| lease.key.clone()).collect();
    assert_eq!(keys, [DeliveryKey::new("bi", "d-1"), DeliveryKey::new("crm", "d-1")]);
    assert_eq!(leases[0].body, leases[1].body);
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    assert_eq!(lease(&mut queue, noon()).len(), 0, "it is on its way");
    queue.settle(&finished(&leases[0], status(204)), noon());
    assert_eq!(steps(&mut queue), ["d-1 delivered"]);
    assert_eq!(queue.list(None).len(), 1, "the other destination has its own");
}

#[test]
fn what_is_due_first_goes_first_and_no_more_than_there_are_places() {
    let mut queue = crm();
    for (id, after_ms) in [("c", 3), ("a", 1), ("d", 4), ("b", 2)] {
        queue.enqueue(&sales(id), noon() + after_ms).unwrap();
    }
    assert_eq!(ids(&lease(&mut queue, noon() + 2)), ["a", "b"], "the others are not due yet");
    for number in 0..10 {
        queue.enqueue(&sales(&format!("e-{number}")), noon() + 5).unwrap();
    }
    let leases = lease(&mut queue, noon() + 5);
    assert_eq!(ids(&leases), ["c", "d", "e-0", "e-1", "e-2", "e-3"], "eight places, two are taken");
    assert_eq!(lease(&mut queue, noon() + 5).len(), 0);
    queue.settle(&finished(&leases[1], status(200)), noon() + 6);
    assert_eq!(ids(&lease(&mut queue, noon() + 6)), ["e-4"]);
}

#[test]
fn a_pace_is_kept() {
    let mut config = config(&[("crm", "sales")]);
    for destination in config.destinations.values_mut() {
        (destination.rate_per_second, destination.max_in_flight) = (Some(2), 100);
    }
    let mut queue = Queue::new(&config).unwrap();
    for number in 0..5 {
        queue.enqueue(&sales(&format!("d-{number}")), noon()).unwrap();
    }
    assert_eq!(lease(&mut queue, noon()).len(), 2);
    assert_eq!(queue.next_wake_at(), Some(noon() + 500));
    assert_eq!(lease(&mut queue, noon() + 499).len(), 0);
    assert_eq!(lease(&mut queue, noon() + 500).len(), 1);
}

#[test]
fn the_schedule_is_gone_through_and_then_it_is_given_up() {
    let mut queue = crm();
    let long_valid = TriggerIntent { valid_until_at: noon() + 30 * DAY_MS, ..sales("d-1") };
    queue.enqueue(&long_valid, noon()).unwrap();
    let mut now_at = noon();
    let mut waits = Vec::new();
    let mut bodies = Vec::new();
    for attempt in 1..=8 {
        let leases = lease(&mut queue, now_at);
        assert_eq!(leases.len(), 1, "attempt {attempt}");
        assert_eq!((&*leases[0].key.message_id, leases[0].attempt), ("d-1", attempt));
        bodies.push(leases[0].body.clone());
        assert_eq!(queue.next_wake_at(), None, "nothing before it comes back, not even its expiry");
        queue.settle(&finished(&leases[0], status(422)), now_at);
        if attempt < 8 {
            let next_at = queue.next_wake_at().unwrap();
            assert_eq!(lease(&mut queue, next_at - 1).len(), 0, "not before");
            waits.push((next_at - now_at) / SECOND_MS);
            now_at = next_at;
        }
    }
    assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same body each time");
    assert_eq!(steps(&mut queue).last().unwrap(), "d-1 given_up");
    assert_eq!(lease(&mut queue, now_at + DAY_MS).len(), 0);
    assert_eq!(queue.next_wake_at(), Some(noon() + 30 * DAY_MS + 1));
    queue.expire(noon() + 30 * DAY_MS + 1);
    assert_eq!(steps(&mut queue), ["d-1 expired"]);
    assert_eq!(queue.list(None), []);
}

#[test]
fn each_step_says_what_there_is_to_say() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    queue.settle(&finished(&leases[0], timeout()), noon() + 20 * SECOND_MS);
    let log = queue.drain_log();
    let [LogEntry::Delivery(event)] = &log[..] else { panic!("{log:?}") };
    assert_eq!(event.step, DeliveryStep::Retrying);
    assert_eq!((&*event.destination, &*event.team_id, event.attempt), ("crm", "sales", 1));
    assert_eq!(event.next_attempt_at, Some(noon() + 25 * SECOND_MS));
    let result = event.result.unwrap();
    assert_eq!((result.status, result.failure, result.duration_ms), (None, Some(FailureClass::Timeout), 12));
    assert_eq!(event.detail, "no answer within 20s");
}

#[test]
fn what_is_not_valid_any_more_is_not_sent() {
    let mut queue = crm();
    let valid_for = |id: &str, ms: i64| TriggerIntent { valid_until_at: noon() + ms, ..sales(id) };
    queue.enqueue(&valid_for("late", -1), noon()).unwrap();
    assert_eq!(steps(&mut queue), ["late expired"]);
    queue.enqueue(&valid_for("short", 10), noon()).unwrap();
    queue.enqueue(&valid_for("retry", MINUTE_MS), noon()).unwrap();
    queue.enqueue(&valid_for("exact", 0), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    assert_eq!(ids(&leases), ["exact", "retry", "short"], "up to its last instant");
    queue.settle(&finished(&leases[2], timeout()), noon() + 1);
    assert_eq!(steps(&mut queue), ["short expired"], "its next attempt would be too late");
    queue.settle(&finished(&leases[1], timeout()), noon() + 1);
    let leases = lease(&mut queue, noon() + 6 * SECOND_MS);
    queue.settle(&finished(&leases[0], timeout()), noon() + 26 * SECOND_MS);
    assert_eq!(steps(&mut queue), ["retry retrying", "retry expired"]);
}

#[test]
fn a_full_queue_says_so() {
    let mut config = config(&[("crm", "sales")]);
    for destination in config.destinations.values_mut() {
        (destination.max_queued, destination.max_in_flight) = (2, 1);
    }
    let mut queue = Queue::new(&config).unwrap();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    queue.enqueue(&sales("d-2"), noon()).unwrap();
    queue.enqueue(&sales("d-3"), noon()).unwrap();
    assert_eq!(steps(&mut queue), ["d-3 queue_full"], "what is on its way counts");
    queue.settle(&finished(&leases[0], status(200)), noon());
    queue.enqueue(&sales("d-4"), noon()).unwrap();
    assert_eq!(steps(&mut queue), ["d-1 delivered"]);
}

/// Answers the same each time, and remembers what it was asked about.
struct Answers {
    answer: Permission,
    asked: RefCell<Vec<(u32, i64)>>,
}

impl Answers {
    fn always(answer: Permission) -> Self {
        Self { answer, asked: RefCell::default() }
    }
}

impl Recheck for Answers {
    fn recheck(&self, delivery: &Delivery, now_at: i64) -> Opinion {
        self.asked.borrow_mut().push((delivery.attempts, now_at - noon()));
        Opinion::Given(self.answer.clone())
    }
}

#[test]
fn what_waited_is_asked_about_again_and_what_comes_at_once_is_not() {
    let mut queue = crm();
    let hub = Answers::always(Permission::Send);
    queue.enqueue(&sales("fresh"), noon()).unwrap();
    let leases = queue.lease(&hub, noon() + 4999);
    assert_eq!((leases.len(), hub.asked.borrow().len()), (1, 0));
    queue.enqueue(&sales("waited"), noon()).unwrap();
    assert_eq!(queue.lease(&hub, noon() + 5000).len(), 1);
    queue.settle(&finished(&leases[0], timeout()), noon() + 5000);
    assert_eq!(queue.lease(&hub, noon() + 10_000).len(), 1);
    assert_eq!(*hub.asked.borrow(), [(0, 5000), (1, 10_000)]);
}

#[test]
fn what_may_not_be_sent_any_more_leaves_the_queue_with_its_reason() {
    let mut queue = crm();
    let reason = tributary_model::WithheldReason::NoConsent;
    let hub = Answers::always(Permission::Withhold { reason, detail: "withdrawn at noon".to_owned() });
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    assert_eq!(queue.lease(&hub, noon() + MINUTE_MS).len(), 0);
    let log = queue.drain_log();
    let [LogEntry::Delivery(event)] = &log[..] else { panic!("{log:?}") };
    assert_eq!((event.step, event.detail.as_str()), (DeliveryStep::Withheld, "no_consent: withdrawn at noon"));
    assert_eq!(queue.list(None), []);
}

#[test]
fn what_may_not_be_sent_now_is_asked_about_then() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let hub = Answers::always(Permission::Postpone { until_at: noon() + HOUR_MS });
    assert_eq!(queue.lease(&hub, noon() + MINUTE_MS).len(), 0);
    assert_eq!(queue.next_wake_at(), Some(noon() + HOUR_MS));
    assert_eq!(queue.lease(&hub, noon() + HOUR_MS).len(), 0);
    assert_eq!(hub.asked.borrow().len(), 2, "an instant that has passed is not asked about for ever");
    assert_eq!(steps(&mut queue), ["d-1 postponed", "d-1 postponed"]);
    let hub = Answers::always(Permission::Postpone { until_at: noon() + 2 * DAY_MS });
    assert_eq!(queue.lease(&hub, noon() + 2 * HOUR_MS).len(), 0);
    assert_eq!(steps(&mut queue), ["d-1 expired"]);
}
