//! Every touchpoint stands once, at a person that nobody was merged into another; statements and retractions alternate.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::{JourneyEvent, PersonId, Touchpoint};

use crate::outputs::Outputs;

pub(super) fn check(outputs: &Outputs) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for touchpoint in &outputs.touchpoints {
        if !ids.insert(&touchpoint.touchpoint_id) {
            found.push(format!("touchpoints: {} twice", touchpoint.touchpoint_id));
        }
    }
    found.extend(revisions(&outputs.journeys));
    let merged = merged_away(outputs, &mut found);
    let mut places: BTreeMap<&str, Vec<PersonId>> = BTreeMap::new();
    for event in standing(&outputs.journeys) {
        places.entry(&event.touchpoint.touchpoint_id).or_default().push(event.person_id);
        if merged.contains(&event.person_id) {
            let id = &event.touchpoint.touchpoint_id;
            found.push(format!("journeys: {id} stands at {}, which was merged away", event.person_id));
        }
    }
    for touchpoint in outputs.touchpoints.iter().filter(|touchpoint| is_erased(outputs, touchpoint)) {
        let id = touchpoint.touchpoint_id.as_str();
        ids.remove(&touchpoint.touchpoint_id);
        if places.remove(id).is_some() {
            found.push(format!("journeys: {id} stands though it was erased"));
        }
    }
    for id in ids {
        match places.remove(id.as_str()) {
            None => found.push(format!("journeys: {id} is missing")),
            Some(persons) if persons.len() > 1 => found.push(format!("journeys: {id} stands at {persons:?}")),
            Some(_) => {}
        }
    }
    found.extend(places.into_keys().map(|id| format!("journeys: {id} was never a touchpoint")));
    found
}

/// True when the touchpoint's identifier was erased with what was received then.
fn is_erased(outputs: &Outputs, touchpoint: &Touchpoint) -> bool {
    let first = touchpoint.identifiers.first().and_then(|first| outputs.erased.get(first));
    first.is_some_and(|until| touchpoint.received_at <= *until)
}

/// The statements that are not taken back.
pub(crate) fn standing(journeys: &[JourneyEvent]) -> impl Iterator<Item = &JourneyEvent> {
    let mut stand: BTreeMap<(PersonId, &str), &JourneyEvent> = BTreeMap::new();
    for event in journeys {
        let key = (event.person_id, event.touchpoint.touchpoint_id.as_str());
        if event.retracted {
            stand.remove(&key);
        } else {
            stand.insert(key, event);
        }
    }
    stand.into_values()
}

/// A statement is taken back before the next one, whose revision is one higher, and word for word.
fn revisions(journeys: &[JourneyEvent]) -> Vec<String> {
    let mut found = Vec::new();
    let mut last: BTreeMap<(PersonId, &str), &JourneyEvent> = BTreeMap::new();
    for event in journeys {
        let id = event.touchpoint.touchpoint_id.as_str();
        let before = last.insert((event.person_id, id), event);
        let fits = match before {
            None => !event.retracted && event.revision == 1,
            Some(before) if event.retracted => *event == JourneyEvent { retracted: true, ..before.clone() },
            Some(before) => before.retracted && event.revision == before.revision + 1,
        };
        if !fits {
            let what = if event.retracted { "retraction" } else { "statement" };
            found.push(format!(
                "journeys: {what} {} of {id} at {} follows {:?}",
                event.revision,
                event.person_id,
                before.map(|before| (before.revision, before.retracted))
            ));
        }
    }
    found
}

/// The persons that the alias table sends elsewhere.
fn merged_away(outputs: &Outputs, found: &mut Vec<String>) -> BTreeSet<PersonId> {
    let mut table: BTreeMap<PersonId, PersonId> = BTreeMap::new();
    let mut sequence = 0;
    for alias in &outputs.aliases {
        if outputs.erasures.contains(&alias.sequence) {
            // Somebody who was erased has come back.
            table.insert(alias.loser, alias.winner);
            continue;
        }
        // A split says anew what became of all that were merged into those whom it parts.
        let is_split = outputs.splits.contains(&alias.sequence);
        if !(is_split && alias.sequence == sequence) {
            sequence += 1;
            while outputs.erasures.contains(&sequence) {
                sequence += 1;
            }
        }
        if alias.sequence != sequence {
            found.push(format!("aliases: number {} where {sequence} was due", alias.sequence));
            sequence = alias.sequence;
        }
        if table.insert(alias.loser, alias.winner).is_some() && !is_split {
            found.push(format!("aliases: {} was merged away twice", alias.loser));
        }
    }
    for start in table.keys() {
        let mut at = start;
        let mut steps = 0;
        while let Some(next) = table.get(at) {
            (at, steps) = (next, steps + 1);
            if steps > table.len() {
                found.push(format!("aliases: {start} leads in a circle"));
                break;
            }
        }
    }
    table.into_keys().collect()
}
