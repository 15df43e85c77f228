//! What survives a kill, an abort and a change of the configuration.

use super::*;
use crate::config::Config;

/// The queue as a new process finds it: what was committed, and nothing of what was in memory only.
pub(super) fn restarted(queue: &mut Queue, config: &Config) -> Queue {
    let mut fresh = Queue::new(config).unwrap();
    for (old, new) in queue.stores().into_iter().zip(fresh.stores()) {
        old.each_entry(&mut |key, value| new.restore(key, Some(value)).unwrap());
    }
    fresh
}

fn commit(queue: &mut Queue) {
    queue.stores().into_iter().for_each(|store| store.commit());
}

fn abort(queue: &mut Queue) {
    queue.stores().into_iter().for_each(|store| store.abort());
    queue.aborted();
}

#[test]
fn what_was_on_its_way_when_the_process_was_killed_goes_again_under_its_id() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    queue.enqueue(&sales("d-2"), noon()).unwrap();
    let first = lease(&mut queue, noon());
    queue.settle(&finished(&first[0], timeout()), noon());
    let mut again = restarted(&mut queue, &config(&[("crm", "sales")]));
    let leases = lease(&mut again, noon() + 5 * SECOND_MS);
    assert_eq!(ids(&leases), ["d-2", "d-1"]);
    assert_eq!((leases[0].attempt, leases[1].attempt), (1, 2));
    assert_eq!((&leases[0].body, &leases[1].body), (&first[1].body, &first[0].body));
}

#[test]
fn a_breaker_and_a_hold_survive() {
    let mut queue = crm();
    for number in 0..8 {
        queue.enqueue(&sales(&format!("d-{number}")), noon()).unwrap();
    }
    for one in lease(&mut queue, noon()) {
        queue.settle(&finished(&one, timeout()), noon());
    }
    let mut again = restarted(&mut queue, &config(&[("crm", "sales")]));
    assert_eq!(again.overview(noon()), queue.overview(noon()));
    assert_eq!(lease(&mut again, noon() + 29 * SECOND_MS).len(), 0);
    assert_eq!(lease(&mut again, noon() + 30 * SECOND_MS).len(), 1);
}

#[test]
fn an_aborted_transaction_leaves_nothing_and_its_results_are_recorded_again() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    commit(&mut queue);
    queue.drain_log();
    let leases = lease(&mut queue, noon());
    let result = finished(&leases[0], status(200));
    queue.settle(&result, noon());
    queue.enqueue(&sales("d-2"), noon()).unwrap();
    abort(&mut queue);
    assert_eq!(steps(&mut queue), [] as [String; 0]);
    assert_eq!(queue.list(None).len(), 1, "d-1 is back, d-2 was never there");
    queue.settle(&result, noon());
    commit(&mut queue);
    assert_eq!(steps(&mut queue), ["d-1 delivered"]);
    assert_eq!(lease(&mut queue, noon() + HOUR_MS).len(), 0);
}

#[test]
fn what_is_on_its_way_stays_so_through_an_abort() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    commit(&mut queue);
    let leases = lease(&mut queue, noon());
    abort(&mut queue);
    assert_eq!(lease(&mut queue, noon()).len(), 0, "it is not sent twice at once");
    queue.settle(&finished(&leases[0], timeout()), noon());
    assert_eq!(lease(&mut queue, noon() + 5 * SECOND_MS).len(), 1);
}

#[test]
fn an_attempt_that_is_recorded_again_does_not_end_the_next_one() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    commit(&mut queue);
    let first = lease(&mut queue, noon());
    let failed = finished(&first[0], timeout());
    queue.settle(&failed, noon());
    let second = lease(&mut queue, noon() + 5 * SECOND_MS);
    abort(&mut queue);
    queue.settle(&failed, noon() + 5 * SECOND_MS);
    assert_eq!(lease(&mut queue, noon() + HOUR_MS).len(), 0, "the second attempt is still on its way");
    queue.settle(&finished(&second[0], status(200)), noon() + HOUR_MS);
    assert_eq!(steps(&mut queue), ["d-1 retrying", "d-1 delivered"]);
}

#[test]
fn an_attempt_is_recorded_once() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    for _ in 0..3 {
        queue.settle(&finished(&leases[0], timeout()), noon());
    }
    assert_eq!(steps(&mut queue), ["d-1 retrying"]);
    let second = lease(&mut queue, noon() + 5 * SECOND_MS);
    assert_eq!(second[0].attempt, 2);
    queue.settle(&finished(&second[0], status(200)), noon() + 5 * SECOND_MS);
    queue.settle(&finished(&leases[0], status(200)), noon() + 5 * SECOND_MS);
    assert_eq!(steps(&mut queue), ["d-1 delivered"]);
}

#[test]
fn deliveries_to_a_destination_that_is_not_configured_any_more_wait_until_they_expire() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let mut without = restarted(&mut queue, &config(&[("shop", "web")]));
    assert_eq!(lease(&mut without, noon()).len(), 0);
    let mut with = restarted(&mut without, &config(&[("crm", "sales")]));
    assert_eq!(lease(&mut with, noon()).len(), 1);
    assert_eq!(without.next_wake_at(), Some(noon() + DAY_MS + 1));
    without.expire(noon() + DAY_MS + 1);
    assert_eq!(steps(&mut without), ["d-1 expired"]);
    assert_eq!(without.next_wake_at(), None);
}
