//! The hub under the faults of a fixed set of seeds: what comes out is what a world without faults gives.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use tributary_test_sim::campaign::{Totals, campaign};
use tributary_test_sim::faults::Site;
use tributary_test_sim::report::report;

/// Seeds that once found something: they stay.
const REGRESSIONS: [u64; 5] = [
    // Restored from changelogs in which the end of a decided commit was not marked yet.
    84, 250, 302, 436, 598,
];

fn demand_no_difference(totals: &Totals, elapsed: std::time::Duration) {
    assert!(totals.failed.is_empty(), "{}", report(totals, elapsed));
}

#[test]
fn nothing_is_lost_or_doubled_whatever_happens() {
    let started = std::time::Instant::now();
    let totals = campaign(0..150, 1, 3, |_, _| {});
    demand_no_difference(&totals, started.elapsed());
    assert_eq!(totals.seeds, 150);
    // The faults that the seeds are for have really happened.
    let counts = [totals.crash_count(), totals.stalls, totals.refusals, totals.aborts, totals.rebalances];
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    assert!(totals.fencings > 0 && totals.expulsions > 0 && totals.timers > 0, "{totals:?}");
    for site in [Site::Commit, Site::OffsetsAdded, Site::Committed, Site::SendChange, Site::Restore, Site::Aborted] {
        assert!(totals.crashes.contains_key(&site), "no crash at {site:?}: {:?}", totals.crashes);
    }
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for seed in REGRESSIONS {
        let started = std::time::Instant::now();
        demand_no_difference(&campaign(seed..seed + 1, 1, 1, |_, _| {}), started.elapsed());
    }
}
