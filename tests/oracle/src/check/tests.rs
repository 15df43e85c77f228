//! Whatever is done to the outputs of a hub without faults has to be reported.

use serde_json::Value;
use tributary_model::experiment::{ExperimentLift, LiftDelta};
use tributary_model::identity::{Alias, IdentityChange, Resolved};
use tributary_model::path::{PathDelta, PathStatistics};
use tributary_model::scorecard::{MeasureDelta, Scorecard};
use tributary_model::{AccountEvent, Decision, Enrolment, JourneyEvent, Touchpoint, TriggerIntent};
use tributary_schema::AvroRecord;

use super::ideal::{CONTRACTS, outputs};
use super::*;
use crate::outputs::Record;
use crate::workload::draft::{Draft, Fate};
use crate::workload::testing::{events, plain};
use crate::workload::{DAY_MS, START_AT};

/// Two people, one of them under three names; money, an account, a case, a return, a duplicate, a bot, a dead letter.
fn tiny() -> Workload {
    let touch = |source: &'static str, id: &str, kind: &str, day: i64, who: &[(&'static str, &str)]| {
        let who = who.iter().map(|(namespace, value)| (*namespace, (*value).to_owned())).collect();
        plain(source, id, kind, START_AT + day * DAY_MS).who(who)
    };
    let (card, mail, visitor) = (("loyalty_id", "l1"), ("email", "a@example.org"), ("anonymous_id", "x"));
    let mut bought = touch("events-store", "3", "store.purchased", 3, &[card]).on("in_store").worth("USD", 1_001);
    bought.items = vec![crate::workload::spec::item(1, 2, 500, Some(100))];
    bought.order = Some("o1".to_owned());
    bought.location = Some("store-1".to_owned());
    bought.accounts = vec![("household_id", "h1".to_owned())];
    bought.blocked = vec![("email", "test@example.org".to_owned())];
    let mut returned = touch("events-store", "4", "store.returned", 4, &[mail]).on("in_store").worth("USD", -301);
    returned.order = Some("o1".to_owned());
    returned.accounts = bought.accounts.clone();
    let mut ad = touch("events-channel", "2", "ad.shown", 2, &[visitor]).on("display").spoken("film", "film-1");
    ad.cost = Some(("USD", 7));
    let again: Draft = bought.clone().into();
    let dead = Fate::DeadLetter("malformed_json");
    let drafts = vec![
        touch("events-channel", "0", "email.sent", 0, &[mail]).on("email").spoken("weekly", "offer-20").into(),
        touch("events-channel", "1", "person.identified", 1, &[mail, visitor]).into(),
        ad.into(),
        bought.into(),
        again,
        returned.into(),
        touch("events-store", "5", "loyalty.joined", 5, &[card, mail]).on("in_store").into(),
        touch("events-crm", "6", "case.opened", 6, &[("email", "b@example.org")]).on("call_center").into(),
        touch("events-channel", "7", "page.viewed", 7, &[]).into(),
        Draft::fated("segment", START_AT, Some("bot"), "{}", Fate::Dropped("bot")),
        Draft::fated("events-store", START_AT, None, "{", dead),
    ];
    Workload { seed: 0, events: events(drafts) }
}

fn check(workload: &Workload, outputs: &Outputs) -> Vec<String> {
    Oracle::new(workload).check(outputs).iter().map(ToString::to_string).collect()
}

/// The topics that are judged, and how many records the tiny workload has on them.
fn judged(outputs: &Outputs) -> Vec<Record> {
    let topics: Vec<&str> = outputs.topics("tributary.").collect();
    topics.into_iter().flat_map(|topic| outputs.records(topic)).cloned().collect()
}

#[test]
fn a_hub_without_faults_has_no_differences() {
    let workload = tiny();
    let outputs = outputs(&workload.events);
    assert_eq!(check(&workload, &outputs), Vec::<String>::new());
    let summary = Oracle::new(&workload).summary();
    assert_eq!((summary["events"], summary["touchpoints"], summary["persons"]), (11, 8, 2));
    assert_eq!((summary["dead_letters"], summary["drops"]), (1, 2));
    assert!(judged(&outputs).len() > 100);
}

#[test]
fn every_record_that_is_missing_is_reported() {
    let workload = tiny();
    let whole = outputs(&workload.events);
    for record in judged(&whole) {
        let mut damaged = whole.clone();
        damaged.remove(&record.topic, record.partition, record.offset);
        assert!(!check(&workload, &damaged).is_empty(), "{} offset {} is not missed", record.topic, record.offset);
    }
}

#[test]
fn every_record_that_is_there_twice_is_reported() {
    let workload = tiny();
    let whole = outputs(&workload.events);
    for record in judged(&whole) {
        let mut damaged = whole.clone();
        damaged.push(Record { offset: 1_000_000, ..record.clone() });
        assert!(!check(&workload, &damaged).is_empty(), "{} offset {} is not seen", record.topic, record.offset);
    }
}

#[test]
fn a_record_under_another_key_is_reported() {
    let workload = tiny();
    let whole = outputs(&workload.events);
    for record in judged(&whole) {
        let mut damaged = whole.clone();
        let found = damaged.records_mut(&record.topic).find(|other| other.offset == record.offset);
        found.unwrap().key.push(b'x');
        assert!(!check(&workload, &damaged).is_empty(), "{} offset {}", record.topic, record.offset);
    }
}

/// Fields of records that nothing is demanded of, with the reason.
const FREE: [(&str, &str); 9] = [
    // The time of the newest change, also of one that was taken back since.
    ("tributary.measures", "occurred_at"),
    ("tributary.metrics.", "updated_at"),
    // What competes, and what was seen, depends on the order of arrival.
    ("tributary.decisions", "priority"),
    ("tributary.decisions", "detail"),
    // The first of each person in an experiment matters.
    ("tributary.decisions", "judged_at"),
    // What the sums say is checked where it is found: the oracle's own hub says nothing.
    ("tributary.lift", "is_trusted"),
    ("tributary.lift", "ratio_p_value"),
    ("tributary.lift", "estimates"),
    // Checked to be an object.
    ("tributary.triggers.", "payload"),
];

/// The paths of all numbers and texts in a record.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| leaves(value, &format!("{path}/{index}"), found));
        }
        Value::Number(_) | Value::String(_) | Value::Bool(_) => found.push(path.to_owned()),
        Value::Null => {}
    }
}

/// The record with one leaf changed, when its contract can express that.
fn changed<T: AvroRecord>(record: &Record, path: &str) -> Option<Vec<u8>> {
    let value: T = CONTRACTS.decode(record.value.as_deref()?).ok()?;
    let mut json = serde_json::to_value(&value).ok()?;
    let leaf = json.pointer_mut(path)?;
    *leaf = match leaf {
        Value::Number(number) => Value::from(number.as_i64()? + 1),
        Value::String(text) if text.len() == 36 && text.contains('-') && !text.contains(' ') => {
            Value::from("6ba7b811-9dad-51d1-80b4-00c04fd430c8")
        }
        Value::String(text) => Value::from(format!("{text}x")),
        Value::Bool(flag) => Value::from(!*flag),
        _ => return None,
    };
    let other: T = serde_json::from_value(json).ok()?;
    CONTRACTS.encode(&record.topic, &other).ok()
}

/// Changes every `stride`th leaf of all records.
fn each_leaf_matters<T: AvroRecord>(topic: &str, stride: usize) {
    let workload = tiny();
    let whole = outputs(&workload.events);
    let (mut met, mut tried) = (0, 0);
    let topics: Vec<&str> = whole.topics(topic).collect();
    for record in topics.into_iter().flat_map(|topic| whole.records(topic)) {
        let value: T = CONTRACTS.decode(record.value.as_deref().unwrap()).unwrap();
        let mut paths = Vec::new();
        leaves(&serde_json::to_value(&value).unwrap(), "", &mut paths);
        for path in paths {
            let field = path.split('/').nth(1).unwrap();
            met += 1;
            if met % stride != 0 {
                continue;
            }
            let is_free = FREE.iter().any(|(free, name)| record.topic.starts_with(free) && *name == field);
            let Some(bytes) = changed::<T>(record, &path).filter(|_| !is_free) else { continue };
            let mut damaged = whole.clone();
            let found = damaged.records_mut(&record.topic).find(|other| other.offset == record.offset);
            found.unwrap().value = Some(bytes);
            tried += 1;
            let differences = check(&workload, &damaged);
            assert!(!differences.is_empty(), "{} offset {}: {path} may say anything", record.topic, record.offset);
        }
    }
    assert!(tried > 5, "{topic}: only {tried}");
}

#[test]
fn every_value_of_touchpoints_matters() {
    each_leaf_matters::<Touchpoint>("tributary.touchpoints", 1);
    each_leaf_matters::<Resolved>("tributary.resolved", 1);
}

#[test]
fn every_value_of_identity_matters() {
    each_leaf_matters::<Alias>("tributary.aliases", 1);
    each_leaf_matters::<IdentityChange>("tributary.identity.changes", 1);
}

#[test]
fn every_value_of_journeys_and_accounts_matters() {
    each_leaf_matters::<JourneyEvent>("tributary.journeys", 1);
    each_leaf_matters::<AccountEvent>("tributary.accounts", 1);
}

#[test]
fn every_value_of_decisions_matters() {
    each_leaf_matters::<Decision>("tributary.decisions", 1);
    each_leaf_matters::<TriggerIntent>("tributary.triggers.", 1);
}

#[test]
fn every_cent_of_scorecards_matters() {
    each_leaf_matters::<MeasureDelta>("tributary.measures", 13);
    each_leaf_matters::<Scorecard>("tributary.metrics.", 13);
}

#[test]
fn every_count_of_paths_matters() {
    each_leaf_matters::<PathDelta>("tributary.path-changes", 1);
    each_leaf_matters::<PathStatistics>("tributary.paths", 1);
}

#[test]
fn every_person_and_every_sum_of_experiments_matters() {
    each_leaf_matters::<Enrolment>("tributary.enrolments", 1);
    each_leaf_matters::<LiftDelta>("tributary.experiment-changes", 1);
    each_leaf_matters::<ExperimentLift>("tributary.lift", 1);
}

#[test]
fn a_full_cap_and_a_wrong_code_are_reported() {
    let workload = tiny();
    let whole = outputs(&workload.events);
    let mut damaged = whole.clone();
    let record = damaged.records_mut("tributary.decisions").next().unwrap();
    let mut decision: Decision = CONTRACTS.decode(record.value.as_deref().unwrap()).unwrap();
    decision.detail = Some("5 used of all 5 per 7d".to_owned());
    record.value = Some(CONTRACTS.encode(&record.topic, &decision).unwrap());
    let found = check(&workload, &damaged);
    assert!(found.iter().any(|line| line.contains("room under every cap")), "{found:?}");
    let mut damaged = whole.clone();
    damaged.records_mut("tributary.dead-letters").next().unwrap().headers[1].1 = b"too_old".to_vec();
    assert_eq!(check(&workload, &damaged).len(), 1);
}

#[test]
fn what_a_stage_says_has_to_add_up() {
    let workload = tiny();
    let whole = outputs(&workload.events);
    type Change = fn(&mut crate::StageAccount);
    let changes: [Change; 5] = [
        |account| account.accepted += 1,
        |account| account.processed += 1,
        |account| account.dead_lettered -= 1,
        |account| *account.dropped.entry("duplicate".to_owned()).or_default() += 1,
        |account| *account.emitted_to.entry("tributary.touchpoints".to_owned()).or_default() -= 1,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut damaged = whole.clone();
        change(&mut damaged.accounts[0]);
        assert!(!check(&workload, &damaged).is_empty(), "change {index}");
    }
}

#[test]
fn repeats_by_the_producer_are_no_fault_of_the_hub() {
    let workload = tiny();
    let mut events = workload.events.clone();
    events.extend([workload.events[0].clone(), workload.events[10].clone()]);
    // One touchpoint came twice and is dropped once more; one dead letter came twice and is there twice.
    let repeated = outputs(&events);
    assert_eq!(check(&workload, &repeated), Vec::<String>::new());
    assert!(!check(&workload, &outputs(&workload.events[1..])).is_empty(), "an event was lost on the way in");
}
