//! Small costs for tests, easy to reckon with by hand.

use crate::costs::{Costs, Runtime, Stage, Write};
use crate::figure::Figure;

/// These stages behind a gateway that costs 10 µs an event and writes `raw`. A commit takes 10 ms.
pub(crate) fn costs(stages: Vec<Stage>) -> Costs {
    let mut gateway = stage("gateway", &[], 10.0);
    gateway.writes = vec![write("raw", "record", 1.0)];
    Costs { runtime: runtime(), stages: std::iter::once(gateway).chain(stages).collect() }
}

pub(crate) fn runtime() -> Runtime {
    let figure = Figure::assumed;
    Runtime {
        record_overhead_bytes: figure(100.0),
        marker_bytes: figure(80.0),
        commit_interval_ms: figure(90.0),
        commit_records: figure(1e9),
        session_timeout_ms: figure(10_000.0),
        transaction_timeout_ms: figure(15_000.0),
        transaction_check_ms: figure(10_000.0),
        commit_ms: figure(10.0),
        commit_spread: figure(0.0),
        commit_ms_per_partition: figure(0.0),
        commit_cpu_us: figure(0.0),
        hop_ms: figure(1.0),
        rebalance_ms: figure(1_000.0),
        restart_ms: figure(4_000.0),
        standby_behind_ms: figure(10_000.0),
        checkpoint_behind_ms: figure(60_000.0),
        restore_checkpoint_per_s: figure(1_000_000.0),
        restore_changelog_per_s: figure(500_000.0),
        skew: figure(1.0),
        spread: figure(0.0),
        compaction: figure(2.0),
        process_mbytes: figure(0.0),
    }
}

/// A stage that costs as much on its thread as in all.
pub(crate) fn stage(name: &str, reads: &[&str], us: f64) -> Stage {
    Stage {
        name: name.to_owned(),
        service: name.to_owned(),
        reads: reads.iter().map(|topic| (*topic).to_owned()).collect(),
        alone: false,
        cpu_us: Figure::assumed(us),
        thread_us: Figure::assumed(us),
        writes: Vec::new(),
        changelog: None,
        state: Vec::new(),
    }
}

/// Records of 900 bytes, which with the overhead are 1,000.
pub(crate) fn write(topic: &str, per: &str, records: f64) -> Write {
    Write {
        topic: topic.to_owned(),
        per: per.to_owned(),
        records: Figure::assumed(records),
        bytes: Figure::assumed(900.0),
        most_per_transaction: None,
    }
}
