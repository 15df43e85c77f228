//! What a campaign says while it runs and when it is through.

use std::time::Duration;

use crate::campaign::{Totals, Trial};
use crate::run::Outcome;

/// Time between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// Differences shown of each failed seed.
const MAX_SHOWN: usize = 8;
/// Characters shown of each difference.
const MAX_CHARS: usize = 600;

/// A function that prints a line of progress now and then.
pub fn show_progress(seeds: u64) -> impl FnMut(&Totals, Duration) {
    let mut next = PROGRESS_EVERY;
    move |totals, elapsed| {
        if elapsed >= next {
            next = elapsed + PROGRESS_EVERY;
            let rate = totals.seeds as f64 * 60.0 / elapsed.as_secs_f64();
            let (done, failed, crashes) = (totals.seeds, totals.failed.len(), totals.crash_count());
            eprintln!("{done} of {seeds} seeds, {rate:.0} a minute, {crashes} crashes, {failed} failed");
        }
    }
}

/// The command that replays a seed step by step.
#[must_use]
pub fn replay_command(trial: Trial, seed: u64) -> String {
    format!("cargo run --release -p tributary-test-sim -- {}--seed {seed} --trace", trial.option())
}

/// The summary of a campaign.
#[must_use]
pub fn report(totals: &Totals, elapsed: Duration) -> String {
    let mut text = String::new();
    let minutes = elapsed.as_secs_f64() / 60.0;
    let mut line = |name: &str, count: u64| text.push_str(&format!("{name:<28}{count:>14}\n"));
    line("seeds", totals.seeds);
    line("seeds a minute", (totals.seeds as f64 / minutes.max(f64::EPSILON)) as u64);
    line("raw events", totals.events);
    for (what, count) in &totals.ledger {
        line(&format!("  {what}"), *count);
    }
    line("steps", totals.steps);
    line("transactions committed", totals.transactions);
    line("transactions aborted", totals.aborts);
    line("rebalances", totals.rebalances);
    line("crashes", totals.crash_count());
    for (site, count) in &totals.crashes {
        line(&format!("  at {site:?}"), *count);
    }
    line("standstills", totals.stalls);
    line("refused steps", totals.refusals);
    line("producers fenced", totals.fencings);
    line("members expelled", totals.expulsions);
    line("timers fired", totals.timers);
    line("checkpoints written", totals.checkpoints);
    line("entries taken from them", totals.restored_entries);
    line("databases found again", totals.found_stores);
    line("checkpoints damaged", totals.damaged);
    line("calls refused by disks", totals.disk_refusals);
    line("seeds that failed", totals.failed.len() as u64);
    for (seed, differences) in &totals.failed {
        text.push_str(&failure(totals.trial, *seed, differences));
    }
    text
}

/// What one seed came to.
#[must_use]
pub fn report_one(trial: Trial, outcome: &Outcome) -> String {
    if outcome.differences.is_empty() {
        let crashes: u64 = outcome.crashes.values().sum();
        let (seed, events, commits) = (outcome.seed, outcome.events, outcome.log.commits);
        return format!("seed {seed}: {events} raw events, {commits} transactions, {crashes} crashes, no difference\n");
    }
    failure(trial, outcome.seed, &outcome.differences)
}

fn failure(trial: Trial, seed: u64, differences: &[String]) -> String {
    let mut text = format!("\nseed {seed}: {} differences\n", differences.len());
    for difference in differences.iter().take(MAX_SHOWN) {
        let short: String = difference.chars().take(MAX_CHARS).collect();
        text.push_str(&format!("  {short}\n"));
    }
    text.push_str(&format!("  replay: {}\n", replay_command(trial, seed)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_seed_is_shown_with_the_command_that_replays_it() {
        let mut totals = Totals::default();
        totals.add(Outcome { seed: 3, events: 20, ..Outcome::default() });
        totals.add(Outcome { seed: 4, differences: vec!["journeys: m-1 is missing".to_owned()], ..Outcome::default() });
        let text = report(&totals, Duration::from_secs(30));
        for part in ["seeds                                    2", "m-1 is missing", "--seed 4 --trace", "a minute"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("seed 3:"), "{text}");
        let text = report(&Totals { trial: Trial::Ledger, ..totals }, Duration::from_secs(30));
        assert!(text.contains("-- --ledger --seed 4 --trace"), "{text}");
    }
}
