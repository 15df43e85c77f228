//! What a run comes to, whatever the order in which things happened: for comparing a run with faults to one without.
//!
//! The ids of persons depend on the order in which evidence arrives, and so do decisions; the sets of touches that make a
//! person, and the context of each touch, do not.

use std::collections::BTreeMap;

use tributary_model::path::PathCounts;
use tributary_model::scorecard::Measures;
use tributary_model::{JourneyEvent, PersonId};

use super::journeys::standing;
use crate::outputs::Outputs;

/// The order-independent outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Of each touch: the first touch of its person, and its statement without what is named by order.
    touches: BTreeMap<String, (String, String)>,
    /// Of each scorecard: its measures, decisions aside.
    scorecards: BTreeMap<String, Measures>,
    /// Of each path: how many went it.
    paths: BTreeMap<String, PathCounts>,
    /// Reason codes of dead letters.
    dead_letters: Vec<Vec<u8>>,
}

impl Picture {
    /// The outcome that these outputs show.
    #[must_use]
    pub fn new(outputs: &Outputs) -> Self {
        let mut first: BTreeMap<PersonId, &str> = BTreeMap::new();
        for event in standing(&outputs.journeys) {
            let id = event.touchpoint.touchpoint_id.as_str();
            let name = first.entry(event.person_id).or_insert(id);
            *name = (*name).min(id);
        }
        let touches = standing(&outputs.journeys).map(|event| {
            let id = event.touchpoint.touchpoint_id.clone();
            (id, (first[&event.person_id].to_owned(), statement(event)))
        });
        let touches = touches.collect();
        let scorecards = outputs.scorecards.iter().map(|(key, scorecard)| {
            let mut measures = scorecard.measures.clone();
            measures.decisions_sent = 0;
            measures.decisions_withheld.clear();
            measures.outcomes.clear();
            measures.suppressions = 0;
            measures.leaks = 0;
            measures.loops = 0;
            measures.loop_ms = 0;
            (String::from_utf8_lossy(key).into_owned(), measures)
        });
        let scorecards = scorecards.filter(|(_, measures)| !measures.is_zero()).collect();
        let paths =
            outputs.paths.iter().map(|(key, counts)| (String::from_utf8_lossy(key).into_owned(), counts.clone()));
        let paths = paths.collect();
        let mut dead_letters: Vec<Vec<u8>> = outputs.dead_letters.iter().map(|letter| letter.key.clone()).collect();
        dead_letters.sort();
        Self { touches, scorecards, paths, dead_letters }
    }
}

/// A statement without its revision and without ids of persons.
fn statement(event: &JourneyEvent) -> String {
    let mut event = JourneyEvent { revision: 0, ..event.clone() };
    event.session.session_id.clear();
    let person = event.person_id;
    format!("{event:?}").replace(&format!("{person:?}"), "person")
}

/// What is different in `found`, in one line each, at most ten of a kind.
#[must_use]
pub fn differences(expected: &Picture, found: &Picture) -> Vec<String> {
    let mut lines = Vec::new();
    compare("journeys", &expected.touches, &found.touches, &mut lines);
    compare("scorecards", &expected.scorecards, &found.scorecards, &mut lines);
    compare("paths", &expected.paths, &found.paths, &mut lines);
    if expected.dead_letters != found.dead_letters {
        lines.push(format!(
            "dead letters: {} expected, {} found",
            expected.dead_letters.len(),
            found.dead_letters.len()
        ));
    }
    lines
}

fn compare<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: &BTreeMap<String, T>,
    found: &BTreeMap<String, T>,
    lines: &mut Vec<String>,
) {
    let keys = expected.keys().chain(found.keys().filter(|key| !expected.contains_key(*key)));
    let different = keys.filter(|key| expected.get(*key) != found.get(*key));
    for key in different.take(10) {
        lines.push(format!("{what}: {key}: {:?} expected, {:?} found", expected.get(key), found.get(key)));
    }
}
