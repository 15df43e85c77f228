//! What has no lift, and says why.

use tributary_lift::{Alpha, Arm, Design, LiftError, MAX_VALUE, MIN_PERSONS, MIN_RARER, Moments, Person, lift};

use crate::support::{Values, even, lift_of, moments, person};

#[test]
fn values_have_a_bound() {
    assert!(Person::new(MAX_VALUE, -MAX_VALUE).is_ok());
    let error = Person::new(0, -MAX_VALUE - 1).unwrap_err();
    assert_eq!(error, LiftError::ValueTooLarge { what: "covariate", value: -MAX_VALUE - 1, limit: MAX_VALUE });
    assert!(error.to_string().starts_with("covariate -1000000000001 is not within 1000000000000 of zero"));
    assert!(matches!(Person::new(i64::MIN, 0), Err(LiftError::ValueTooLarge { what: "outcome", .. })));
}

#[test]
fn designs_have_a_sense() {
    for share in [0.0, 1.0, -0.1, 90.0, f64::NAN] {
        assert!(matches!(Design::new(share, 10), Err(LiftError::BadShare { .. })), "{share}");
    }
    assert_eq!(Design::new(0.9, 0).unwrap_err(), LiftError::BadPlan { value: 0 });
    for alpha in [0.0, 0.500_1, -0.05, 95.0, f64::NAN] {
        assert!(matches!(Alpha::new(alpha), Err(LiftError::BadAlpha { .. })), "{alpha}");
    }
}

#[test]
fn a_retraction_that_comes_first_is_waited_for() {
    let design = even(10);
    let held_out = moments(&[(1, 0), (0, 0)]);
    let mut treated = moments(&[(1, 0), (0, 0), (0, 3)]);
    let whole = lift(&treated, &held_out, &design).unwrap();
    treated.remove(person((700, 2)));
    let error = lift(&treated, &held_out, &design).unwrap_err();
    assert_eq!(error, LiftError::ImpossibleSums { arm: Arm::Treated, what: "outcomes", value: 1 - 700 });
    assert!(error.to_string().starts_with("the treated arm has outcomes -699, which no persons"), "{error}");
    let error = lift(&held_out, &treated, &design).unwrap_err();
    assert!(matches!(error, LiftError::ImpossibleSums { arm: Arm::HeldOut, .. }));
    treated.add(person((700, 2)));
    assert_eq!(lift(&treated, &held_out, &design).unwrap(), whole);
}

type Damage = fn(&mut Moments);

#[test]
fn sums_that_no_persons_have_are_refused() {
    let good = moments(&[(3, 4), (5, 6), (0, 1)]);
    let broken: [(&str, Damage); 8] = [
        ("persons", |sums| sums.persons = -1),
        ("persons", |sums| sums.persons = i64::MAX),
        ("nonzero", |sums| sums.nonzero = 4),
        ("outcomes", |sums| sums.outcomes = i128::MAX),
        ("outcome squares", |sums| sums.outcome_squares = 20),
        ("covariates", |sums| sums.covariates = i128::MIN),
        ("covariate squares", |sums| sums.covariate_squares = 3),
        ("products", |sums| sums.products = i128::MAX),
    ];
    for (expected, damage) in broken {
        let mut bad = good;
        damage(&mut bad);
        let found = lift(&bad, &good, &even(6));
        assert!(matches!(found, Err(LiftError::ImpossibleSums { what, .. }) if what == expected), "{found:?}");
    }
}

#[test]
fn without_enough_persons_there_is_no_comparison_but_a_check_of_the_arms() {
    let some: Vec<Values> = vec![(1, 0), (0, 0), (0, 0)];
    for (treated, held_out) in [(&some[..0], &some[..]), (&some[..1], &some[..]), (&some[1..], &some[1..])] {
        let lift = lift_of(treated, held_out, &even(6));
        assert_eq!((lift.plain, lift.adjusted), (None, None));
        assert!(lift.is_trusted && lift.ratio.held_out == held_out.len() as i64);
    }
    let least = lift_of(&some[..2], &some[1..], &even(6)).plain.unwrap();
    assert_eq!((least.relative, least.fixed.limits.relative), (None, None), "nothing is not a base for a ratio");
    assert!(least.anytime.is_none());
}

/// Not the persons have to be many, but those on the rarer side.
#[test]
fn the_sequence_waits_for_persons_and_for_outcomes() {
    let arm = |persons: i64, nonzero: i64, outcome: i64| -> Vec<Values> {
        (0..persons).map(|index| (if index < nonzero { outcome } else { 0 }, 0)).collect()
    };
    let enough = arm(5_000, 200, 1);
    let speaks = |one: &[Values]| {
        let both = [lift_of(one, &enough, &even(9)), lift_of(&enough, one, &even(9))];
        let both = both.map(|lift| lift.plain.unwrap().anytime.is_some());
        assert_eq!(both[0], both[1]);
        both[0]
    };
    assert!(speaks(&arm(MIN_PERSONS, MIN_RARER, 1)));
    assert!(!speaks(&arm(MIN_PERSONS - 1, MIN_RARER, 1)));
    assert!(!speaks(&arm(50_000, MIN_RARER - 1, 1)));
    assert!(speaks(&arm(50_000, 50_000 - MIN_RARER, 1)));
    assert!(!speaks(&arm(50_000, 50_000 - MIN_RARER + 1, 1)), "those who did not buy are the rare ones");
    assert!(!speaks(&arm(50_000, 50_000 - MIN_RARER + 1, -250)), "whatever they all returned");
    assert!(!speaks(&arm(50_000, 50_000, 250)), "all the same");
    let varied: Vec<Values> = (0..200).map(|index| (1_000 + index, 0)).collect();
    assert!(speaks(&varied), "where outcomes vary, nobody needs to have none");
    let two_prices: Vec<Values> = (0..200).map(|index| ([10, 30][index % 2], 0)).collect();
    assert!(speaks(&two_prices), "their mean is whole, and still they are not all the same");
}
