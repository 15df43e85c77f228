//! The check of the arms' sizes.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_lift::{Alpha, Design, Moments, RatioVerdict, check_ratio, lift};

use crate::support::{assert_near, even};
use crate::trial::{Outcome, Trial, most};

const LEVEL: f64 = 0.001;

#[test]
fn the_statistic_is_that_of_pearson() {
    let found = check_ratio(5_100, 4_900, &even(10));
    assert_near(found.chi_square, 4.0, 1e-12, 4.0, "chi square");
    assert_near(found.p_value, 0.045_500_263_9, 1e-9, 1.0, "two standard deviations");
    let uneven = check_ratio(880, 120, &Design::new(0.9, 10).unwrap());
    assert_near(uneven.chi_square, 400.0 / 900.0 + 400.0 / 100.0, 1e-12, 4.0, "chi square");
    let nobody = check_ratio(0, 0, &even(10));
    assert_eq!((nobody.chi_square, nobody.p_value, nobody.ln_e_value), (0.0, 1.0, 0.0));
    assert_eq!(nobody.verdict, RatioVerdict::Matches);
}

/// The evidence as a bet on one person after the other, each time at the share that was seen so far, where a thousand
/// persons of the designed share came before the first.
#[test]
fn the_evidence_is_a_bet_on_each_person() {
    for (share, truth) in [(0.5, 0.5), (0.9, 0.9), (0.5, 0.6), (0.25, 0.2)] {
        let design = Design::new(share, 10).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let (mut ln_wealth, mut treated, mut held_out) = (0.0, 0, 0);
        for _ in 0..4_000 {
            let seen = f64::from(treated + held_out);
            let bet = (1_000.0 * share + f64::from(treated)) / (1_000.0 + seen);
            if random.random::<f64>() < truth {
                ln_wealth += (bet / share).ln();
                treated += 1;
            } else {
                ln_wealth += ((1.0 - bet) / (1.0 - share)).ln();
                held_out += 1;
            }
            let found = check_ratio(treated.into(), held_out.into(), &design);
            assert_near(found.ln_e_value, ln_wealth, 1e-9, 1.0, "wealth");
            assert_near(found.anytime_p_value, (-ln_wealth).exp().min(1.0), 1e-9, 1.0, "p-value");
        }
    }
}

#[test]
fn the_verdict_follows_the_level() {
    let verdict = |treated, held_out| check_ratio(treated, held_out, &even(10)).verdict;
    assert_eq!(verdict(10_000, 10_200), RatioVerdict::Matches);
    assert_eq!(verdict(10_000, 10_550), RatioVerdict::Suspect, "to who looks once");
    assert_eq!(verdict(10_550, 10_000), RatioVerdict::Suspect);
    assert_eq!(verdict(10_000, 10_700), RatioVerdict::Mismatch);
    assert_eq!(verdict(90, 10), RatioVerdict::Suspect);
    assert_eq!(verdict(300, 0), RatioVerdict::Mismatch);
    let lenient = even(10).with_ratio_alpha(Alpha::new(0.05).unwrap());
    assert_eq!(check_ratio(10_000, 10_550, &lenient).verdict, RatioVerdict::Mismatch);
}

/// Runs in which arms of this share are ever called a mismatch, or ever suspected, with looks at every twentieth
/// person.
fn alarms(runs: u64, persons: u32, share: f64, lost: f64, design: &Design) -> (usize, usize) {
    let (mut mismatches, mut suspects) = (0, 0);
    for seed in 0..runs {
        let mut random = ChaCha8Rng::seed_from_u64(7_000_000 + seed);
        let (mut treated, mut held_out) = (0, 0);
        let (mut mismatch, mut suspect) = (false, false);
        for number in 1..=persons {
            if random.random::<f64>() < share {
                treated += i64::from(lost == 0.0 || random.random::<f64>() >= lost);
            } else {
                held_out += 1;
            }
            if number % 20 == 0 {
                let verdict = check_ratio(treated, held_out, design).verdict;
                mismatch |= verdict == RatioVerdict::Mismatch;
                suspect |= verdict != RatioVerdict::Matches;
            }
        }
        mismatches += usize::from(mismatch);
        suspects += usize::from(suspect);
    }
    (mismatches, suspects)
}

/// At a level of 5 %, where false alarms are frequent enough to be counted.
#[test]
fn good_arms_raise_no_more_alarms_than_the_level() {
    const RUNS: u64 = 1_000;
    for share in [0.5, 0.9] {
        let design = Design::new(share, 10).unwrap().with_ratio_alpha(Alpha::new(0.05).unwrap());
        let (mismatches, suspects) = alarms(RUNS, 20_000, share, 0.0, &design);
        eprintln!("sizes at {share}: {mismatches} mismatches, {suspects} suspected in {RUNS} runs");
        assert!(mismatches <= most(RUNS, 0.05), "{mismatches}");
        assert!(suspects > 4 * most(RUNS, 0.05), "the test has no teeth: {suspects} suspected");
    }
}

#[test]
fn two_in_a_hundred_that_are_lost_on_one_side_are_missed() {
    const RUNS: u64 = 40;
    let design = even(10);
    assert_eq!(design.ratio_alpha().get(), LEVEL);
    let (found, _) = alarms(RUNS, 400_000, 0.5, 0.02, &design);
    eprintln!("two in a hundred lost: {found} found in {RUNS} runs");
    assert!(found >= 36, "{found}");
}

/// Among many looks a suspicion is nothing, so that it does not take the trust.
#[test]
fn a_suspicion_is_shown_but_takes_no_trust() {
    let arm = |persons: i64| Moments { persons, nonzero: 1, outcomes: 1, outcome_squares: 1, ..Moments::default() };
    let found = |held_out: i64| lift(&arm(10_000), &arm(held_out), &even(20_000)).unwrap();
    let suspect = found(10_550);
    assert_eq!((suspect.ratio.verdict, suspect.is_trusted), (RatioVerdict::Suspect, true));
    let mismatch = found(10_700);
    assert_eq!((mismatch.ratio.verdict, mismatch.is_trusted), (RatioVerdict::Mismatch, false));
    assert!(mismatch.plain.is_some(), "what there is, is shown");
}

/// A lift says itself that it is not to be trusted, and rarely when it is.
#[test]
fn a_lift_with_wrong_arms_is_not_trusted() {
    let sale = Outcome::Sale(0.05);
    let good = Trial { treated_share: 0.5, treated: sale, held_out: sale, persons: 20_000, batch: 200 };
    let seen = good.run(200, &even(20_000), 8_000_000);
    assert!(seen.mistrusted <= most(200, LEVEL), "{seen:?}");
    let wrong = Design::new(0.53, 20_000).unwrap();
    let seen = good.run(20, &wrong, 8_000_000);
    assert_eq!(seen.mistrusted, 20, "{seen:?}");
}
