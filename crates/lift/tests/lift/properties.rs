//! What holds whatever the persons are.

use proptest::prelude::*;
use tributary_lift::{Alpha, Design, MAX_VALUE, Moments, lift};

use crate::support::{Values, arms, assert_near, even, lift_of, moments, person, persons, plain};

proptest! {
    #[test]
    fn what_was_added_can_be_taken_back(kept in persons(0..30), passing in persons(0..30)) {
        let before = moments(&kept);
        let mut after = before;
        passing.iter().for_each(|values| after.add(person(*values)));
        prop_assert_ne!(after, before);
        passing.iter().rev().for_each(|values| after.remove(person(*values)));
        prop_assert_eq!(after, before);
        kept.iter().for_each(|values| after.remove(person(*values)));
        prop_assert_eq!(after, Moments::default());
    }

    #[test]
    fn a_change_is_a_removal_and_an_addition((treated, held_out) in arms(), outcome in -9..9_i64) {
        let mut changed = treated.clone();
        changed[0].0 = outcome;
        let mut kept = moments(&treated);
        kept.add(person(changed[0]));
        kept.remove(person(treated[0]));
        let design = even(90);
        prop_assert_eq!(lift(&kept, &moments(&held_out), &design).unwrap(), lift_of(&changed, &held_out, &design));
    }

    #[test]
    fn order_makes_no_difference(
        (one, other) in persons(0..30).prop_flat_map(|persons| (Just(persons.clone()), Just(persons).prop_shuffle()))
    ) {
        prop_assert_eq!(moments(&one), moments(&other));
    }

    #[test]
    fn merging_is_adding_all(one in persons(0..30), other in persons(0..30)) {
        let mut merged = moments(&one);
        merged.merge(&moments(&other));
        prop_assert_eq!(merged, moments(&[one.clone(), other.clone()].concat()));
        merged.take_back(&moments(&one));
        prop_assert_eq!(merged, moments(&other));
    }

    #[test]
    fn scaling_the_outcomes_scales_the_lift((treated, held_out) in arms(), factor in 2..1_000_i64) {
        let scaled = |persons: &[Values]| -> Vec<Values> { persons.iter().map(|(y, c)| (y * factor, *c)).collect() };
        let design = even(90);
        let small = lift_of(&treated, &held_out, &design);
        let large = lift_of(&scaled(&treated), &scaled(&held_out), &design);
        let factor = factor as f64;
        let adjusted = |lift: &tributary_lift::Lift| lift.adjusted.unwrap().comparison;
        for (small, large) in [(plain(&small), plain(&large)), (adjusted(&small), adjusted(&large))] {
            let scale = factor * small.standard_error;
            assert_near(large.effect, factor * small.effect, 1e-9, scale, "effect");
            assert_near(large.standard_error, scale, 1e-9, scale, "standard error");
            assert_near(large.fixed.p_value, small.fixed.p_value, 1e-8, 1.0, "p-value");
            let (low, other) = (large.fixed.limits.incremental.low, small.fixed.limits.incremental.low);
            assert_near(low, factor * other, 1e-9, scale * large.treated as f64, "total");
        }
    }

    #[test]
    fn moving_the_outcomes_moves_the_means_only(
        (treated, held_out) in arms(),
        by in -900_000_000_000..900_000_000_000_i64,
    ) {
        let moved = |persons: &[Values]| -> Vec<Values> { persons.iter().map(|(y, c)| (y + by, *c)).collect() };
        let here = plain(&lift_of(&treated, &held_out, &even(90)));
        let there = plain(&lift_of(&moved(&treated), &moved(&held_out), &even(90)));
        // Sums of squares lose nothing to the 24 digits in front of them; the means are floats with 15 of their own.
        assert_near(there.standard_error, here.standard_error, 1e-12, here.standard_error, "standard error");
        assert_near(there.effect, here.effect, 1.0, 0.001, "effect");
    }

    #[test]
    fn swapping_the_arms_changes_the_sign((treated, held_out) in arms()) {
        let (here, there) = (lift_of(&treated, &held_out, &even(90)), lift_of(&held_out, &treated, &even(90)));
        let adjusted = |lift: &tributary_lift::Lift| lift.adjusted.unwrap().comparison;
        for (here, there) in [(plain(&here), plain(&there)), (adjusted(&here), adjusted(&there))] {
            let scale = here.standard_error;
            assert_near(here.effect, -there.effect, 1e-9, scale, "effect");
            assert_near(here.standard_error, there.standard_error, 1e-9, scale, "standard error");
            assert_near(here.fixed.limits.effect.low, -there.fixed.limits.effect.high, 1e-9, scale, "limits");
            assert_near(here.fixed.p_value, there.fixed.p_value, 1e-9, 1.0, "p-value");
        }
        prop_assert_eq!(here.adjusted.unwrap().theta, there.adjusted.unwrap().theta);
    }

    /// Whatever alpha and plan: the boundary is the one of the paper, is wider than the interval, and its p-value is
    /// below alpha exactly when zero is outside.
    #[test]
    fn the_sequence_is_wider_and_agrees_with_its_p_value(
        rates in (0.08..0.6_f64, 0.08..0.6_f64),
        arms in (700..4_000_i64, 700..4_000_i64),
        alpha in 0.000_1..0.5_f64,
        planned in 10..1_000_000_i64,
    ) {
        let buyers = |rate: f64, persons: i64| {
            let sold = (rate * persons as f64) as i64;
            let sum = i128::from(sold);
            Moments { persons, nonzero: sold, outcomes: sum, outcome_squares: sum, ..Moments::default() }
        };
        let design = Design::new(0.5, planned).unwrap().with_alpha(Alpha::new(alpha).unwrap());
        let found = plain(&lift(&buyers(rates.0, arms.0), &buyers(rates.1, arms.1), &design).unwrap());
        let anytime = found.anytime.unwrap();
        let (t, rho2) = ((arms.0 + arms.1) as f64, design.rho_squared());
        let deviation = found.standard_error * t.sqrt();
        let radius =
            deviation * (2.0 * (t * rho2 + 1.0) / (t * t * rho2) * ((t * rho2 + 1.0).sqrt() / alpha).ln()).sqrt();
        assert_near(anytime.limits.effect.high - found.effect, radius, 1e-9, radius, "radius");
        prop_assert!(anytime.limits.effect.low < found.fixed.limits.effect.low);
        prop_assert_eq!(anytime.p_value < alpha, !anytime.limits.effect.contains(0.0));
        prop_assert_eq!(found.fixed.p_value < alpha, !found.fixed.limits.effect.contains(0.0));
    }

    /// No other rho is narrower at the planned number of persons.
    #[test]
    fn rho_is_the_best_for_the_plan(alpha in 0.000_1..0.5_f64, planned in 10..1_000_000_i64, factor in 0.2..5.0_f64) {
        let design = Design::new(0.5, planned).unwrap().with_alpha(Alpha::new(alpha).unwrap());
        let u = design.rho_squared() * planned as f64;
        let width = |u: f64| (1.0 + 1.0 / u) * ((1.0 + u).ln() - 2.0 * alpha.ln());
        prop_assert!(width(u) <= width(u * factor) * (1.0 + 1e-12));
        // At its narrowest the square of the boundary is 1 + u.
        assert_near(width(u), 1.0 + u, 1e-9, u, "width");
    }
}

#[test]
fn sums_hold_the_largest_values() {
    let arm = |sign: i64| -> Vec<Values> { (0..1_000).map(|index| (MAX_VALUE * sign, -MAX_VALUE + index)).collect() };
    let mut held_out = arm(-1);
    held_out[0].0 += 1;
    let found = plain(&lift_of(&arm(1), &held_out, &even(2_000)));
    assert_near(found.effect, 2.0 * MAX_VALUE as f64, 1e-12, MAX_VALUE as f64, "effect");
    // One person in a thousand is 1 off: the variance of her arm's mean is 1e-6.
    assert_near(found.standard_error, 0.001, 1e-12, 0.001, "standard error");
}
