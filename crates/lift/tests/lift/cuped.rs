//! The adjustment for the time before, against the same computed from adjusted outcomes.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Values, arms, assert_near, even, lift_of, plain};

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Sum of the products of the distances from the means.
fn about_means(one: &[f64], other: &[f64]) -> f64 {
    let (one_mean, other_mean) = (mean(one), mean(other));
    one.iter().zip(other).map(|(x, y)| (x - one_mean) * (y - other_mean)).sum()
}

fn columns(persons: &[Values]) -> (Vec<f64>, Vec<f64>) {
    persons.iter().map(|(outcome, covariate)| (*outcome as f64, *covariate as f64)).unzip()
}

/// Adjusts every outcome and compares as if that were the outcome: the slow way to the same.
fn adjusted_by_hand(treated: &[Values], held_out: &[Values]) -> (f64, f64, f64) {
    let (one, other) = (columns(treated), columns(held_out));
    let theta = (about_means(&one.0, &one.1) + about_means(&other.0, &other.1))
        / (about_means(&one.1, &one.1) + about_means(&other.1, &other.1));
    let adjust = |(outcomes, covariates): &(Vec<f64>, Vec<f64>)| -> Vec<f64> {
        outcomes.iter().zip(covariates).map(|(outcome, covariate)| outcome - theta * covariate).collect()
    };
    let (one, other) = (adjust(&one), adjust(&other));
    let variance = |arm: &[f64]| about_means(arm, arm) / (arm.len() as f64 - 1.0) / arm.len() as f64;
    (theta, mean(&one) - mean(&other), (variance(&one) + variance(&other)).sqrt())
}

proptest! {
    #[test]
    fn the_sums_give_what_the_persons_give((treated, held_out) in arms()) {
        let (theta, effect, error) = adjusted_by_hand(&treated, &held_out);
        let lift = lift_of(&treated, &held_out, &even(100));
        let found = lift.adjusted.unwrap();
        let scale = plain(&lift).standard_error;
        assert_near(found.theta, theta, 1e-9, theta.abs().max(1.0), "theta");
        assert_near(found.comparison.effect, effect, 1e-8, scale, "effect");
        assert_near(found.comparison.standard_error, error, 1e-8, scale, "standard error");
        let means = found.comparison.treated_mean - found.comparison.held_out_mean;
        assert_near(means, effect, 1e-8, scale, "difference of the means");
    }

    /// Fieller's ends for means that vary together, by resampling nothing: the difference less ratio times the held-out
    /// mean is again a mean of each arm, and its variance can be had from the persons.
    #[test]
    fn relative_limits_know_that_adjusted_means_vary_together((treated, held_out) in arms()) {
        let lift = lift_of(&treated, &held_out, &even(100));
        let found = lift.adjusted.unwrap();
        let comparison = found.comparison;
        prop_assume!(comparison.fixed.limits.relative.is_some());
        let ends = comparison.fixed.limits.relative.unwrap();
        let share = treated.len() as f64 / (treated.len() + held_out.len()) as f64;
        let half = (comparison.fixed.limits.effect.high - comparison.effect) / comparison.standard_error;
        for ratio in [ends.low + 1.0, ends.high + 1.0] {
            // Treated mean − ratio × held-out mean, as coefficients of each arm's outcome and covariate.
            let weight = found.theta * (1.0 - share + ratio * share);
            let variance = |persons: &[Values], outcome: f64, covariate: f64| {
                let (y, c) = columns(persons);
                let values: Vec<f64> = y.iter().zip(&c).map(|(y, c)| outcome * y + covariate * c).collect();
                about_means(&values, &values) / (values.len() as f64 - 1.0) / values.len() as f64
            };
            let variance = variance(&treated, 1.0, -weight) + variance(&held_out, -ratio, weight);
            let distance = comparison.treated_mean - ratio * comparison.held_out_mean;
            assert_near(distance.powi(2), half * half * variance, 1e-6, half * half * variance, "end");
        }
    }
}

#[test]
fn a_covariate_that_tells_much_narrows_the_limits() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut arm = |effect: i64| -> Vec<Values> {
        let mut person = || {
            let before = random.random_range(0..10_000_i64);
            (before / 2 + random.random_range(0..3_000) + effect, before)
        };
        (0..3_000).map(|_| person()).collect()
    };
    let (treated, held_out) = (arm(150), arm(0));
    let lift = lift_of(&treated, &held_out, &even(6_000));
    let adjusted = lift.adjusted.unwrap();
    // Variances of a half of 0..10,000 and of 0..3,000: what is explained is 25 parts of 34.
    assert_near(adjusted.variance_reduction, 25.0 / 34.0, 0.03, 1.0, "variance reduction");
    assert_near(adjusted.theta, 0.5, 0.02, 1.0, "theta");
    assert_near(adjusted.comparison.effect, 150.0, 3.0, adjusted.comparison.standard_error, "effect");
    let zero_is_out = |comparison: tributary_lift::Comparison| !comparison.anytime.unwrap().limits.effect.contains(0.0);
    assert!(zero_is_out(adjusted.comparison) && !zero_is_out(plain(&lift)));
}

#[test]
fn a_covariate_that_does_not_vary_adjusts_nothing() {
    let same: Vec<Values> = vec![(1, 5), (0, 5), (3, 5)];
    let lift = lift_of(&same, &same, &even(6));
    assert!(lift.plain.is_some() && lift.adjusted.is_none());
}

#[test]
fn a_covariate_that_is_the_outcome_leaves_nothing_to_compare() {
    let same: Vec<Values> = (0..40).map(|value| (value, value)).collect();
    assert!(lift_of(&same, &same[..30], &even(70)).adjusted.is_none());
}
