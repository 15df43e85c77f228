//! The models that split each path by the place of its steps.

use proptest::prelude::*;
use tributary_attribution::{Attribution, DIRECT, Model};

use crate::support::{LABELS, Record, assert_credits, assert_near, conversions, credits, records};

#[test]
fn a_path_of_five_steps_is_split_by_the_rule() {
    let records = [Record::new("search > email > search > social > direct", 10, 1_000, 7)];
    let split = |model| credits(&records, model);
    let of = |direct: f64, email: f64, search: f64, social: f64| {
        [("direct", direct), ("email", email), ("search", search), ("social", social)]
            .map(|(label, part)| (label, 10.0 * part, 1_000.0 * part))
    };
    let third = 0.2 / 3.0;
    assert_credits(&split(Model::First), &of(0.0, 0.0, 1.0, 0.0));
    assert_credits(&split(Model::Last), &of(1.0, 0.0, 0.0, 0.0));
    assert_credits(&split(Model::LastNonDirect), &of(0.0, 0.0, 0.0, 1.0));
    assert_credits(&split(Model::Linear), &of(0.2, 0.2, 0.4, 0.2));
    assert_credits(&split(Model::PositionBased), &of(0.4, third, 0.4 + third, third));
    assert_credits(&split(Model::Shapley), &of(0.25, 0.25, 0.25, 0.25));
}

#[test]
fn short_paths_have_no_middle() {
    let two = [Record::new("search > email", 4, 80, 0)];
    assert_credits(&credits(&two, Model::PositionBased), &[("email", 2.0, 40.0), ("search", 2.0, 40.0)]);
    let one = [Record::new("search", 4, 80, 0)];
    assert_credits(&credits(&one, Model::PositionBased), &[("search", 4.0, 80.0)]);
    let three = [Record::new("search > email > social", 10, 100, 0)];
    let expected = [("email", 2.0, 20.0), ("search", 4.0, 40.0), ("social", 4.0, 40.0)];
    assert_credits(&credits(&three, Model::PositionBased), &expected);
}

#[test]
fn direct_counts_when_there_is_nothing_else() {
    let records = [Record::new("direct > direct", 2, 10, 0), Record::new("email > direct > direct", 3, 12, 0)];
    assert_credits(&credits(&records, Model::LastNonDirect), &[("direct", 2.0, 10.0), ("email", 3.0, 12.0)]);
}

#[test]
fn a_channel_that_never_converted_is_listed_with_nothing() {
    let records = [Record::new("email", 1, 5, 0), Record::new("social > email", 0, 0, 2)];
    for model in [Model::First, Model::Linear, Model::Shapley] {
        assert_credits(&credits(&records, model), &[("email", 1.0, 5.0), ("social", 0.0, 0.0)]);
    }
}

proptest! {
    #[test]
    fn with_one_touch_each_there_is_nothing_to_split(records in records(1)) {
        let last = credits(&records, Model::Last);
        for model in Model::ALL.into_iter().filter(|model| *model != Model::ShapleyRate) {
            let found = credits(&records, model);
            for (expected, found) in last.credits.iter().zip(&found.credits) {
                let what = format!("{model} of {}", found.channel);
                assert_near(found.conversions, expected.conversions, 1e-12, 40.0, &what);
                // Markov models share the value by the conversions, whatever each was worth.
                if found.removal_effect.is_none() {
                    prop_assert_eq!(found.value_minor, expected.value_minor);
                }
            }
        }
    }

    #[test]
    fn backwards_the_first_is_the_last_and_the_rest_is_the_same(records in records(6)) {
        let reverse = |record: &Record| record.along(record.path.iter().rev().cloned().collect());
        let backwards: Vec<Record> = records.iter().map(reverse).collect();
        let pairs = [
            (Model::First, Model::Last),
            (Model::Linear, Model::Linear),
            (Model::PositionBased, Model::PositionBased),
            (Model::Shapley, Model::Shapley),
        ];
        for (forth, back) in pairs {
            let (forth, back) = (credits(&records, forth), credits(&backwards, back));
            for label in LABELS {
                let of = |found: &Attribution| found.credit(label).map_or(0.0, |credit| credit.conversions);
                assert_near(of(&forth), of(&back), 1e-12, 40.0, label);
            }
        }
    }

    #[test]
    fn the_last_that_is_not_direct_is_the_last_without_direct_at_the_end(records in records(4)) {
        let strip = |record: &Record| {
            let end = record.path.iter().rposition(|label| label != DIRECT).map_or(1, |last| last + 1);
            record.along(record.path[..end].to_vec())
        };
        let stripped: Vec<Record> = records.iter().map(strip).collect();
        let found = credits(&records, Model::LastNonDirect);
        let expected = credits(&stripped, Model::Last);
        for (label, conversions) in conversions(&found) {
            let expected = expected.credit(label).map_or(0.0, |credit| credit.conversions);
            prop_assert_eq!(conversions, expected, "{}", label);
        }
    }
}
