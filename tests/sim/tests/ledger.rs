//! The decision ledger is the same whatever goes wrong: a fixed set of seeds, each with its faults and without.

use tributary_test_sim::campaign::{Trial, campaign};
use tributary_test_sim::report::report;

/// As many as there is time for; `just sim-ledger` runs more.
const SEEDS: u64 = 40;

#[test]
fn the_ledger_is_the_same_through_crashes_standstills_and_rebalances() {
    let started = std::time::Instant::now();
    let totals = campaign(Trial::Ledger, 0..SEEDS, 1, 3, |_, _| {});
    let text = report(&totals, started.elapsed());
    assert!(totals.failed.is_empty(), "{text}");
    assert_eq!(totals.seeds, SEEDS);
    // What could be different was there, and what could make it so has happened.
    let counts = [totals.crash_count(), totals.stalls, totals.aborts, totals.rebalances, totals.restored_entries];
    assert!(counts.iter().all(|count| *count > 100), "{text}");
    let many = ["tributary.decisions", "tributary.outcomes", "intents", "sent", "held_out", "capped", "expired"];
    let some = ["suppressed", "quiet_hours", "no_consent", "contaminated", "persons merged"];
    let wanted = many.map(|what| (what, 100)).into_iter().chain(some.map(|what| (what, 10)));
    let wanted = wanted.chain([("lost_arbitration", 1)]);
    for (what, least) in wanted {
        assert!(totals.ledger.get(what).is_some_and(|count| *count >= least), "{least} of {what}: {text}");
    }
}
