//! `touchpoints`: each once, as it has to be. `resolved`: each once from its owner, then forwarded step by step.

use std::collections::BTreeMap;

use tributary_model::identity::Resolved;
use tributary_model::{PersonId, Touchpoint};

use crate::check::journeys::Revisions;
use crate::check::read::{Read, Reader};
use crate::check::report::Report;
use crate::names::{person_of, stand_in, written};
use crate::truth::World;
use crate::truth::ledger::Ledger;

const TOUCHPOINTS: &str = "tributary.touchpoints";
const RESOLVED: &str = "tributary.resolved";

/// The touchpoints that were found, by id.
pub(super) fn check(ledger: &Ledger, reader: &Reader<'_>, report: &mut Report) -> BTreeMap<String, Touchpoint> {
    let mut found: BTreeMap<String, Vec<Read<Touchpoint>>> = BTreeMap::new();
    for record in reader.all::<Touchpoint>(TOUCHPOINTS, report) {
        found.entry(record.value.touchpoint_id.clone()).or_default().push(record);
    }
    for (id, kept) in &ledger.touches {
        let records = found.get(id).map_or(&[][..], Vec::as_slice);
        report.count(TOUCHPOINTS, id, "records", 1, records.len() as i64);
        let first = kept.touchpoint.identifiers.first().map(written);
        for record in records {
            let mut expected = kept.touchpoint.clone();
            if kept.is_bare {
                expected.received_at = record.value.received_at;
            }
            report.fields(TOUCHPOINTS, id, &expected, &record.value);
            let key = first.as_ref().unwrap_or(id);
            if record.key != *key {
                report.add(TOUCHPOINTS, id, format!("key {key}"), format!("key {}", record.key));
            }
        }
    }
    for id in found.keys().filter(|id| !ledger.touches.contains_key(*id)) {
        report.add(TOUCHPOINTS, id, "no such touchpoint", "one");
    }
    found.into_iter().filter_map(|(id, mut records)| Some((id, records.pop()?.value))).collect()
}

/// Each touchpoint was resolved once, and every forward of it continues the one before.
pub(super) fn check_resolved(
    world: &World,
    touchpoints: &BTreeMap<String, Touchpoint>,
    stated: &Revisions,
    reader: &Reader<'_>,
    report: &mut Report,
) {
    let mut found: BTreeMap<String, Vec<Read<Resolved>>> = BTreeMap::new();
    for record in reader.all::<Resolved>(RESOLVED, report) {
        if record.key != record.value.person_id.to_string() {
            report.add(RESOLVED, &record.value.touchpoint.touchpoint_id, record.value.person_id, record.key.clone());
        }
        found.entry(record.value.touchpoint.touchpoint_id.clone()).or_default().push(record);
    }
    for (id, kept) in &world.ledger.touches {
        let mut records = found.remove(id).unwrap_or_default();
        records.sort_by_key(|record| record.value.hops);
        report.count(RESOLVED, id, "record from the owner", 1, hops(&records, 0));
        for (hop, record) in (0..).zip(&records) {
            let Resolved { person_id, via, hops, touchpoint } = &record.value;
            if *hops != hop {
                report.add(RESOLVED, id, format!("forward {hop} next"), format!("forward {hops}"));
            }
            if let Some(stated) = touchpoints.get(id) {
                report.fields(RESOLVED, id, stated, touchpoint);
            }
            if !may_belong(world, id, *person_id) {
                let name = world.people.of_touch.get(id).map(|index| world.people.all[*index].name());
                report.add(RESOLVED, id, format!("a person of {}", name.unwrap_or_default()), person_id);
            }
            let is_named = kept.touchpoint.identifiers.contains(via)
                || (kept.touchpoint.identifiers.is_empty() && written(via) == format!("touchpoint:{id}"));
            if !is_named {
                report.add(RESOLVED, id, "an identifier of the touchpoint", written(via));
            }
            // A person who forwards states nothing; the last one does.
            let is_last = hop as usize + 1 == records.len();
            if stated.contains_key(&(id.clone(), *person_id)) != is_last {
                let (expected, found) = if is_last { ("to be", "not") } else { ("not to be", "stated") };
                report.add(RESOLVED, format!("{id} at {person_id}"), format!("{expected} stated there"), found);
            }
        }
    }
    for id in found.keys() {
        report.add(RESOLVED, id, "no such touchpoint", "one");
    }
}

fn hops(records: &[Read<Resolved>], hops: i32) -> i64 {
    records.iter().filter(|record| record.value.hops == hops).count() as i64
}

/// Whether a person id is one of those that may stand for the person of a touch.
pub(super) fn may_belong(world: &World, touchpoint_id: &str, person_id: PersonId) -> bool {
    let Some(index) = world.people.of_touch.get(touchpoint_id) else { return false };
    let person = &world.people.all[*index];
    world.people.of_id.get(&person_id) == Some(index)
        || person.shared.iter().any(|shared| person_of(shared) == person_id)
        || (person.identifiers.is_empty() && stand_in(touchpoint_id) == person_id)
}
