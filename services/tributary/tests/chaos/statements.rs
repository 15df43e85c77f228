//! The journey stream folded into what stands, with every record checked on the way: said once, taken back once, in turn.

use std::collections::BTreeMap;

use tributary_model::{JourneyEvent, PersonId};

/// What stands of the journeys.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    /// By touchpoint id and person: the latest revision, and the statement unless it was taken back.
    by_touch: BTreeMap<(String, PersonId), (i32, Option<JourneyEvent>)>,
}

impl Statements {
    /// Takes one record over; tells what is wrong with it.
    pub(crate) fn apply(&mut self, event: JourneyEvent) -> Option<String> {
        let key = (event.touchpoint.touchpoint_id.clone(), event.person_id);
        let (revision, standing) = self.by_touch.entry(key).or_insert((0, None));
        let place = format!("journeys: {} at {}", event.touchpoint.touchpoint_id, event.person_id);
        if event.retracted {
            let wrong = match standing.take() {
                None => Some(format!("{place}: revision {} is taken back and does not stand", event.revision)),
                Some(before) => {
                    let same = JourneyEvent { retracted: true, ..before };
                    (same != event).then(|| format!("{place}: taken back is not what was said, {same:?}, {event:?}"))
                }
            };
            return wrong;
        }
        let wrong = if standing.is_some() {
            Some(format!("{place}: revision {} is said while {revision} stands", event.revision))
        } else if event.revision != *revision + 1 {
            Some(format!("{place}: revision {} follows {revision}", event.revision))
        } else {
            None
        };
        *revision = event.revision;
        *standing = Some(event);
        wrong
    }

    /// What stands, by person.
    pub(crate) fn by_person(&self) -> BTreeMap<PersonId, Vec<&JourneyEvent>> {
        let mut by_person: BTreeMap<PersonId, Vec<&JourneyEvent>> = BTreeMap::new();
        for ((_, person), (_, standing)) in &self.by_touch {
            if let Some(event) = standing {
                by_person.entry(*person).or_default().push(event);
            }
        }
        by_person
    }

    /// Ids of all touchpoints that were ever on a journey.
    pub(crate) fn touches(&self) -> impl Iterator<Item = &str> {
        self.by_touch.keys().map(|(id, _)| id.as_str())
    }
}
