//! Adding to paths and taking back, what is refused, and what holds for every model.

use proptest::prelude::*;
use tributary_attribution::{AttributionError, MAX_CHANNELS, Model, Paths, attribute};

use crate::support::{Record, assert_near, paths, records, sum};

proptest! {
    #[test]
    fn the_credits_of_every_model_add_up_to_the_totals(records in records(7)) {
        let paths = paths(&records);
        let totals = paths.totals();
        let walks = (totals.conversions + totals.nulls) as f64;
        let value_scale = walks * records.iter().map(|record| record.value_minor.abs() as f64).sum::<f64>();
        for model in Model::ALL {
            let found = attribute(&paths, model).unwrap();
            prop_assert_eq!(found.model, model);
            let conversions = totals.conversions as f64;
            assert_near(sum(&found, |credit| credit.conversions), conversions, 1e-12, walks.powi(2), model.name());
            let value_minor = totals.value_minor as f64;
            assert_near(sum(&found, |credit| credit.value_minor), value_minor, 1e-12, value_scale, model.name());
        }
    }

    #[test]
    fn what_was_added_can_be_taken_back(kept in records(5), passing in records(5)) {
        let before = paths(&kept);
        let mut after = before.clone();
        passing.iter().for_each(|record| record.add_to(&mut after));
        passing.iter().rev().for_each(|record| record.take_from(&mut after));
        prop_assert_eq!(&after, &before);
        prop_assert_eq!(after.len(), before.len());
        for model in Model::ALL {
            prop_assert_eq!(attribute(&after, model).unwrap(), attribute(&before, model).unwrap());
        }
        kept.iter().for_each(|record| record.take_from(&mut after));
        prop_assert!(after.is_empty());
        prop_assert_eq!(after, Paths::new());
    }

    #[test]
    fn the_order_of_adding_makes_no_difference(
        (records, shuffled) in records(5).prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()))
    ) {
        let (one, other) = (paths(&records), paths(&shuffled));
        prop_assert!(one.iter().eq(other.iter()), "iteration is in the order of the paths");
        prop_assert_eq!(&one, &other);
        for model in Model::ALL {
            prop_assert_eq!(attribute(&one, model).unwrap(), attribute(&other, model).unwrap(), "to the last bit");
        }
    }
}

#[test]
fn a_retraction_may_come_first_but_has_no_credits_until_it_is_met() {
    let sale = Record::new("email > search", 1, 990, 0);
    let lost = Record::new("email > search", 0, 0, 2);
    let mut paths = paths(&[Record::new("social", 3, 30, 1)]);
    let alone = paths.clone();
    sale.take_from(&mut paths);
    let error = attribute(&paths, Model::Linear).unwrap_err();
    assert_eq!(
        error,
        AttributionError::NegativeCount { path: "email > search".to_owned(), what: "conversions", count: -1 }
    );
    assert!(error.to_string().contains("\"email > search\" has -1 conversions"), "{error}");
    sale.add_to(&mut paths);
    lost.take_from(&mut paths);
    let error = attribute(&paths, Model::First).unwrap_err();
    assert!(matches!(error, AttributionError::NegativeCount { what: "nulls", count: -2, .. }), "{error}");
    lost.add_to(&mut paths);
    assert_eq!(attribute(&paths, Model::Linear), attribute(&alone, Model::Linear));
}

/// A return counts in its own month, on the path of its sale, whose conversion may be in another one.
#[test]
fn value_that_is_taken_back_without_a_conversion_is_taken_from_those_on_its_path() {
    let returned = paths(&[Record::new("email > search", 0, -6, 1), Record::new("search", 2, 20, 0)]);
    let value = |model, label: &str| attribute(&returned, model).unwrap().credit(label).unwrap().value_minor;
    assert_eq!((value(Model::Linear, "email"), value(Model::Linear, "search")), (-3.0, 17.0));
    assert_eq!((value(Model::First, "email"), value(Model::First, "search")), (-6.0, 20.0));
    for model in Model::ALL {
        let sum: f64 = attribute(&returned, model).unwrap().credits.iter().map(|credit| credit.value_minor).sum();
        assert!((sum - 14.0).abs() < 1e-9, "{model}: {sum}");
    }
}

#[test]
fn a_path_has_a_step() {
    let mut paths = Paths::new();
    let error = paths.add(&[] as &[&str], 2, 10, 1).unwrap_err();
    assert_eq!(error, AttributionError::EmptyPath { conversions: 2, nulls: 1 });
    assert!(paths.is_empty());
}

#[test]
fn too_many_labels_are_refused() {
    let mut paths = Paths::new();
    for number in 0..MAX_CHANNELS {
        paths.add(&[format!("label {number}")], 1, 0, 0).unwrap();
    }
    assert_eq!(attribute(&paths, Model::Last).unwrap().credits.len(), MAX_CHANNELS);
    paths.add(&["one more"], 0, 0, 1).unwrap();
    let error = attribute(&paths, Model::Last).unwrap_err();
    assert_eq!(error, AttributionError::TooManyChannels { found: MAX_CHANNELS + 1, limit: MAX_CHANNELS });
    paths.add(&["one more"], 0, 0, -1).unwrap();
    assert!(attribute(&paths, Model::Last).is_ok(), "a label that no path has any more does not count");
}

#[test]
fn sums_leave_64_bits_without_harm() {
    let mut paths = Paths::new();
    for _ in 0..3 {
        paths.add(&["email"], i64::MAX, i64::MAX, i64::MAX).unwrap();
    }
    let totals = paths.totals();
    assert_eq!([totals.conversions, totals.value_minor, totals.nulls], [3 * i128::from(i64::MAX); 3]);
    for _ in 0..3 {
        paths.add(&["email"], -i64::MAX, -i64::MAX, -i64::MAX).unwrap();
    }
    assert!(paths.is_empty());
}

#[test]
fn nothing_that_converted_gives_nothing_to_anybody() {
    for records in [vec![], vec![Record::new("email > search", 0, 0, 3), Record::new("social", 0, 0, 1)]] {
        let paths = paths(&records);
        for model in Model::ALL {
            let found = attribute(&paths, model).unwrap();
            assert_eq!(found.credits.len(), if records.is_empty() { 0 } else { 3 });
            assert!(found.credits.iter().all(|credit| credit.conversions == 0.0 && credit.value_minor == 0.0));
            assert!(found.credits.iter().all(|credit| credit.removal_effect.unwrap_or_default() == 0.0));
        }
    }
}

#[test]
fn models_are_known_by_their_names() {
    for model in Model::ALL {
        assert_eq!(model.name().parse(), Ok(model));
        assert_eq!(model.to_string(), model.name());
    }
    let error = "time_decay".parse::<Model>().unwrap_err().to_string();
    assert!(error.starts_with("\"time_decay\" is not an attribution model"), "{error}");
    assert!(Model::ALL.iter().all(|model| error.contains(model.name())), "{error}");
}
