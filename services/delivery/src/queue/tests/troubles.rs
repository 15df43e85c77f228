//! What the troubles of a destination lead to, for itself and nobody else.

use super::*;
use crate::breaker::BreakerState;
use crate::outcome::Failure;

fn asks_for(retry_after: &str, now_at: i64) -> Outcome {
    let answer = Answer { status: 503, retry_after: Some(retry_after.to_owned()), location: None };
    Outcome::of(Ok(answer), now_at)
}

/// A queue of two destinations of one team with `count` intents, and the leases of the first.
fn two(count: usize) -> (Queue, Vec<Lease>) {
    let mut queue = Queue::new(&config(&[("bad", "sales"), ("good", "sales")])).unwrap();
    for number in 0..count {
        queue.enqueue(&sales(&format!("d-{number}")), noon()).unwrap();
    }
    let mut of_bad = Vec::new();
    for one in lease(&mut queue, noon()) {
        if &*one.key.destination == "bad" {
            of_bad.push(one);
        } else {
            queue.settle(&finished(&one, status(200)), noon());
        }
    }
    (queue, of_bad)
}

#[test]
fn retry_after_is_honoured_for_the_whole_destination() {
    let (mut queue, leases) = two(2);
    queue.settle(&finished(&leases[0], asks_for("120", noon())), noon());
    queue.settle(&finished(&leases[1], asks_for("60", noon())), noon());
    queue.enqueue(&sales("new"), noon() + 1).unwrap();
    let others = lease(&mut queue, noon() + 1);
    assert_eq!((others.len(), &*others[0].key.destination), (1, "good"), "the other is not held");
    assert_eq!(queue.next_wake_at(), Some(noon() + 120 * SECOND_MS));
    assert_eq!(lease(&mut queue, noon() + 119 * SECOND_MS).len(), 0);
    let of_bad = lease(&mut queue, noon() + 120 * SECOND_MS);
    assert_eq!(ids(&of_bad), ["new", "d-1", "d-0"], "in order of what is due");
}

#[test]
fn a_date_is_honoured_and_a_short_wait_does_not_shorten_the_schedule() {
    let (mut queue, leases) = two(2);
    queue.settle(&finished(&leases[0], asks_for("Sun, 01 Mar 2026 12:10:00 GMT", noon())), noon());
    assert_eq!(queue.overview(noon())[0].hold_until_at, Some(noon() + 10 * MINUTE_MS));
    assert_eq!(queue.overview(noon() + 10 * MINUTE_MS)[0].hold_until_at, None);
    let (mut queue, leases) = two(1);
    queue.settle(&finished(&leases[0], asks_for("1", noon())), noon());
    assert_eq!(queue.next_wake_at(), Some(noon() + 5 * SECOND_MS));
}

#[test]
fn nobody_is_held_for_ever() {
    let (mut queue, leases) = two(1);
    queue.settle(&finished(&leases[0], asks_for("99999999999999999999", noon())), noon());
    assert_eq!(queue.overview(noon())[0].hold_until_at, Some(noon() + DAY_MS), "max_retry_after");
    assert_eq!(destination_steps(&mut queue), ["bad Held"]);
}

#[test]
fn gone_disables_the_destination_until_it_is_enabled() {
    let (mut queue, leases) = two(3);
    queue.settle(&finished(&leases[0], status(410)), noon());
    queue.settle(&finished(&leases[1], status(410)), noon());
    queue.settle(&finished(&leases[2], timeout()), noon());
    let log = queue.drain_log();
    let disabled = log.iter().filter(|entry| matches!(entry, LogEntry::Destination(_)));
    assert_eq!(disabled.count(), 1, "said once");
    assert_eq!(lease(&mut queue, noon() + HOUR_MS).len(), 0);
    assert_eq!(queue.list(Some("bad")).len(), 3, "nothing is lost");
    queue.enqueue(&sales("new"), noon()).unwrap();
    queue.enable("bad", noon() + HOUR_MS).unwrap();
    assert_eq!(lease(&mut queue, noon() + HOUR_MS).len(), 5, "all of it goes, and what the good one got meanwhile");
}

#[test]
fn what_waits_for_a_disabled_destination_expires() {
    let (mut queue, leases) = two(1);
    queue.settle(&finished(&leases[0], status(410)), noon());
    assert_eq!(queue.next_wake_at(), Some(noon() + DAY_MS + 1));
    queue.expire(noon() + DAY_MS + 1);
    assert_eq!(steps(&mut queue), ["d-0 delivered", "d-0 refused", "d-0 expired"]);
}

#[test]
fn another_url_is_another_endpoint() {
    let mut config = config(&[("crm", "sales")]);
    let mut queue = Queue::new(&config).unwrap();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    queue.settle(&finished(&leases[0], status(410)), noon());
    let mut same = super::survival::restarted(&mut queue, &config);
    assert_eq!(lease(&mut same, noon()).len(), 0);
    for destination in config.destinations.values_mut() {
        destination.url = "https://new.example".to_owned();
    }
    let mut moved = super::survival::restarted(&mut queue, &config);
    assert_eq!(lease(&mut moved, noon()).len(), 1);
    assert_eq!(moved.overview(noon())[0].disabled, None);
}

#[test]
fn a_dead_endpoint_is_left_alone_and_asked_with_one_message() {
    let (mut queue, leases) = two(8);
    for one in &leases[..5] {
        queue.settle(&finished(one, timeout()), noon());
    }
    assert_eq!(destination_steps(&mut queue), ["bad BreakerOpened"]);
    for one in &leases[5..] {
        queue.settle(&finished(one, timeout()), noon() + 1);
    }
    assert_eq!(lease(&mut queue, noon() + 29 * SECOND_MS).len(), 0, "all are due again, and none goes");
    assert_eq!(queue.next_wake_at(), Some(noon() + 30 * SECOND_MS));
    let probe = lease(&mut queue, noon() + 30 * SECOND_MS);
    assert_eq!(ids(&probe), ["d-0"], "one, the first");
    assert_eq!(queue.next_wake_at(), Some(noon() + DAY_MS + 1), "until it is back nothing but expiry");
    queue.settle(&finished(&probe[0], timeout()), noon() + 50 * SECOND_MS);
    assert_eq!(
        queue.overview(noon() + 50 * SECOND_MS)[0].breaker,
        BreakerState::Open { until_at: noon() + 110 * SECOND_MS }
    );
    let probe = lease(&mut queue, noon() + 110 * SECOND_MS);
    assert_eq!(ids(&probe), ["d-1"]);
    queue.settle(&finished(&probe[0], status(200)), noon() + 110 * SECOND_MS);
    assert_eq!(destination_steps(&mut queue), ["bad BreakerOpened", "bad BreakerClosed"]);
    assert_eq!(lease(&mut queue, noon() + 110 * SECOND_MS).len(), 6, "d-0 waits for its own retry");
}

#[test]
fn what_waits_for_the_breaker_uses_up_no_attempt() {
    let (mut queue, leases) = two(8);
    for one in &leases {
        queue.settle(&finished(one, timeout()), noon());
    }
    let attempts: Vec<u32> = queue.list(Some("bad")).iter().map(|waiting| waiting.attempts).collect();
    assert_eq!(attempts, [1; 8]);
    let probe = lease(&mut queue, noon() + HOUR_MS);
    queue.settle(&finished(&probe[0], timeout()), noon() + HOUR_MS);
    let attempts: u32 = queue.list(Some("bad")).iter().map(|waiting| waiting.attempts).sum();
    assert_eq!(attempts, 9);
}

#[test]
fn a_bad_message_does_not_blame_its_endpoint() {
    let (mut queue, leases) = two(8);
    for one in &leases {
        queue.settle(&finished(one, status(422)), noon());
    }
    assert_eq!(queue.overview(noon())[0].breaker, BreakerState::Closed);
    let internal = Failure { class: FailureClass::Internal, status: None, detail: String::new(), retry_after_at: None };
    assert!(!internal.blames_endpoint());
}
