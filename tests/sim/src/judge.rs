//! The batch oracle's workload as arrivals, and what the hub made of it as the oracle wants to see it.

use tributary_stream::{OutRecord, StageCounts};
use tributary_test_oracle::{Oracle, Outputs, Record, START_AT, StageAccount, Workload};

use crate::workload::Arrival;
use crate::world::World;

/// Behind the last timer of the story: a world comes to rest only when none is left.
const AT_REST: i64 = START_AT + 100 * 24 * 3_600_000;

/// The events of a workload in the order of their arrival.
#[must_use]
pub fn arrivals(workload: &Workload) -> Vec<Arrival> {
    let arrivals = workload.events.iter().map(|event| Arrival {
        record: OutRecord {
            topic: event.topic.clone(),
            key: event.key.clone(),
            value: Some(event.value.clone()),
            headers: event.headers.clone(),
        },
        timestamp_ms: Some(event.timestamp_ms),
    });
    arrivals.collect()
}

/// What the oracle says about a world that has come to rest.
#[must_use]
pub fn judge(workload: &Workload, world: &World) -> Vec<String> {
    let mut outputs = Outputs::default();
    outputs.timers_fired_until = Some(AT_REST);
    for topic in world.log().topics().iter().filter(|topic| !topic.ends_with(".changelog")) {
        outputs.extend(world.log().committed(topic).into_iter().map(|(partition, offset, stored)| Record {
            topic: topic.clone(),
            partition,
            offset,
            key: stored.key,
            value: stored.value,
            headers: stored.headers,
        }));
    }
    let stages = world.stages().iter().enumerate();
    outputs.accounts = stages.map(|(of, stage)| account(stage.name, world.accounts(of))).collect();
    Oracle::new(workload).check(&outputs).iter().map(ToString::to_string).collect()
}

fn account(stage: &str, counts: StageCounts) -> StageAccount {
    StageAccount {
        stage: stage.to_owned(),
        accepted: counts.accepted_total(),
        processed: counts.processed,
        dead_lettered: counts.dead_lettered,
        dropped: counts.dropped,
        accepted_from: counts.accepted,
        emitted_to: counts.emitted,
    }
}
