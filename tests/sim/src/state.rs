//! What the workers of a stage have for their state at the end of a run, held against what the changelogs tell: a state
//! that has kept what it should have let go of, or lacks what it should have, is wrong even if no event ever asks for it
//! again.

use std::collections::BTreeMap;

use tributary_stream::{Slot as Changelog, Stage};

use crate::log::SimLog;

/// So many entries are named of one stage.
const MAX_NAMED: usize = 3;

/// Entries of the stores of a stage, by changelog and key.
pub(crate) type Entries = BTreeMap<(Changelog, Vec<u8>), Vec<u8>>;

/// What the changelogs of a stage say that its state is.
pub(crate) fn of_changelogs(log: &SimLog, stage: &Stage) -> Entries {
    let mut entries = Entries::new();
    for (store, topic) in stage.changelogs().iter().enumerate() {
        for (partition, _, stored) in log.committed(topic) {
            let place = (Changelog { store, partition }, stored.key);
            match stored.value {
                Some(value) => drop(entries.insert(place, value)),
                None => drop(entries.remove(&place)),
            }
        }
    }
    entries
}

/// Where the state is not what it should be.
pub(crate) fn differences(stage: &Stage, right: &Entries, has: &Entries) -> Vec<String> {
    let lacks = right.keys().filter(|place| !has.contains_key(*place)).map(|place| (place, "is missing"));
    let differs = right.iter().filter(|(place, value)| has.get(*place).is_some_and(|other| other != *value));
    let kept = has.keys().filter(|place| !right.contains_key(*place)).map(|place| (place, "should be gone"));
    let all = lacks.chain(differs.map(|(place, _)| (place, "has another value"))).chain(kept);
    let changelogs = stage.changelogs();
    let describe = |((Changelog { store, partition }, key), what): (&(Changelog, Vec<u8>), &str)| {
        let changelog = changelogs.get(*store).map_or("no changelog", String::as_str);
        format!("the state of {changelog}, partition {partition}: {} {what}", key.escape_ascii())
    };
    all.take(MAX_NAMED).map(describe).collect()
}
