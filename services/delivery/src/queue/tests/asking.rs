//! Asking somebody who answers later: places, lost questions, old answers, aborts.

use super::*;
use crate::queue::Verdict;
use crate::recheck::AskTheJourney;

const LATE: i64 = 10 * SECOND_MS;

/// Two deliveries that have waited, one place.
fn waiting() -> Queue {
    let mut config = config(&[("crm", "sales")]);
    config.destinations.get_mut("crm").unwrap().max_in_flight = 1;
    let mut queue = Queue::new(&config).unwrap();
    for id in ["d-1", "d-2"] {
        queue.enqueue(&sales(id), noon()).unwrap();
    }
    queue
}

/// Leases at this time, as `<ids leased> ? <ids asked about>`.
fn turn(queue: &mut Queue, at: i64) -> String {
    let leases = queue.lease(&AskTheJourney, at);
    let asked: Vec<String> = queue.drain_questions().into_iter().map(|asked| asked.decision_id).collect();
    format!("{} ? {}", ids(&leases).join(" "), asked.join(" "))
}

fn answer(queue: &mut Queue, id: &str, verdict: Verdict, asked_at: i64) {
    queue.answer(&DeliveryKey::new("crm", id), verdict, asked_at, asked_at + SECOND_MS);
}

#[test]
fn a_question_keeps_the_place_and_what_may_go_goes_first() {
    let mut queue = waiting();
    let at = noon() + LATE;
    assert_eq!(turn(&mut queue, at), " ? d-1");
    assert_eq!(turn(&mut queue, at), " ? ", "there is one place");
    answer(&mut queue, "d-1", Verdict::Send, at);
    assert_eq!(turn(&mut queue, at + SECOND_MS), "d-1 ? ");
}

#[test]
fn what_may_not_go_leaves_and_what_may_not_go_now_waits() {
    let mut queue = waiting();
    let at = noon() + LATE;
    turn(&mut queue, at);
    answer(&mut queue, "d-1", Verdict::Withhold("no_consent: withdrawn".to_owned()), at);
    assert_eq!(steps(&mut queue), ["d-1 withheld"]);
    assert_eq!(turn(&mut queue, at), " ? d-2");
    answer(&mut queue, "d-2", Verdict::Postpone(noon() + HOUR_MS), at);
    assert_eq!(queue.next_wake_at(), Some(noon() + HOUR_MS));
    assert_eq!(turn(&mut queue, noon() + HOUR_MS), " ? d-2", "it is asked about again then");
}

#[test]
fn a_lost_question_is_asked_again_and_an_old_answer_counts_for_nothing() {
    let mut queue = waiting();
    let at = noon() + LATE;
    turn(&mut queue, at);
    assert_eq!(queue.next_wake_at(), Some(at + MINUTE_MS));
    assert_eq!(turn(&mut queue, at + MINUTE_MS), " ? d-1");
    answer(&mut queue, "d-1", Verdict::Send, at);
    assert_eq!(turn(&mut queue, at + MINUTE_MS), " ? ");
    answer(&mut queue, "d-1", Verdict::Send, at + MINUTE_MS);
    assert_eq!(turn(&mut queue, at + 3 * MINUTE_MS), " ? d-1", "a permission does not last");
}

#[test]
fn after_an_abort_it_is_asked_again() {
    let mut queue = waiting();
    queue.stores().into_iter().for_each(tributary_stream::StateStore::commit);
    let at = noon() + LATE;
    queue.lease(&AskTheJourney, at);
    queue.stores().into_iter().for_each(tributary_stream::StateStore::abort);
    queue.aborted();
    assert_eq!(turn(&mut queue, at), " ? d-1");
}

#[test]
fn nobody_is_asked_about_an_account() {
    let mut queue = crm();
    let account_id = Some(tributary_model::AccountId(sales("d-1").person_id.0));
    queue.enqueue(&TriggerIntent { account_id, ..sales("d-1") }, noon()).unwrap();
    assert_eq!(turn(&mut queue, noon() + LATE), "d-1 ? ");
}
