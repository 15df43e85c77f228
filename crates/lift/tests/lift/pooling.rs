//! Experiments together, and what they cost.

use tributary_lift::{Alpha, Arm, Estimate, Interval, LiftError, Moments, Part, Pooled, pool, returns, wasted_spend};

use crate::support::{Values, assert_near, even, lift_of, moments, plain};

fn part(treated: i64, effect: f64, standard_error: f64) -> Part {
    Part { treated, effect, standard_error, degrees_of_freedom: 1e9 }
}

fn alpha() -> Alpha {
    Alpha::new(0.05).unwrap()
}

fn pooled(parts: &[Part]) -> Pooled {
    pool(parts, alpha()).unwrap()
}

/// A small precise experiment without effect and a large one with: the total is nearly all of the large one's.
#[test]
fn totals_follow_persons_and_the_common_effect_follows_precision() {
    let found = pooled(&[part(1_000, 0.0, 0.1), part(100_000, 2.0, 0.5)]);
    assert_eq!((found.experiments, found.treated), (2, 101_000.0));
    assert_eq!(found.incremental.value, 200_000.0);
    let radius = 1.959_964 * (100.0_f64.powi(2) + 50_000.0_f64.powi(2)).sqrt();
    assert_near(found.incremental.interval.high, 200_000.0 + radius, 1e-6, radius, "total");
    assert_near(found.incremental.interval.low, 200_000.0 - radius, 1e-6, radius, "total");
    assert_near(found.per_treated.value, 200.0 / 101.0, 1e-12, 1.0, "per treated");
    assert_near(found.per_treated.interval.high, (200_000.0 + radius) / 101_000.0, 1e-6, 1.0, "per treated");
    // Weights 100 and 4.
    assert_near(found.common.effect.value, 8.0 / 104.0, 1e-12, 1.0, "common");
    assert_near(found.common.standard_error, 104.0_f64.powf(-0.5), 1e-12, 1.0, "common");
    // (8/104)² × 100 + (2 − 8/104)² × 4 = 15.38…
    assert_near(found.common.heterogeneity, 200.0 / 13.0, 1e-12, 10.0, "Q");
    assert_near(found.common.inconsistency, 1.0 - 13.0 / 200.0, 1e-12, 1.0, "I²");
}

#[test]
fn one_experiment_is_its_own_pool() {
    let treated: Vec<Values> = (0..40).map(|value| (value * 3 % 17, 0)).collect();
    let held_out: Vec<Values> = (0..25).map(|value| (value * 5 % 13, 0)).collect();
    let alone = plain(&lift_of(&treated, &held_out, &even(65)));
    let found = pooled(&[Part::from(&alone)]);
    let expected = alone.incremental_fixed();
    assert_near(found.incremental.value, expected.value, 1e-12, expected.value, "total");
    assert_near(found.incremental.interval.low, expected.interval.low, 1e-12, expected.value, "low");
    assert_near(found.incremental.interval.high, expected.interval.high, 1e-12, expected.value, "high");
    assert_near(found.per_treated.value, alone.effect, 1e-12, alone.effect, "per treated");
    assert_eq!((found.common.heterogeneity, found.common.inconsistency), (0.0, 0.0));
}

#[test]
fn a_pool_of_small_experiments_knows_that_they_are_small() {
    let small = Part { degrees_of_freedom: 3.0, ..part(10, 1.0, 1.0) };
    let found = pooled(&[small; 2]);
    // Two equal variances of three degrees of freedom have six: t is 2.447 for 0.05.
    assert_near(found.incremental.interval.high, 20.0 + 2.446_9 * 200.0_f64.sqrt(), 1e-4, 10.0, "total");
}

#[test]
fn pools_refuse_what_they_cannot_weigh() {
    assert_eq!(pool(&[], alpha()), Err(LiftError::EmptyPool));
    let good = part(10, 1.0, 0.5);
    let bad = [
        ("treated persons", Part { treated: 0, ..good }),
        ("an effect of", Part { effect: f64::NAN, ..good }),
        ("a standard error of", Part { standard_error: 0.0, ..good }),
        ("degrees of freedom of", Part { degrees_of_freedom: f64::INFINITY, ..good }),
    ];
    for (expected, part) in bad {
        let found = pool(&[good, part], alpha());
        assert!(matches!(found, Err(LiftError::BadPart { position: 1, what, .. }) if what == expected), "{found:?}");
    }
}

#[test]
fn a_return_is_the_margin_in_units_of_the_cost() {
    let margin = Estimate { value: 90_000.0, interval: Interval { low: -10_000.0, high: 190_000.0 } };
    let found = returns(margin, 40_000).unwrap();
    assert_eq!(found.incremental_margin, margin);
    let roas = found.incremental_roas.unwrap();
    assert_eq!((roas.value, roas.interval.low, roas.interval.high), (2.25, -0.25, 4.75));
    assert_eq!(returns(margin, 0).unwrap().incremental_roas, None);
    assert_eq!(returns(margin, -1), Err(LiftError::NegativeCost { value: -1 }));
}

#[test]
fn waste_is_what_reached_those_who_would_have_bought_anyway() {
    let held_out: Vec<Values> = (0..200).map(|index| (if index % 10 == 0 { 4_990 } else { 0 }, 0)).collect();
    let found = wasted_spend(50_000, &moments(&held_out), alpha()).unwrap();
    assert_eq!((found.base_rate.value, found.wasted_minor.value), (0.1, 5_000.0));
    // An end of Wilson's interval is a rate from which the found one is 1.96 of its standard errors away.
    for rate in [found.base_rate.interval.low, found.base_rate.interval.high] {
        assert_near((0.1 - rate).abs() / (rate * (1.0 - rate) / 200.0).sqrt(), 1.959_964, 1e-6, 1.0, "Wilson");
    }
    assert_eq!(found.wasted_minor.interval.high, found.base_rate.interval.high * 50_000.0);
    let nobody = wasted_spend(1, &Moments::default(), alpha());
    assert_eq!(nobody, Err(LiftError::NoPersons { arm: Arm::HeldOut }));
    assert!(matches!(wasted_spend(-1, &moments(&held_out), alpha()), Err(LiftError::NegativeCost { .. })));
    let none = wasted_spend(1_000, &moments(&[(0, 0); 50]), alpha()).unwrap();
    assert_eq!(none.base_rate.value, 0.0);
    assert!(none.base_rate.interval.low == 0.0 && none.base_rate.interval.high > 0.05, "{none:?}");
}
