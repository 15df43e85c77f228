//! `journeys`: a changelog that never contradicts itself, and that ends in the journeys that have to be.

use std::collections::BTreeMap;

use tributary_model::{JourneyEvent, PersonId};

use crate::check::read::Reader;
use crate::check::report::Report;
use crate::check::touchpoints::may_belong;
use crate::truth::World;

const TOPIC: &str = "tributary.journeys";

pub(super) fn check(world: &World, ids: &[PersonId], reader: &Reader<'_>, report: &mut Report) {
    let mut standing = fold(world, reader, report);
    for (index, event) in world.people.journeys() {
        let person_id = ids[index];
        let touchpoint = &event.touchpoint;
        let key = (touchpoint.touchpoint_id.clone(), person_id);
        let name = format!("{} at {person_id}", touchpoint.touchpoint_id);
        let Some(mut found) = standing.remove(&key) else {
            report.add(TOPIC, name, "one statement that stands", "none");
            continue;
        };
        let mut expected = event.clone();
        expected.person_id = person_id;
        expected.session.session_id = format!("{person_id}:{}", event.session.started_at);
        // Checked on their own: how often it was corrected depends on the order of arrival.
        (expected.revision, found.revision) = (0, 0);
        // A producer that left the receive time to the broker.
        if world.ledger.touches.get(&touchpoint.touchpoint_id).is_some_and(|kept| kept.is_bare) {
            expected.touchpoint.received_at = found.touchpoint.received_at;
        }
        report.fields(TOPIC, name, &expected, &found);
    }
    for (id, person_id) in standing.keys() {
        report.add(TOPIC, format!("{id} at {person_id}"), "no statement that stands", "one");
    }
}

/// What stands in the end; every record has to continue what was said of the touch at the person before.
fn fold(world: &World, reader: &Reader<'_>, report: &mut Report) -> BTreeMap<(String, PersonId), JourneyEvent> {
    let mut standing: BTreeMap<(String, PersonId), JourneyEvent> = BTreeMap::new();
    let mut revisions: BTreeMap<(String, PersonId), i32> = BTreeMap::new();
    for record in reader.all::<JourneyEvent>(TOPIC, report) {
        let event = record.value;
        let id = event.touchpoint.touchpoint_id.clone();
        let name = format!("{id} at {}", event.person_id);
        if record.key != event.person_id.to_string() {
            report.add(TOPIC, &name, "the person as key", record.key);
        }
        if !may_belong(world, &id, event.person_id) {
            report.add(TOPIC, &name, "a person of the touch", event.person_id);
        }
        let key = (id, event.person_id);
        let revision = revisions.get(&key).copied().unwrap_or(0);
        if event.retracted {
            match standing.remove(&key) {
                None => report.add(TOPIC, name, "something to take back", "nothing"),
                Some(stated) => {
                    let repeated = JourneyEvent { retracted: false, ..event };
                    report.fields(TOPIC, format!("{name}, taking back"), &stated, &repeated);
                }
            }
            continue;
        }
        if event.revision != revision + 1 {
            report.add(TOPIC, &name, format!("revision {}", revision + 1), format!("revision {}", event.revision));
        }
        revisions.insert(key.clone(), event.revision);
        if standing.insert(key, event).is_some() {
            report.add(TOPIC, name, "the earlier statement to be taken back first", "two that stand");
        }
    }
    standing
}
