//! Error rates under peeking: how often an effect is seen where there is none, and how often where there is one.
//!
//! Runs without an effect are a thousand, of which the level allows 50, and [`most`] 70: see there.

use tributary_lift::Design;

use crate::trial::{Outcome, Seen, Trial, most};

const RUNS: u64 = 1_000;
/// Runs to tell power from.
const POWER_RUNS: u64 = 300;
const ALPHA: f64 = 0.05;

fn no_effect(treated_share: f64, outcome: Outcome, persons: usize, batch: usize) -> Trial {
    Trial { treated_share, treated: outcome, held_out: outcome, persons, batch }
}

/// The sequence keeps its level over all looks, where the interval for one look does not: it does so at one look.
#[track_caller]
fn assert_level(what: &str, trial: Trial, seed: u64) {
    assert_level_by(what, trial, &trial.design(), seed);
}

#[track_caller]
fn assert_level_by(what: &str, trial: Trial, design: &Design, seed: u64) {
    let seen = trial.run(RUNS, design, seed);
    eprintln!("{what}: {seen:?}");
    assert!(seen.fewest_looks >= 200, "{what}: {} looks are few", seen.fewest_looks);
    let most = most(RUNS, ALPHA);
    assert!(seen.anytime <= most, "{what}: {} of {RUNS} runs saw an effect, not {most}", seen.anytime);
    assert!(seen.anytime_adjusted <= most, "{what}: {} of {RUNS} adjusted", seen.anytime_adjusted);
    assert!(seen.fixed_at_end <= most, "{what}: {} of {RUNS} at the end", seen.fixed_at_end);
    let clearly = (3.0 * ALPHA * RUNS as f64) as usize;
    assert!(seen.fixed >= clearly, "{what}: the test has no teeth, {} of {RUNS} by the interval", seen.fixed);
}

#[test]
fn rare_sales_keep_the_level() {
    assert_level("sales of 2 %", no_effect(0.5, Outcome::Sale(0.02), 40_000, 100), 1_000_000);
}

#[test]
fn rare_sales_keep_the_level_when_few_are_held_out() {
    assert_level("sales of 2 %, a tenth held out", no_effect(0.9, Outcome::Sale(0.02), 160_000, 400), 2_000_000);
}

#[test]
fn skewed_spend_keeps_the_level() {
    assert_level("spend of 1 %", no_effect(0.5, Outcome::Spend(0.01), 60_000, 150), 3_000_000);
}

#[test]
fn skewed_spend_keeps_the_level_when_few_are_held_out() {
    assert_level("spend of 2 %, a tenth held out", no_effect(0.9, Outcome::Spend(0.02), 160_000, 400), 4_000_000);
}

/// Where an eighth of the persons was planned for, the boundary is nearest when least is known.
#[test]
fn a_plan_that_was_wrong_keeps_the_level() {
    let trial = no_effect(0.9, Outcome::Spend(0.02), 160_000, 400);
    assert_level_by("spend of 2 %, planned for fewer", trial, &Design::new(0.9, 20_000).unwrap(), 4_500_000);
}

#[test]
fn adjusted_outcomes_keep_the_level() {
    assert_level("habits", no_effect(0.5, Outcome::HABIT, 4_000, 10), 5_000_000);
}

/// An effect is found in so many of a hundred runs, at any look, and in so many by a single look at the end.
#[track_caller]
fn assert_power(what: &str, trial: Trial, seed: u64, least: usize) -> Seen {
    let seen = trial.run(POWER_RUNS, &trial.design(), seed);
    eprintln!("{what}: {seen:?} of {POWER_RUNS}");
    assert!(seen.anytime >= least, "{what}: {} of {POWER_RUNS} runs saw the effect, not {least}", seen.anytime);
    // What it costs to be free to look: the test for one look finds more at the end.
    assert!(seen.fixed_at_end >= seen.anytime, "{what}: {seen:?}");
    seen
}

#[test]
fn a_lift_of_three_tenths_on_rare_sales_is_found() {
    let trial = Trial {
        treated_share: 0.5,
        treated: Outcome::Sale(0.026),
        held_out: Outcome::Sale(0.02),
        persons: 40_000,
        batch: 100,
    };
    assert_power("sales of 2.6 % over 2 %", trial, 6_000_000, 240);
}

#[test]
fn twice_the_spend_is_found() {
    let trial = Trial {
        treated_share: 0.5,
        treated: Outcome::Spend(0.02),
        held_out: Outcome::Spend(0.01),
        persons: 20_000,
        batch: 100,
    };
    assert_power("spend of 2 % over 1 %", trial, 6_100_000, 240);
}

#[test]
fn the_adjusted_sequence_finds_what_the_plain_one_misses() {
    let trial = Trial {
        treated_share: 0.5,
        treated: Outcome::Habit { more: 20 },
        held_out: Outcome::HABIT,
        persons: 2_000,
        batch: 20,
    };
    let seen = assert_power("habits and 20 more", trial, 6_200_000, 1);
    assert!(seen.anytime_adjusted >= 240, "{seen:?}");
    assert!(seen.anytime < 150, "{seen:?}");
}
