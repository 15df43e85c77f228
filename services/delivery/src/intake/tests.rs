use tributary_model::AccountId;
use tributary_stream::OutRecord;

use super::*;
use crate::tests::rig::Rig;
use crate::tests::{config, intent};

const TWO: [(&str, &str); 3] = [("crm", "sales"), ("dialler", "sales"), ("shop", "web")];

fn rig(destinations: &[(&str, &str)]) -> Rig {
    Rig::new(&intake_stage(&config(destinations)).unwrap())
}

fn record(rig: &Rig, intent: &TriggerIntent) -> Record {
    rig.record(&topics::triggers(&intent.team_id), intent.person_id.to_key(), intent)
}

fn erasure(rig: &Rig, kind: PersonCommandKind, person_id: PersonId) -> Record {
    let command = PersonCommand {
        kind,
        person_id,
        other_person_id: person_id,
        sequence: 7,
        occurred_at: 0,
        state: Vec::new(),
        pending: Vec::new(),
        done: Vec::new(),
        identifiers: Vec::new(),
    };
    rig.record(topics::PERSONS, person_id.to_key(), &command)
}

/// `<key> <kind>` of each command.
fn told(rig: &Rig, out: &[OutRecord]) -> Vec<String> {
    let one = |record: &OutRecord| {
        let command: DeliveryCommand = rig.read(record);
        assert_eq!((record.topic.as_str(), &record.key), (topics::DELIVERIES, &command.to_key()));
        let about = command.intent.map(|intent| intent.decision_id).or(command.person_id.map(|id| id.to_string()));
        format!("{} {:?} {}", command.destination, command.kind, about.unwrap_or_default())
    };
    out.iter().map(one).collect()
}

#[test]
fn an_intent_goes_to_every_destination_of_its_team_and_to_no_other() {
    let mut rig = rig(&TWO);
    let input = record(&rig, &intent("d-1", "sales"));
    let out = rig.transact(&[input], true);
    assert_eq!(told(&rig, &out), ["crm Deliver d-1", "dialler Deliver d-1"]);
    let input = record(&rig, &intent("d-2", "nobody"));
    assert_eq!(rig.transact(&[input], true), []);
    assert_eq!(rig.dropped(NO_DESTINATION), 1);
}

#[test]
fn it_reads_the_topics_of_teams_with_destinations_and_has_as_many_tasks_whoever_they_are() {
    let stage = intake_stage(&config(&TWO)).unwrap();
    assert_eq!(stage.leader_topics, [topics::PERSONS]);
    assert_eq!(stage.sibling_topics, [topics::triggers("sales"), topics::triggers("web")]);
}

#[test]
fn who_is_erased_is_forgotten_wherever_anything_was_told_and_late_intents_are_dropped() {
    let mut rig = rig(&TWO);
    let of_person = intent("d-1", "sales");
    let person_id = of_person.person_id;
    let input = record(&rig, &of_person);
    rig.transact(&[input], true);
    // One of the two is taken out of the configuration; what is queued for it stays.
    rig.restart(&intake_stage(&config(&[("crm", "sales")])).unwrap());
    let input = erasure(&rig, PersonCommandKind::Out, person_id);
    assert_eq!(rig.transact(&[input], true), []);
    let input = erasure(&rig, PersonCommandKind::Erase, person_id);
    let out = rig.transact(&[input], true);
    assert_eq!(told(&rig, &out), [format!("crm Erase {person_id}"), format!("dialler Erase {person_id}")]);
    let late = record(&rig, &intent("d-2", "sales"));
    assert_eq!(rig.transact(&[late], true), []);
    assert_eq!(rig.dropped(ERASED), 1);
    let about_account = TriggerIntent { account_id: Some(AccountId(person_id.0)), ..intent("d-3", "sales") };
    let input = record(&rig, &about_account);
    let out = rig.transact(&[input], true);
    assert_eq!(told(&rig, &out), ["crm Deliver d-3"]);
}

#[test]
fn where_nothing_was_told_nothing_is_to_be_forgotten() {
    let mut rig = rig(&TWO);
    let input = erasure(&rig, PersonCommandKind::Erase, intent("d-1", "sales").person_id);
    assert_eq!(rig.transact(&[input], true), []);
}
