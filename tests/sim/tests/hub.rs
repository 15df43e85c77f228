//! The hub under the faults of a fixed set of seeds: what comes out is what the oracle demands.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use tributary_test_sim::campaign::{Totals, Trial, campaign};
use tributary_test_sim::check::against_truth;
use tributary_test_sim::faults::{Profile, Site};
use tributary_test_sim::report::report;
use tributary_test_sim::run::live_in_waves;
use tributary_test_sim::workload::workload;

/// As many as there is time for; `just sim` runs more.
const SEEDS: u64 = 100;

fn demand_no_difference(totals: &Totals, elapsed: std::time::Duration) {
    assert!(totals.failed.is_empty(), "{}", report(totals, elapsed));
}

#[test]
fn nothing_is_lost_or_doubled_whatever_happens() {
    let started = std::time::Instant::now();
    let totals = campaign(Trial::Topics, 0..SEEDS, 1, 3, |_, _| {});
    demand_no_difference(&totals, started.elapsed());
    assert_eq!(totals.seeds, SEEDS);
    // The faults that the seeds are for have really happened.
    let counts = [totals.crash_count(), totals.stalls, totals.refusals, totals.aborts, totals.rebalances];
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    let checkpoints = [totals.checkpoints, totals.restored_entries, totals.damaged, totals.disk_refusals];
    assert!(checkpoints.iter().all(|count| *count > 50), "{checkpoints:?}");
    assert!(totals.found_stores > 20, "{} databases were found again", totals.found_stores);
    assert!(totals.fencings > 0 && totals.expulsions > 0 && totals.timers > 0, "{totals:?}");
    for site in [Site::Commit, Site::OffsetsAdded, Site::Committed, Site::SendChange, Site::Restore, Site::Aborted] {
        assert!(totals.crashes.contains_key(&site), "no crash at {site:?}: {:?}", totals.crashes);
    }
}

/// A commit's offsets may be visible before its end is marked in the changelogs. Whoever takes the partition over in
/// between must not go by the new offsets with the old state.
#[test]
fn partitions_move_while_commits_become_visible() {
    for seed in 0..12 {
        let profile = Profile { slow_markers: true, rebalance: 15, hiccup: 4, budget: 400, ..Profile::calm(3, 3) };
        let workload = workload(seed).unwrap();
        let lived = live_in_waves(&profile, seed, workload.waves(), false).unwrap();
        assert!(lived.world.log().rebalances() > 50, "{} rebalances", lived.world.log().rebalances());
        let mut differences = lived.broken;
        differences.extend(against_truth(&workload, &lived.outputs));
        assert_eq!(differences, Vec::<String>::new(), "seed {seed}");
    }
}
