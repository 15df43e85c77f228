//! A hub without faults, for tests of the check: it writes what the oracle's world says, in an order that a hub could have
//! written it in, with a merge, a forwarded touch and a correction on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use tributary_model::experiment::{ExperimentKey, ExperimentLift, LiftDelta};
use tributary_model::identity::{Alias, IdentityChange, IdentityChangeKind, Resolved};
use tributary_model::path::{PathDelta, PathStatistics};
use tributary_model::scorecard::{MeasureDelta, Scorecard};
use tributary_model::{Arm, Decision, Enrolment, Fate, Identifier, JourneyEvent, PersonId, Touchpoint, TriggerIntent};
use tributary_schema::{AvroRecord, Contracts};

use crate::check::triggers::rule;
use crate::names::{person_of, stand_in, written};
use crate::outputs::{Outputs, Record, StageAccount};
use crate::truth::World;
use crate::truth::accounts::accounts;
use crate::truth::cards::scorecards;
use crate::truth::ledger::{Kept, Ledger};
use crate::truth::lift::{parts, sums};
use crate::truth::paths::paths;
use crate::truth::people::Person;
use crate::workload::Event;

pub(super) static CONTRACTS: LazyLock<Arc<Contracts>> = LazyLock::new(|| Contracts::single_object().unwrap());

/// What has been written so far.
#[derive(Default)]
struct Hub {
    outputs: Outputs,
    offsets: BTreeMap<String, i64>,
}

impl Hub {
    fn bytes(&mut self, topic: &str, key: Vec<u8>, value: Vec<u8>, headers: Vec<(String, Vec<u8>)>) {
        let next = self.offsets.entry(topic.to_owned()).or_default();
        *next += 1;
        let (topic, value) = (topic.to_owned(), Some(value));
        self.outputs.push(Record { topic, partition: 0, offset: *next, key, value, headers });
    }

    fn write<T: AvroRecord>(&mut self, topic: &str, key: impl ToString, value: &T) {
        let bytes = CONTRACTS.encode(topic, value).unwrap();
        self.bytes(topic, key.to_string().into_bytes(), bytes, Vec::new());
    }
}

/// The outputs of a hub without faults.
pub(super) fn outputs(events: &[Event]) -> Outputs {
    let world = World::of(Ledger::of(events.iter()));
    let ids: Vec<PersonId> = world.people.all.iter().map(|person| person.ids()[0]).collect();
    let mut hub = Hub::default();
    for event in events {
        hub.bytes(&event.topic, event.key.clone(), event.value.clone(), event.headers.clone());
    }
    for (dead, count) in &world.ledger.dead_letters {
        let header = |name: &str, value: &str| (format!("__connect.errors.{name}"), value.as_bytes().to_vec());
        let headers = vec![header("topic", &dead.topic), header("exception.class.name", dead.code)];
        for _ in 0..*count {
            hub.bytes("tributary.dead-letters", dead.key.clone(), dead.value.clone(), headers.clone());
        }
    }
    resolve(&mut hub, &world, &ids);
    merge(&mut hub, &world, &ids);
    for (index, person) in world.people.all.iter().enumerate() {
        state_journey(&mut hub, person, ids[index]);
    }
    for (id, account) in accounts(&world.people, &ids) {
        let told = hub.outputs.records("tributary.account-touches");
        let revision = told.filter(|record| record.key == id.to_string().into_bytes()).count() as i64;
        hub.write("tributary.accounts", id, &tributary_model::AccountEvent { revision, ..account });
    }
    let decisions = decide(&mut hub, &world, &ids);
    for (key, measures) in scorecards(&world.people, &decisions, &[]) {
        let name = String::from_utf8(key.to_key()).unwrap();
        let delta = MeasureDelta { key: key.clone(), delta: measures.clone(), change_count: 3, occurred_at: 0 };
        hub.write("tributary.measures", &name, &delta);
        let topic = match key.dimension.as_str() {
            "product" | "creative" => "tributary.products".to_owned(),
            _ => format!("tributary.metrics.{}", key.team_id),
        };
        hub.write(&topic, &name, &Scorecard { key, revision: 3, measures, updated_at: 0 });
    }
    for (key, counts) in paths(&world.people) {
        let name = String::from_utf8(key.to_key()).unwrap();
        hub.write("tributary.path-changes", &name, &PathDelta { key: key.clone(), delta: counts.clone() });
        hub.write("tributary.paths", &name, &PathStatistics { key, counts });
    }
    enrol(&mut hub, &world, &ids, &decisions);
    hub.outputs.accounts = vec![normalizer(&world)];
    hub.outputs
}

/// Who takes part in which experiment, and what these come to.
fn enrol(hub: &mut Hub, world: &World, ids: &[PersonId], decisions: &[Decision]) {
    let mut enrolled = BTreeMap::new();
    for ((person, experiment), part) in parts(&world.people, decisions) {
        let key = ExperimentKey {
            experiment,
            team_id: part.team_id.clone(),
            holdout_buckets: 500,
            is_clustered: false,
            campaign_id: None,
            is_observed: false,
        };
        let (arm, status, enrolled_at) = (part.arm, part.status, part.enrolled_at);
        let person_id = ids[person];
        let told = Enrolment { person_id, key: key.clone(), arm, status, enrolled_at };
        hub.write("tributary.enrolments", person_id, &told);
        enrolled.insert((person, key), part);
    }
    for (key, sums) in sums(&world.people, &enrolled) {
        let name = String::from_utf8(key.to_key()).unwrap();
        hub.write("tributary.experiment-changes", &name, &LiftDelta { key: key.clone(), delta: sums.clone() });
        let (is_trusted, ratio_p_value, estimates) = (true, 1.0, Vec::new());
        hub.write("tributary.lift", &name, &ExperimentLift { key, sums, is_trusted, ratio_p_value, estimates });
    }
}

/// Touchpoints, and each resolved at the person of its first identifier; one that was merged away forwards it.
fn resolve(hub: &mut Hub, world: &World, ids: &[PersonId]) {
    for (id, kept) in &world.ledger.touches {
        let touchpoint = kept.touchpoint.clone();
        let stand_in_for = || Identifier::new("touchpoint", id);
        let via = touchpoint.identifiers.first().cloned().unwrap_or_else(stand_in_for);
        let key = touchpoint.identifiers.first().map_or(id.clone(), written);
        hub.write("tributary.touchpoints", key, &touchpoint);
        let person_id = if touchpoint.identifiers.is_empty() { stand_in(id) } else { person_of(&via) };
        let first = Resolved { person_id, via, hops: 0, touchpoint };
        hub.write("tributary.resolved", person_id, &first);
        let survivor = ids[world.people.of_touch[id]];
        if survivor != person_id {
            hub.write("tributary.resolved", survivor, &Resolved { person_id: survivor, hops: 1, ..first });
        }
    }
}

/// Every identifier is created; all of a person are merged into the first.
fn merge(hub: &mut Hub, world: &World, ids: &[PersonId]) {
    const CHANGES: &str = "tributary.identity.changes";
    let evidence = |both: &[&Identifier]| {
        let carries = |kept: &&Kept| both.iter().all(|one| kept.touchpoint.identifiers.contains(one));
        world.ledger.touches.values().find(carries).unwrap().touchpoint.clone()
    };
    let change = |kind, person_id, touchpoint: &Touchpoint, identifiers: &[&Identifier]| IdentityChange {
        kind,
        person_id,
        other_person_id: None,
        identifiers: identifiers.iter().map(|identifier| (*identifier).clone()).collect(),
        reason: None,
        touchpoint_id: touchpoint.touchpoint_id.clone(),
        occurred_at: touchpoint.occurred_at,
        rule_version: "2".to_owned(),
        sequence: None,
        undoes: None,
    };
    let mut number = 0;
    for (index, person) in world.people.all.iter().enumerate() {
        let winner = ids[index];
        for (place, identifier) in person.identifiers.iter().enumerate() {
            let own = person_of(identifier);
            let created = change(IdentityChangeKind::Created, own, &evidence(&[identifier]), &[identifier]);
            hub.write(CHANGES, own, &created);
            if place == 0 {
                continue;
            }
            number += 1;
            let sequence = Some(number);
            hub.write("tributary.aliases", own, &Alias { loser: own, winner, sequence: number });
            // The tiny story has an event for each pair with the first or the one before.
            let partner = person.identifiers.iter().take(place).find(|other| {
                let both = [*other, identifier];
                let carries = |kept: &Kept| both.iter().all(|one| kept.touchpoint.identifiers.contains(one));
                world.ledger.touches.values().any(carries)
            });
            let both = [partner.unwrap(), identifier];
            let merged = change(IdentityChangeKind::Merged, winner, &evidence(&both), &both);
            hub.write(CHANGES, winner, &IdentityChange { other_person_id: Some(own), sequence, ..merged });
            let new = if place == 1 { &both[..] } else { &both[1..] };
            let linked = change(IdentityChangeKind::Linked, winner, &evidence(&both), new);
            hub.write(CHANGES, winner, &IdentityChange { sequence, ..linked });
        }
        for touchpoint in person.journey.iter().map(|event| &event.touchpoint) {
            let stand_in = Identifier::new("touchpoint", &touchpoint.touchpoint_id);
            let leader = touchpoint.identifiers.first().unwrap_or(&stand_in);
            for refused in &touchpoint.refused_identifiers {
                let reason = Some(format!("{}:{}", refused.reason, refused.namespace));
                let told = change(IdentityChangeKind::Refused, winner, touchpoint, &[leader]);
                hub.write(CHANGES, winner, &IdentityChange { reason, ..told });
            }
        }
    }
}

/// Every touch is stated; the last of each journey was first stated with less known, and corrected.
fn state_journey(hub: &mut Hub, person: &Person, person_id: PersonId) {
    const TOPIC: &str = "tributary.journeys";
    let named = |event: &JourneyEvent| {
        let mut event = JourneyEvent { person_id, ..event.clone() };
        event.session.session_id = format!("{person_id}:{}", event.session.started_at);
        event
    };
    let Some((last, before)) = person.journey.split_last() else { return };
    let mut early = named(last);
    early.totals.touch_count = 1;
    hub.write(TOPIC, person_id, &early);
    before.iter().for_each(|event| hub.write(TOPIC, person_id, &named(event)));
    let first_statements = before.iter().map(named).chain([early.clone()]);
    for event in first_statements.collect::<Vec<_>>() {
        for account in &event.account_ids {
            hub.write("tributary.account-touches", account, &event);
        }
    }
    hub.write(TOPIC, person_id, &JourneyEvent { retracted: true, ..early });
    hub.write(TOPIC, person_id, &JourneyEvent { revision: 2, ..named(last) });
}

/// The decisions that are demanded, all of them sent.
fn decide(hub: &mut Hub, world: &World, ids: &[PersonId]) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for (index, event) in world.people.journeys() {
        let trigger = match event.touchpoint.event_type.as_str() {
            "case.opened" => "open-case-suppress-marketing",
            "order.refunded" | "store.returned" => "post-return-care",
            "store.purchased" => "bought-in-store-suppress-ads",
            _ => continue,
        };
        let rule = rule(trigger).unwrap();
        let decision = Decision {
            decision_id: format!("{trigger} of {}", event.touchpoint.touchpoint_id),
            trigger_id: trigger.to_owned(),
            trigger_version: 1,
            team_id: rule.team.to_owned(),
            person_id: ids[index],
            decided_at: event.touchpoint.occurred_at,
            arm: Arm::Treated,
            fate: Fate::Sent,
            reason: None,
            detail: Some("1 used of all 5 per 7d".to_owned()),
            channel: "email".to_owned(),
            priority: 0,
            evidence: vec![event.touchpoint.touchpoint_id.clone()],
            valid_until_at: event.touchpoint.occurred_at + rule.validity_ms,
            account_id: None,
            consent: None,
            judged_at: Some(event.touchpoint.occurred_at),
            experiment: Some(format!("{trigger}:{trigger}")),
            channel_reason: None,
            action: rule.action.to_owned(),
        };
        hub.write("tributary.decisions", ids[index], &decision);
        let intent = TriggerIntent {
            decision_id: decision.decision_id.clone(),
            trigger_id: trigger.to_owned(),
            trigger_version: 1,
            team_id: rule.team.to_owned(),
            person_id: ids[index],
            action: rule.action.to_owned(),
            channel: "email".to_owned(),
            decided_at: decision.decided_at,
            valid_until_at: decision.valid_until_at,
            payload: "{}".to_owned(),
            account_id: None,
        };
        hub.write(&format!("tributary.triggers.{}", rule.team), ids[index], &intent);
        decisions.push(decision);
    }
    decisions
}

/// The account of the only stage that says anything.
fn normalizer(world: &World) -> StageAccount {
    let sources = || world.ledger.sources.values();
    let accepted = sources().map(|source| source.accepted).sum();
    let mut dropped: BTreeMap<String, i64> = BTreeMap::new();
    for (reason, count) in sources().flat_map(|source| &source.drops) {
        *dropped.entry((*reason).to_owned()).or_default() += count;
    }
    StageAccount {
        stage: "normalizer".to_owned(),
        accepted,
        processed: sources().map(|source| source.processed).sum(),
        dead_lettered: world.ledger.dead_letters.values().sum(),
        dropped,
        accepted_from: BTreeMap::from([("tributary.raw".to_owned(), accepted)]),
        emitted_to: BTreeMap::from([("tributary.touchpoints".to_owned(), world.ledger.touches.len() as i64)]),
    }
}
