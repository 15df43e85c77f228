//! What people do by hand.

use super::*;
use crate::queue::Standing;

/// A queue with one delivery that is given up.
fn given_up() -> (Queue, i64) {
    let mut config = config(&[("crm", "sales")]);
    config.retry.delays.clear();
    let mut queue = Queue::new(&config).unwrap();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    queue.settle(&finished(&leases[0], timeout()), noon());
    assert_eq!(steps(&mut queue), ["d-1 given_up"]);
    (queue, noon() + HOUR_MS)
}

#[test]
fn what_waits_is_listed_with_where_it_stands() {
    let (mut queue, now_at) = given_up();
    queue.enqueue(&sales("d-2"), now_at).unwrap();
    assert_eq!(ids(&lease(&mut queue, now_at)), ["d-2"]);
    queue.enqueue(&sales("d-3"), now_at + 1).unwrap();
    let listed = queue.list(None);
    let standings: Vec<_> = listed.iter().map(|waiting| (&*waiting.key.message_id, waiting.standing)).collect();
    let due = Standing::Due(now_at + 1);
    assert_eq!(standings, [("d-1", Standing::GivenUp), ("d-2", Standing::InFlight), ("d-3", due)]);
    assert_eq!(queue.list(Some("shop")), []);
    let overview = &queue.overview(now_at)[0];
    assert_eq!((overview.waiting, overview.in_flight, overview.given_up), (1, 1, 1));
    assert_eq!(overview.first_due_at, Some(now_at + 1));
}

#[test]
fn what_is_given_up_goes_again_when_it_is_asked_for() {
    let (mut queue, now_at) = given_up();
    assert_eq!(lease(&mut queue, now_at).len(), 0);
    assert_eq!(queue.retry_given_up("crm", now_at).unwrap(), 1);
    assert_eq!(queue.retry_given_up("crm", now_at).unwrap(), 0);
    let leases = lease(&mut queue, now_at);
    assert_eq!((ids(&leases), leases[0].attempt), (vec!["d-1"], 2), "the count goes on, the schedule begins anew");
    queue.settle(&finished(&leases[0], status(200)), now_at);
    assert_eq!(steps(&mut queue), ["d-1 asked_for", "d-1 delivered"]);
}

#[test]
fn what_waits_for_its_retry_can_be_asked_for_at_once() {
    let mut queue = crm();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    let leases = lease(&mut queue, noon());
    queue.settle(&finished(&leases[0], timeout()), noon());
    queue.retry(&leases[0].key, noon() + 1).unwrap();
    assert_eq!(lease(&mut queue, noon() + 1).len(), 1);
    let error = queue.retry(&DeliveryKey::new("crm", "d-9"), noon()).unwrap_err();
    assert!(error.to_string().starts_with("no delivery of d-9 waits for destination crm"), "{error}");
}

#[test]
fn a_destination_is_disabled_and_enabled() {
    let mut queue = crm();
    queue.disable("crm", "maintenance", noon()).unwrap();
    queue.enqueue(&sales("d-1"), noon()).unwrap();
    assert_eq!(lease(&mut queue, noon()).len(), 0);
    assert_eq!(queue.overview(noon())[0].disabled.as_ref().unwrap().reason, "maintenance");
    queue.enable("crm", noon()).unwrap();
    queue.enable("crm", noon()).unwrap();
    assert_eq!(destination_steps(&mut queue), ["crm Disabled", "crm Enabled"]);
    assert_eq!(lease(&mut queue, noon()).len(), 1);
    let error = queue.disable("shop", "", noon()).unwrap_err();
    assert_eq!(error.to_string(), "there is no destination \"shop\"; name one of crm");
}

#[test]
fn who_is_erased_is_in_no_delivery() {
    let mut queue = crm();
    let [mut other, mut account] = [sales("other"), sales("account")];
    other.person_id = "00000000-0000-5000-8000-000000000001".parse().unwrap();
    account.account_id = Some(tributary_model::AccountId(account.person_id.0));
    for one in [&sales("d-1"), &sales("d-2"), &other, &account] {
        queue.enqueue(one, noon()).unwrap();
    }
    let leases = lease(&mut queue, noon());
    queue.settle(&finished(&leases[2], timeout()), noon());
    queue.drain_log();
    queue.erase(sales("d-1").person_id, noon());
    assert_eq!(steps(&mut queue), ["d-1 erased", "d-2 erased"]);
    queue.settle(&finished(&leases[1], timeout()), noon());
    assert_eq!(steps(&mut queue), [] as [String; 0], "what comes back of it is not recorded");
    let left: Vec<_> = queue.list(None).iter().map(|waiting| waiting.key.message_id.to_string()).collect();
    assert_eq!(left, ["account", "other"]);
}
