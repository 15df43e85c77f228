//! Persons for the tests, and comparing numbers.

use proptest::prelude::*;
use tributary_lift::{Comparison, Design, Lift, Moments, Person, lift};

/// Outcome and covariate.
pub(crate) type Values = (i64, i64);

pub(crate) fn person(values: Values) -> Person {
    Person::new(values.0, values.1).unwrap()
}

pub(crate) fn moments(persons: &[Values]) -> Moments {
    let mut moments = Moments::default();
    persons.iter().for_each(|values| moments.add(person(*values)));
    moments
}

pub(crate) fn lift_of(treated: &[Values], held_out: &[Values], design: &Design) -> Lift {
    lift(&moments(treated), &moments(held_out), design).unwrap()
}

/// An experiment of two equal arms.
pub(crate) fn even(planned_persons: i64) -> Design {
    Design::new(0.5, planned_persons).unwrap()
}

/// Two arms with some spread in outcome and covariate.
pub(crate) fn arms() -> impl Strategy<Value = (Vec<Values>, Vec<Values>)> {
    (persons(3..60), persons(3..60))
}

pub(crate) fn persons(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Values>> {
    let outcome = prop_oneof![Just(0), Just(1), -500..20_000_i64];
    let some = prop::collection::vec((outcome, 0..3_000_i64), count);
    // A first and a second that differ, so that there is something to compute.
    some.prop_map(|mut persons| {
        persons.extend([(3, 10), (700, 900)]);
        persons
    })
}

pub(crate) fn plain(lift: &Lift) -> Comparison {
    lift.plain.unwrap()
}

/// Fails unless the numbers differ by at most the part of the scale.
#[track_caller]
pub(crate) fn assert_near(found: f64, expected: f64, part: f64, scale: f64, what: &str) {
    let bound = part * scale.abs();
    assert!((found - expected).abs() <= bound, "{what}: {found} is not {expected} within {bound:e}");
}
