use std::collections::BTreeMap;

use super::*;
use crate::reconcile::{IntentFacts, LetterFacts, PartitionFacts, Scanned};

const MID: &str = topics::TOUCHPOINTS;

fn named(entries: &[(&str, i64)]) -> BTreeMap<String, i64> {
    entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn account(stage: &str, from: &[(&str, i64)], to: &[(&str, i64)]) -> StageAccount {
    let dead_lettered = named(to).get(topics::DEAD_LETTERS).copied().unwrap_or(0);
    let accepted: i64 = from.iter().map(|(_, count)| count).sum();
    StageAccount {
        stage: stage.to_owned(),
        accepted,
        processed: accepted - dead_lettered,
        dead_lettered,
        dropped: BTreeMap::new(),
        accepted_from: named(from),
        emitted_to: named(to),
    }
}

fn accounts(written: i64, read: i64) -> Vec<StageAccount> {
    vec![account("a", &[], &[(MID, written)]), account("b", &[(MID, read)], &[])]
}

fn input(in_flight: i64, deleted_unread: i64) -> InputFacts {
    InputFacts {
        topic: MID.to_owned(),
        stage: "b".to_owned(),
        is_open: false,
        is_late: false,
        partitions: vec![PartitionFacts { partition: 3, in_flight, deleted_unread, deleted: deleted_unread }],
        scanned: None,
    }
}

fn facts(before: Vec<StageAccount>, after: Vec<StageAccount>, input: InputFacts) -> Facts {
    Facts { before, after, inputs: vec![input], ..Facts::default() }
}

fn still(written: i64, read: i64, in_flight: i64, deleted_unread: i64) -> Audit {
    judge(&facts(accounts(written, read), accounts(written, read), input(in_flight, deleted_unread)))
}

#[test]
fn what_retention_took_before_a_stage_was_switched_on_was_never_its() {
    let of = |written, read, deleted, is_late| {
        let partitions = vec![PartitionFacts { partition: 3, in_flight: 1, deleted_unread: 0, deleted }];
        let input = InputFacts { is_late, partitions, ..input(0, 0) };
        judge(&facts(accounts(written, read), accounts(written, read), input))
    };
    let late = of(10, 3, 7, true);
    assert_eq!((late.unexplained, late.flows[0].deleted_unread, late.in_flight), (0, 0, 1));
    assert_eq!(of(10, 3, 7, false).unexplained, 6);
    assert_eq!(of(10, 3, 4, true).unexplained, 2, "the others were there to be read");
}

#[test]
fn what_was_written_is_read_or_on_its_way_or_deleted() {
    let settled = still(10, 10, 0, 0);
    assert!(settled.adds_up && settled.findings.is_empty());
    let moving = still(10, 7, 3, 0);
    assert_eq!((moving.adds_up, moving.unexplained, moving.in_flight), (false, 0, 3));
    assert_eq!(moving.flows[0].waiting, [PartitionFlow { partition: 3, in_flight: 3 }]);
    let deleted = still(10, 7, 1, 5);
    assert_eq!((deleted.unexplained, deleted.flows[0].deleted_unread), (0, 2), "ends of transactions are offsets too");
    let lost = still(10, 7, 1, 0);
    assert_eq!(lost.findings, [Finding::Missing { topic: MID.to_owned(), stage: "b".to_owned(), missing: 2 }]);
    assert_eq!(lost.unexplained, 2);
    let partly = still(10, 4, 1, 3);
    assert_eq!((partly.unexplained, partly.flows[0].deleted_unread), (2, 3));
    let doubled = still(10, 12, 1, 0);
    assert_eq!(doubled.findings, [Finding::Surplus { topic: MID.to_owned(), stage: "b".to_owned(), surplus: 3 }]);
}

#[test]
fn a_replayed_letter_is_a_record_that_was_written() {
    let mut facts = facts(accounts(10, 12), accounts(10, 12), input(0, 0));
    assert_eq!(judge(&facts).unexplained, 2);
    facts.written_back = [named(&[(MID, 2)]), named(&[(MID, 2)])];
    let audit = judge(&facts);
    assert!(audit.adds_up);
    assert_eq!((audit.flows[0].written, audit.flows[0].written_back), (Some(10), 2));
}

#[test]
fn a_hub_at_work_raises_no_false_alarm_and_hides_no_loss() {
    // 10 written and 6 read at first; 20 and 15 later. In between the reader stood somewhere, with 5 records before it.
    assert_eq!(judge(&facts(accounts(10, 6), accounts(20, 15), input(5, 0))).unexplained, 0);
    // None of that explains that only 1 is on its way when at least 30 - 15 have to be.
    let lost = judge(&facts(accounts(30, 6), accounts(40, 15), input(1, 0)));
    assert_eq!(lost.unexplained, 14);
    // Nor that 20 are when at most 20 - 6 can be.
    let doubled = judge(&facts(accounts(10, 6), accounts(20, 15), input(20, 0)));
    assert_eq!(doubled.unexplained, 6);
}

#[test]
fn topics_written_from_outside_are_counted_when_they_are_scanned() {
    let raw = |scanned: i64, deleted: i64| {
        let partitions = vec![PartitionFacts { partition: 0, in_flight: 0, deleted_unread: 0, deleted }];
        let scanned = Some(Scanned { read: scanned });
        InputFacts { is_open: true, scanned, partitions, ..input(0, 0) }
    };
    let audit = |scanned: i64, deleted: i64| judge(&facts(accounts(0, 9), accounts(0, 9), raw(scanned, deleted)));
    assert!(audit(9, 0).adds_up);
    assert!(audit(4, 5).adds_up, "retention explains what is not there any more");
    assert_eq!(audit(4, 4).unexplained, 5);
    assert_eq!(audit(10, 0).unexplained, 1, "a record that the stage passed over");
}

#[test]
fn dead_letters_are_on_their_topic() {
    let stage = vec![account("a", &[(MID, 9)], &[(topics::DEAD_LETTERS, 4)])];
    let with = |present: i64, deleted: i64| {
        let letters = LetterFacts { present: named(&[("a", present)]), open: present, deleted };
        judge(&Facts { before: stage.clone(), after: stage.clone(), letters: Some(letters), ..Facts::default() })
    };
    assert!(with(4, 0).adds_up);
    assert!(with(1, 3).adds_up);
    assert_eq!(with(3, 0).unexplained, 1);
    assert_eq!(with(5, 0).unexplained, 1);
}

#[test]
fn decisions_and_intents_belong_together() {
    let with = |intents: IntentFacts| judge(&Facts { intents: Some(intents), ..Facts::default() }).unexplained;
    assert_eq!(with(IntentFacts { sent: 5, intents: 5, ..IntentFacts::default() }), 0);
    assert_eq!(with(IntentFacts { without_intent: 2, intents_deleted: 2, ..IntentFacts::default() }), 0);
    assert_eq!(with(IntentFacts { without_intent: 2, intents_deleted: 1, ..IntentFacts::default() }), 2);
    assert_eq!(with(IntentFacts { without_decision: 1, ..IntentFacts::default() }), 1);
}

#[test]
fn an_account_that_does_not_add_up_is_named() {
    let mut broken = account("a", &[(MID, 9)], &[]);
    broken.processed = 8;
    let audit = judge(&Facts { before: vec![broken.clone()], after: vec![broken], ..Facts::default() });
    assert_eq!(audit.unexplained, 1);
    assert!(audit.findings[0].to_string().contains("stage a: 9 accepted and 8 explained"), "{}", audit.findings[0]);
}
