//! Every record is accounted for: by each stage, from stage to stage, and against what lies on the topics.

use std::collections::BTreeMap;

use tributary_model::topics;
use tributary_stream::StageCounts;

use crate::outputs::Outputs;
use crate::world::World;

pub(super) fn check(world: &World, outputs: &Outputs) -> Vec<String> {
    let mut found = Vec::new();
    let mut emitted: BTreeMap<String, i64> = BTreeMap::new();
    let on = |topic: &str| outputs.counts.get(topic).copied().unwrap_or(0);
    for (of, stage) in world.stages().iter().enumerate() {
        let counts = world.accounts(of);
        for topic in stage.leader_topics.iter().chain(&stage.sibling_topics) {
            let taken = counts.accepted.get(topic).copied().unwrap_or(0);
            if taken != on(topic) {
                found.push(format!("{}: {} records on {topic} and {taken} taken", stage.name, on(topic)));
            }
        }
        found.extend(adds_up(stage.name, &counts));
        for (topic, count) in counts.emitted {
            *emitted.entry(topic).or_default() += count;
        }
    }
    for (topic, count) in &outputs.counts {
        let pills = outputs.pills.get(topic).copied().unwrap_or(0);
        let written = emitted.get(topic).copied().unwrap_or(0) + pills;
        let is_raw = topics::is_open(topic) || topic == topics::CANVAS;
        if !is_raw && written != *count {
            found.push(format!("{topic}: {count} records and {written} written by the stages' accounts"));
        }
    }
    found
}

fn adds_up(stage: &str, counts: &StageCounts) -> Option<String> {
    let (taken, explained) =
        (counts.accepted_total(), counts.processed + counts.dead_lettered + counts.dropped_total());
    (taken != explained || counts.timers_poisoned != 0)
        .then(|| format!("{stage}: {taken} taken, {explained} explained, {} timers failed", counts.timers_poisoned))
}
