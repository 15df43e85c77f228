//! `journeys`: a changelog that never contradicts itself, and that ends in the journeys that have to be.

use std::collections::BTreeMap;

use tributary_model::{JourneyEvent, PersonId};

use crate::check::read::Reader;
use crate::check::report::Report;
use crate::check::touchpoints::may_belong;
use crate::truth::World;

const TOPIC: &str = "tributary.journeys";
const ACCOUNT_TOUCHES: &str = "tributary.account-touches";

/// What a touch is stated at, and how often it was corrected there.
pub(super) type Revisions = BTreeMap<(String, PersonId), i32>;

/// The touches that were ever stated, and where.
pub(super) fn check(world: &World, ids: &[PersonId], reader: &Reader<'_>, report: &mut Report) -> Revisions {
    let (mut standing, revisions) = fold(world, reader, report);
    check_account_touches(&standing, &revisions, world, reader, report);
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
    revisions
}

/// Accounts hear of a touch once when it is first stated at a person, and once when it leaves the person for another.
fn check_account_touches(
    standing: &BTreeMap<(String, PersonId), JourneyEvent>,
    revisions: &Revisions,
    world: &World,
    reader: &Reader<'_>,
    report: &mut Report,
) {
    let mut found: BTreeMap<(String, String, PersonId, bool), i64> = BTreeMap::new();
    for record in reader.all::<JourneyEvent>(ACCOUNT_TOUCHES, report) {
        let event = record.value;
        let key = (record.key, event.touchpoint.touchpoint_id, event.person_id, event.retracted);
        *found.entry(key).or_default() += 1;
    }
    // The topic is internal and may have been left out.
    if found.is_empty() {
        return;
    }
    for (id, person_id) in revisions.keys() {
        let accounts = world.people.of_touch.get(id).map(|index| &world.people.all[*index]);
        let touch =
            accounts.and_then(|person| person.journey.iter().find(|event| event.touchpoint.touchpoint_id == *id));
        for account in touch.iter().flat_map(|event| &event.account_ids) {
            let has_left = !standing.contains_key(&(id.clone(), *person_id));
            for retracted in if has_left { vec![false, true] } else { vec![false] } {
                let key = (account.to_string(), id.clone(), *person_id, retracted);
                let count = found.remove(&key).unwrap_or(0);
                report.count(ACCOUNT_TOUCHES, format!("{id} of {account}, retracted {retracted}"), "records", 1, count);
            }
        }
    }
    for ((account, id, person_id, _), count) in found {
        report.count(ACCOUNT_TOUCHES, format!("{id} of {account} at {person_id}"), "records", 0, count);
    }
}

/// What stands in the end, and all that was ever stated; every record has to continue what was said of the touch at the person before.
fn fold(
    world: &World,
    reader: &Reader<'_>,
    report: &mut Report,
) -> (BTreeMap<(String, PersonId), JourneyEvent>, Revisions) {
    let mut standing: BTreeMap<(String, PersonId), JourneyEvent> = BTreeMap::new();
    let mut revisions = Revisions::new();
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
    (standing, revisions)
}
