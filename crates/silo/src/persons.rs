//! What is known of each person from the standing statements of `tributary.journeys`: facts, each with how often.
//!
//! A retraction repeats the statement that it takes back, and counts its facts down. Sums do not ask for an order, so
//! what is kept is that of the statements that stand, in whatever order they came. A person's memory grows with the
//! distinct facts about it (sources, kinds of identifiers, buckets of time) and not with its touches.

use rustc_hash::FxHashMap;
use tributary_model::{JourneyEvent, PersonId};

use crate::fact::{Fact, FactId, Facts};

/// The most contradicting touchpoints that are remembered of one person, to show as examples; all are counted.
const MAX_EXAMPLES: usize = 8;

/// A touchpoint that shows a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) conflict: FactId,
    pub(crate) touchpoint_id: Box<str>,
    pub(crate) count: i32,
}

/// All persons of the journeys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Persons {
    pub(crate) facts: Facts,
    by_id: FxHashMap<PersonId, Vec<(FactId, i32)>>,
    examples: FxHashMap<PersonId, Vec<Example>>,
}

impl Persons {
    /// Takes in one statement or retraction.
    pub(crate) fn apply(&mut self, event: &JourneyEvent) {
        let step = if event.retracted { -1 } else { 1 };
        let facts = self.facts.of(event);
        let counts = self.by_id.entry(event.person_id).or_default();
        for id in &facts {
            count(counts, *id, step);
        }
        if counts.is_empty() {
            self.by_id.remove(&event.person_id);
        }
        for id in facts {
            if matches!(self.facts.fact(id), Some(Fact::Conflict(_))) {
                self.keep_example(event, id, step);
            }
        }
    }

    /// The person was erased: nothing said so far counts.
    pub(crate) fn erase(&mut self, person_id: PersonId) {
        self.by_id.remove(&person_id);
        self.examples.remove(&person_id);
    }

    /// The facts of each person with their counts, and the examples of its conflicts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[(FactId, i32)], &[Example])> {
        self.by_id.iter().map(|(id, counts)| (counts.as_slice(), self.examples.get(id).map_or(&[][..], Vec::as_slice)))
    }

    fn keep_example(&mut self, event: &JourneyEvent, conflict: FactId, step: i32) {
        let examples = self.examples.entry(event.person_id).or_default();
        let touchpoint_id = event.touchpoint.touchpoint_id.as_str();
        let known = examples.iter().position(|one| one.conflict == conflict && *one.touchpoint_id == *touchpoint_id);
        match known {
            Some(place) => {
                examples[place].count += step;
                if examples[place].count == 0 {
                    examples.swap_remove(place);
                }
            }
            None if examples.len() < MAX_EXAMPLES => {
                examples.push(Example { conflict, touchpoint_id: touchpoint_id.into(), count: step });
            }
            None => {}
        }
        if examples.is_empty() {
            self.examples.remove(&event.person_id);
        }
    }
}

/// Counts a fact up or down; what comes to nothing takes no room.
fn count(counts: &mut Vec<(FactId, i32)>, id: FactId, step: i32) {
    match counts.binary_search_by_key(&id, |(known, _)| *known) {
        Ok(place) => {
            counts[place].1 = counts[place].1.saturating_add(step);
            if counts[place].1 == 0 {
                counts.remove(place);
            }
        }
        Err(place) => counts.insert(place, (id, step)),
    }
}
