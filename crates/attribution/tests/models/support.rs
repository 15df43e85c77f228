//! Paths for the tests, and comparing numbers.

use proptest::prelude::*;
use tributary_attribution::{Attribution, Credit, Model, Paths, attribute};

pub(crate) const LABELS: [&str; 5] = ["display", "direct", "email", "search", "social"];

/// What is known of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) path: Vec<String>,
    pub(crate) conversions: i64,
    pub(crate) value_minor: i64,
    pub(crate) nulls: i64,
}

impl Record {
    pub(crate) fn new(path: &str, conversions: i64, value_minor: i64, nulls: i64) -> Self {
        let path = path.split(" > ").map(str::to_owned).collect();
        Self { path, conversions, value_minor, nulls }
    }

    /// The same with another path.
    pub(crate) fn along(&self, path: Vec<String>) -> Self {
        Self { path, ..self.clone() }
    }

    pub(crate) fn add_to(&self, paths: &mut Paths) {
        paths.add(&self.path, self.conversions, self.value_minor, self.nulls).unwrap();
    }

    pub(crate) fn take_from(&self, paths: &mut Paths) {
        paths.add(&self.path, -self.conversions, -self.value_minor, -self.nulls).unwrap();
    }
}

pub(crate) fn paths(records: &[Record]) -> Paths {
    let mut paths = Paths::new();
    records.iter().for_each(|record| record.add_to(&mut paths));
    paths
}

/// Some records with paths of up to this many steps; the same path may come twice, and a value may be a loss.
pub(crate) fn records(longest: usize) -> impl Strategy<Value = Vec<Record>> {
    let path = prop::collection::vec(prop::sample::select(&LABELS[..]).prop_map(str::to_owned), 1..=longest);
    let record = (path, 0..4_i64, -300..5_000_i64, 0..4_i64).prop_map(|(path, conversions, value, nulls)| {
        let value_minor = if conversions == 0 { 0 } else { value };
        Record { path, conversions, value_minor, nulls }
    });
    prop::collection::vec(record, 1..14)
}

pub(crate) fn credits(records: &[Record], model: Model) -> Attribution {
    attribute(&paths(records), model).unwrap()
}

/// Label and conversions of each channel.
pub(crate) fn conversions(attribution: &Attribution) -> Vec<(&str, f64)> {
    attribution.credits.iter().map(|credit| (&*credit.channel, credit.conversions)).collect()
}

pub(crate) fn sum(attribution: &Attribution, what: impl Fn(&Credit) -> f64) -> f64 {
    attribution.credits.iter().map(what).sum()
}

/// Fails unless the numbers differ by less than the part of the scale.
#[track_caller]
pub(crate) fn assert_near(found: f64, expected: f64, part: f64, scale: f64, what: &str) {
    let bound = part * scale.abs();
    assert!((found - expected).abs() <= bound, "{what}: {found} is not {expected} within {bound:e}");
}

/// Fails unless the credits are those, channel by channel, to float precision.
#[track_caller]
pub(crate) fn assert_credits(found: &Attribution, expected: &[(&str, f64, f64)]) {
    let labels: Vec<&str> = found.credits.iter().map(|credit| &*credit.channel).collect();
    assert_eq!(labels, expected.iter().map(|(label, ..)| *label).collect::<Vec<_>>(), "{}", found.model);
    for (label, conversions, value_minor) in expected {
        let credit = found.credit(label).unwrap();
        let what = format!("{} of {label}", found.model);
        assert_near(credit.conversions, *conversions, 1e-12, conversions.abs().max(1.0), &what);
        assert_near(credit.value_minor, *value_minor, 1e-12, value_minor.abs().max(1.0), &what);
    }
}
