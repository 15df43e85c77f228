//! The paths that come with ChannelAttribution, and what that package and a linear solver made of them.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

use serde_json::Value;
use tributary_attribution::{Attribution, Model, Paths, attribute};
use tributary_testkit::data_file;

use crate::chain_walk::ChainWalk;
use crate::support::{Record, assert_near, paths};

/// The file's values are means with up to 17 decimals.
const MINOR_UNITS: f64 = 1e12;

static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let file = data_file("attribution/paths.csv").unwrap();
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(file).unwrap();
    let record = |row: csv::StringRecord| {
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        let count = |column: usize| {
            assert_eq!(number(column).fract(), 0.0, "a count is whole");
            number(column) as i64
        };
        Record::new(&row[0], count(1), (number(2) * MINOR_UNITS).round() as i64, count(3))
    };
    reader.records().map(|row| record(row.unwrap())).collect()
});
static PATHS: LazyLock<Paths> = LazyLock::new(|| paths(&RECORDS));
static EXPECTED: LazyLock<Value> = LazyLock::new(|| {
    let file = data_file("attribution/expected.json").unwrap();
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
});

fn found(model: Model) -> Attribution {
    attribute(&PATHS, model).unwrap()
}

/// Twelve channels and a number for each.
fn numbers(object: &Value) -> BTreeMap<&str, f64> {
    let numbers = object.as_object().unwrap().iter();
    let numbers: BTreeMap<&str, f64> = numbers.map(|(label, number)| (&**label, number.as_f64().unwrap())).collect();
    assert_eq!(numbers.len(), 12);
    numbers
}

#[test]
fn heuristics_are_those_of_the_package() {
    let rows = EXPECTED["heuristics"]["heuristic_models"].as_array().unwrap();
    assert_eq!(rows.len(), 12);
    for (model, name) in [(Model::First, "first_touch"), (Model::Last, "last_touch"), (Model::Linear, "linear_touch")] {
        let found = found(model);
        assert_eq!(found.credits.len(), rows.len());
        for row in rows {
            let label = row["channel_name"].as_str().unwrap();
            let credit = found.credit(label).unwrap();
            let conversions = row[format!("{name}_conversions")].as_f64().unwrap();
            if model == Model::Linear {
                assert_near(credit.conversions, conversions, 1e-12, conversions, label);
            } else {
                assert_eq!(credit.conversions, conversions, "{model} of {label}");
            }
            let value = row[format!("{name}_value")].as_f64().unwrap();
            assert_near(credit.value_minor / MINOR_UNITS, value, 1e-12, value, label);
        }
    }
}

#[test]
fn removal_effects_of_order_1_are_those_of_the_linear_solver() {
    let truth = &EXPECTED["closed_form"];
    assert_eq!(PATHS.totals().conversions as f64, truth["total_conversions"].as_f64().unwrap());
    let value_minor = PATHS.totals().value_minor as f64;
    let conversions = PATHS.totals().conversions as f64;
    for (model, name) in [(Model::Markov1, "markov_order1_with_null"), (Model::Markov1NoNull, "markov_order1_no_null")]
    {
        let effects = numbers(&truth[name]["removal_effects"]);
        let attributed = numbers(&truth[name]["attributed_conversions"]);
        for credit in found(model).credits {
            let (effect, expected) = (effects[&*credit.channel], attributed[&*credit.channel]);
            assert_near(credit.removal_effect.unwrap(), effect, 1e-9, effect, &credit.channel);
            assert_near(credit.conversions, expected, 1e-9, expected, &credit.channel);
            let value = value_minor * expected / conversions;
            assert_near(credit.value_minor, value, 1e-9, value, &credit.channel);
        }
    }
}

#[test]
fn the_walk_that_other_tests_trust_converts_as_many_as_the_solver_says() {
    for (with_nulls, name) in [(true, "markov_order1_with_null"), (false, "markov_order1_no_null")] {
        let expected = EXPECTED["closed_form"][name]["p_conversion"].as_f64().unwrap();
        let walk = ChainWalk::of(&RECORDS, 1, with_nulls);
        assert_near(walk.converting(None), expected, 1e-12, 1.0, name);
    }
}

#[test]
fn higher_orders_are_those_of_the_chain_when_it_is_walked() {
    for (model, order) in [(Model::Markov2, 2), (Model::Markov3, 3)] {
        let start = Instant::now();
        let found = found(model);
        println!("{model} took {:?}", start.elapsed());
        let walk = ChainWalk::of(&RECORDS, order, true);
        let converting = walk.converting(None);
        for label in ["alpha", "kappa", "mi"] {
            let effect = 1.0 - walk.converting(Some(label)) / converting;
            let credit = found.credit(label).unwrap();
            assert_near(credit.removal_effect.unwrap(), effect, 1e-11, 1.0, label);
        }
    }
}
