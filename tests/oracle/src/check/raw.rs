//! What really came in: the raw topics, when they are among the outputs.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::read::{position, text};
use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::workload::{Event, Workload};

/// The events on the raw topics in the order of their partitions, repeats included; `None` when no raw topic is given.
/// An event that was to be produced and is not there is a difference, and so is a record that no event explains.
pub(super) fn arrived<'a>(workload: &'a Workload, outputs: &Outputs, report: &mut Report) -> Option<Vec<&'a Event>> {
    let topics: Vec<&str> = outputs.topics("tributary.raw.").collect();
    if topics.is_empty() {
        return None;
    }
    // Repeats have their own receive time, and so their own bytes; records of own producers may have the same.
    let mut known: BTreeMap<(&str, &[u8], &[u8]), &Event> = BTreeMap::new();
    for event in &workload.events {
        known.entry((&event.topic, &event.key, &event.value)).or_insert(event);
    }
    let mut missing: BTreeSet<(&str, &[u8], &[u8])> = known.keys().copied().collect();
    let mut events = Vec::new();
    for record in topics.into_iter().flat_map(|topic| outputs.records(topic)) {
        let value = record.value.as_deref().unwrap_or_default();
        match known.get(&(record.topic.as_str(), record.key.as_slice(), value)) {
            Some(event) => {
                missing.remove(&(record.topic.as_str(), record.key.as_slice(), value));
                events.push(*event);
            }
            None => report.add(&record.topic, position(record), "an event of the workload", text(&record.key)),
        }
    }
    for (topic, key, _) in missing {
        report.add(topic, text(key), "the event that was produced", "nothing");
    }
    Some(events)
}
