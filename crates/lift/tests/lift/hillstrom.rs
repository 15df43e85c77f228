//! The e-mail experiment that Kevin Hillstrom published in 2008: two campaigns against no e-mail.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use serde_json::Value;
use tributary_lift::{Comparison, Design, Lift, Moments, RatioVerdict, lift};
use tributary_testkit::data_file;

use crate::support::{Values, assert_near, moments, plain};

const HELD_OUT: &str = "No E-Mail";
const TREATED: [&str; 2] = ["Mens E-Mail", "Womens E-Mail"];
const METRICS: [&str; 3] = ["visit", "conversion", "spend"];

/// Outcomes and covariates by arm and metric. Spend and history are in cents.
static PERSONS: LazyLock<BTreeMap<(String, &str), Vec<Values>>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_path(data_file("hillstrom/first_32000.csv").unwrap()).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (segment, history) = (column("segment"), column("history"));
    let mut persons: BTreeMap<(String, &str), Vec<Values>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        for metric in METRICS {
            let unit = if metric == "spend" { 100.0 } else { 1.0 };
            let outcome = whole(row[column(metric)].parse::<f64>().unwrap() * unit);
            let covariate = whole(row[history].parse::<f64>().unwrap() * 100.0);
            persons.entry((row[segment].to_owned(), metric)).or_default().push((outcome, covariate));
        }
    }
    persons
});

fn whole(number: f64) -> i64 {
    assert!((number - number.round()).abs() < 1e-6, "{number} has a fraction");
    number.round() as i64
}

fn expected() -> Value {
    serde_json::from_str(&fs::read_to_string(data_file("hillstrom/expected_first_32000.json").unwrap()).unwrap())
        .unwrap()
}

fn arm(segment: &str, metric: &'static str) -> Moments {
    moments(&PERSONS[&(segment.to_owned(), metric)])
}

/// A design that is right for two of three equal segments.
fn design() -> Design {
    Design::new(0.5, 21_000).unwrap()
}

fn found(segment: &str, metric: &'static str) -> Lift {
    lift(&arm(segment, metric), &arm(HELD_OUT, metric), &design()).unwrap()
}

fn each(mut check: impl FnMut(&str, &str, Lift)) {
    for segment in TREATED {
        for metric in METRICS {
            check(segment, metric, found(segment, metric));
        }
    }
}

#[test]
fn effects_and_standard_errors_are_those_of_the_reference() {
    let expected = expected();
    each(|segment, metric, lift| {
        let unit = if metric == "spend" { 100.0 } else { 1.0 };
        let Comparison { treated, held_out, effect, standard_error, .. } = plain(&lift);
        assert_eq!(treated, expected["n"][segment].as_i64().unwrap());
        assert_eq!(held_out, expected["n"][HELD_OUT].as_i64().unwrap());
        let truth = &expected[segment][metric];
        let what = format!("{metric} of {segment}");
        assert_near(effect / unit, truth["ate"].as_f64().unwrap(), 1e-6, 1e-3, &what);
        assert_near(standard_error / unit, truth["welch_se"].as_f64().unwrap(), 1e-6, 1e-3, &what);
    });
}

/// Welch's formulas over the list of persons, with sums of squared distances from the mean.
#[test]
fn limits_are_those_of_the_textbook() {
    each(|segment, metric, lift| {
        let of = |segment: &str| {
            let outcomes: Vec<f64> = PERSONS
                .iter()
                .filter(|((s, m), _)| s == segment && *m == metric)
                .flat_map(|(_, v)| v)
                .map(|v| v.0 as f64)
                .collect();
            let n = outcomes.len() as f64;
            let mean = outcomes.iter().sum::<f64>() / n;
            (mean, outcomes.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / n, n)
        };
        let ((mean, variance, n), (base, base_variance, base_n)) = (of(segment), of(HELD_OUT));
        let (effect, error) = (mean - base, (variance + base_variance).sqrt());
        let freedom = error.powi(4) / (variance.powi(2) / (n - 1.0) + base_variance.powi(2) / (base_n - 1.0));
        let Comparison { fixed, relative, incremental, .. } = plain(&lift);
        let what = format!("{metric} of {segment}");
        assert_near(fixed.degrees_of_freedom, freedom, 1e-9, freedom, &what);
        // With some 20,000 degrees of freedom Student's t is the normal distribution to the fourth digit.
        assert_near(fixed.limits.effect.low, effect - 1.9601 * error, 1e-4, error, &what);
        assert_near(fixed.limits.effect.high, effect + 1.9601 * error, 1e-4, error, &what);
        assert_near(incremental, effect * n, 1e-9, effect * n, &what);
        assert_near(fixed.limits.incremental.low, fixed.limits.effect.low * n, 1e-9, effect * n, &what);
        assert_near(relative.unwrap(), mean / base - 1.0, 1e-9, 1.0, &what);
        // Fieller's ends are those ratios which the data reject at exactly this level.
        let ends = fixed.limits.relative.unwrap();
        assert!(ends.contains(relative.unwrap()));
        for ratio in [ends.low + 1.0, ends.high + 1.0] {
            let t = (mean - ratio * base).abs() / (variance + ratio * ratio * base_variance).sqrt();
            assert_near(t, 1.9601, 1e-4, 1.0, &what);
        }
    });
}

#[test]
fn all_campaigns_had_an_effect_for_who_looks_once() {
    each(|segment, metric, lift| {
        let fixed = plain(&lift).fixed;
        assert!(fixed.p_value < 0.05 && fixed.limits.effect.low > 0.0, "{metric} of {segment}: {fixed:?}");
    });
}

#[test]
fn the_sequence_contains_the_interval_and_the_effect() {
    each(|segment, metric, lift| {
        let adjusted = lift.adjusted.unwrap().comparison;
        for Comparison { effect, fixed, anytime, .. } in [plain(&lift), adjusted] {
            let anytime = anytime.unwrap();
            let (inner, outer) = (fixed.limits, anytime.limits);
            let what = format!("{metric} of {segment}: {inner:?} {outer:?}");
            assert!(outer.effect.low < inner.effect.low && inner.effect.high < outer.effect.high, "{what}");
            assert!(inner.effect.contains(effect), "{what}");
            let (inner, outer) = (inner.relative.unwrap(), outer.relative.unwrap());
            assert!(outer.low < inner.low && inner.high < outer.high, "{what}");
            assert!(anytime.p_value > fixed.p_value, "{what}");
            assert_eq!(anytime.p_value < 0.05, !anytime.limits.effect.contains(0.0), "{what}");
        }
    });
}

#[test]
fn the_arms_have_the_sizes_of_the_design() {
    each(|_, _, lift| {
        assert_eq!(lift.ratio.verdict, RatioVerdict::Matches);
        assert!(lift.is_trusted);
    });
    // The same persons in a design that was to treat a little more are a mismatch.
    let wrong = Design::new(0.53, 21_000).unwrap();
    let lift = lift(&arm(TREATED[0], "visit"), &arm(HELD_OUT, "visit"), &wrong).unwrap();
    assert_eq!(lift.ratio.verdict, RatioVerdict::Mismatch);
    assert!(!lift.is_trusted);
    assert_eq!(lift.plain.map(|plain| plain.effect), found(TREATED[0], "visit").plain.map(|plain| plain.effect));
}

/// What a person spent in the year before tells little of what she spends in two weeks, but a little.
#[test]
fn history_explains_some_of_the_visits() {
    each(|segment, metric, lift| {
        let adjusted = lift.adjusted.unwrap();
        let (before, after) = (plain(&lift), adjusted.comparison);
        eprintln!("{metric} of {segment}: variance less {:.5}", adjusted.variance_reduction);
        let reduction = 1.0 - (after.standard_error / before.standard_error).powi(2);
        assert_near(adjusted.variance_reduction, reduction, 1e-9, 1.0, metric);
        assert!(reduction > if metric == "visit" { 0.002 } else { 0.0 }, "{metric} of {segment}: {reduction}");
        assert!((after.effect - before.effect).abs() < before.standard_error / 4.0);
    });
}
