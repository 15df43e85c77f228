//! `decisions` and `triggers.<team>`: each decision once and sound, each sent one with its intent, caps kept, and those
//! there that follow from the final journeys.
//!
//! A decision depends on what was known when it was made, so most of them depend on the order of arrival. What holds in
//! every order stands here and in [`super::demanded`].

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::{Arm, Decision, Fate, PersonId, TriggerIntent, WithheldReason};

use crate::check::demanded;
use crate::check::read::{Read, Reader};
use crate::check::report::Report;
use crate::check::touchpoints::may_belong;
use crate::check::triggers::{DAY_MS, Rule, rule};
use crate::outputs::Outputs;
use crate::truth::World;

mod of_accounts;

pub(super) const TOPIC: &str = "tributary.decisions";
const INTENTS: &str = "tributary.triggers.";

/// The decisions that were found.
pub(super) fn check(world: &World, outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) -> Vec<Decision> {
    let mut decisions: Vec<Decision> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for Read { key, value: decision } in reader.all::<Decision>(TOPIC, report) {
        if key != decision.person_id.to_string() {
            report.add(TOPIC, &decision.decision_id, "the person or the account as key", key);
        }
        if !seen.insert(decision.decision_id.clone()) {
            report.add(TOPIC, &decision.decision_id, "one decision", format!("{} again", decision.trigger_id));
        }
        match rule(&decision.trigger_id) {
            Some(rule) if rule.is_of_account => of_accounts::check(world, rule, &decision, report),
            Some(rule) => check_one(world, rule, &decision, report),
            None => report.add(TOPIC, &decision.decision_id, "a trigger that is known", &decision.trigger_id),
        }
        decisions.push(decision);
    }
    check_intents(&decisions, outputs, reader, report);
    check_arms(&decisions, report);
    check_caps(&decisions, report);
    demanded::check(world, &decisions, outputs.timers_fired_until, report);
    decisions
}

fn check_one(world: &World, rule: &Rule, decision: &Decision, report: &mut Report) {
    let name = format!("{} {}", rule.id, decision.decision_id);
    if decision.account_id.is_some() {
        report.add(TOPIC, &name, "a person's decision", "an account's");
    }
    check_team(&name, rule, decision, report);
    for touchpoint_id in &decision.evidence {
        if !may_belong(world, touchpoint_id, decision.person_id) {
            report.add(TOPIC, &name, format!("evidence of {}", decision.person_id), touchpoint_id);
        }
    }
    match decision.evidence.last().and_then(|last| world.ledger.touches.get(last)) {
        None => report.add(TOPIC, &name, "evidence that ends in a touchpoint", format!("{:?}", decision.evidence)),
        Some(last) => {
            let touchpoint = &last.touchpoint;
            if !rule.ends_with(&touchpoint.event_type) {
                report.add(TOPIC, &name, format!("evidence that ends in {:?}", rule.ends), &touchpoint.event_type);
            }
            let eligible_at = touchpoint.occurred_at + rule.absent_ms;
            report.count(TOPIC, &name, "as time of eligibility", eligible_at, decision.decided_at);
        }
    }
    let valid_until = decision.decided_at + rule.validity_ms;
    report.count(TOPIC, &name, "as end of validity", valid_until, decision.valid_until_at);
    check_fate(&name, rule, decision, report);
    if decision.fate == Fate::Sent {
        check_proof(&name, decision, report);
    }
}

fn check_team(name: &str, rule: &Rule, decision: &Decision, report: &mut Report) {
    if (decision.team_id.as_str(), decision.trigger_version) != (rule.team, 1) {
        let found = format!("{} version {}", decision.team_id, decision.trigger_version);
        report.add(TOPIC, name, format!("{} version 1", rule.team), found);
    }
    if decision.action != rule.action {
        report.add(TOPIC, name, format!("the action {}", rule.action), &decision.action);
    }
}

fn check_fate(name: &str, rule: &Rule, decision: &Decision, report: &mut Report) {
    let is_sound = match (decision.fate, decision.reason, decision.arm) {
        (Fate::Sent, reason, arm) => reason.is_none() && arm == Arm::Treated,
        (Fate::Withheld, None, _) => false,
        (Fate::Withheld, Some(reason), arm) => (reason != WithheldReason::HeldOut) || arm == Arm::HeldOut,
    };
    if !is_sound || (decision.arm == Arm::HeldOut && !rule.has_holdout) {
        let found = format!("{:?} for {:?} in arm {:?}", decision.fate, decision.reason, decision.arm);
        report.add(TOPIC, name, "a fate, its reason and an arm that agree", found);
    }
}

/// A sent decision states what was used of every cap: always less than there is.
fn check_proof(name: &str, decision: &Decision, report: &mut Report) {
    for part in decision.detail.as_deref().unwrap_or_default().split("; ") {
        let Some((used, cap)) = part.split_once(" used of ") else { continue };
        let max = cap.split(' ').nth(1).and_then(|max| max.parse::<u64>().ok());
        let has_room = used.parse::<u64>().ok().zip(max).is_some_and(|(used, max)| used < max);
        if !has_room {
            report.add(TOPIC, name, "room under every cap", part);
        }
    }
}

fn check_intents(decisions: &[Decision], outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) {
    let mut intents: BTreeMap<String, Vec<(String, Read<TriggerIntent>)>> = BTreeMap::new();
    for topic in outputs.topics(INTENTS) {
        for record in reader.all::<TriggerIntent>(topic, report) {
            intents.entry(record.value.decision_id.clone()).or_default().push((topic.to_owned(), record));
        }
    }
    for decision in decisions {
        let id = &decision.decision_id;
        let topic = format!("{INTENTS}{}", decision.team_id);
        let found = intents.remove(id).unwrap_or_default();
        let expected = i64::from(decision.fate == Fate::Sent);
        report.count(&topic, id, &format!("intents of {}", decision.trigger_id), expected, found.len() as i64);
        for (on, Read { key, value: intent }) in found {
            let agrees = on == topic
                && key == decision.person_id.to_string()
                && intent.trigger_id == decision.trigger_id
                && intent.trigger_version == decision.trigger_version
                && intent.team_id == decision.team_id
                && intent.person_id == decision.person_id
                && intent.account_id == decision.account_id
                && intent.channel == decision.channel
                && intent.decided_at == decision.decided_at
                && intent.valid_until_at == decision.valid_until_at
                && rule(&intent.trigger_id).is_none_or(|rule| rule.action == intent.action)
                && serde_json::from_str::<serde_json::Value>(&intent.payload).is_ok_and(|payload| payload.is_object());
            if !agrees {
                report.add(on, id, format!("the intent of {decision:?}"), format!("{intent:?}"));
            }
        }
    }
    for (topic, record) in intents.into_values().flatten() {
        report.add(topic, record.value.decision_id, "an intent of a decision", record.value.trigger_id);
    }
}

/// A person's arm in an experiment is fixed by the first decision that was sent or held out.
fn check_arms(decisions: &[Decision], report: &mut Report) {
    let mut arms: BTreeMap<(PersonId, &str), Arm> = BTreeMap::new();
    for decision in decisions {
        if decision.fate != Fate::Sent && decision.reason != Some(WithheldReason::HeldOut) {
            continue;
        }
        let arm = *arms.entry((decision.person_id, &decision.trigger_id)).or_insert(decision.arm);
        if arm != decision.arm {
            report.add(TOPIC, &decision.decision_id, format!("arm {arm:?}"), format!("arm {:?}", decision.arm));
        }
    }
}

/// What a person was sent within a window never exceeds a cap. A send happens between the time of eligibility and the end
/// of validity, so those that became eligible within the window less the validity were certainly sent within it.
fn check_caps(decisions: &[Decision], report: &mut Report) {
    let mut sent: BTreeMap<PersonId, Vec<(&Decision, &Rule)>> = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| decision.fate == Fate::Sent) {
        if let Some(rule) = rule(&decision.trigger_id) {
            sent.entry(decision.person_id).or_default().push((decision, rule));
        }
    }
    for (person_id, mut sends) in sent {
        sends.sort_by_key(|(decision, _)| decision.decided_at);
        for (last, (decision, rule)) in sends.iter().enumerate() {
            for cap in rule.caps {
                let slack = sends.iter().map(|(_, other)| other.validity_ms).max().unwrap_or(0);
                let from = decision.decided_at - (cap.days * DAY_MS - slack).max(0);
                let counted = |(other, of): &&(&Decision, &Rule)| {
                    other.decided_at > from && (cap.counts)(of, rule) && of.action == "message"
                };
                let used = sends[..last].iter().filter(counted).count() + 1;
                if used > cap.max {
                    let key = format!("{person_id} by {}", rule.id);
                    report.add(TOPIC, key, format!("at most {} {} in {} d", cap.max, cap.scope, cap.days), used);
                }
            }
        }
    }
}
