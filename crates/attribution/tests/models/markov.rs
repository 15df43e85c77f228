//! Removal effects in the Markov chain.

use proptest::prelude::*;
use tributary_attribution::Model;

use crate::chain_walk::ChainWalk;
use crate::support::{Record, assert_credits, assert_near, credits, records};

const MODELS: [(Model, usize, bool); 6] = [
    (Model::Markov1, 1, true),
    (Model::Markov2, 2, true),
    (Model::Markov3, 3, true),
    (Model::Markov1NoNull, 1, false),
    (Model::Markov2NoNull, 2, false),
    (Model::Markov3NoNull, 3, false),
];

fn has_conversions(records: &[Record]) -> bool {
    records.iter().any(|record| record.conversions > 0)
}

fn effect(records: &[Record], model: Model, label: &str) -> f64 {
    credits(records, model).credit(label).unwrap().removal_effect.unwrap()
}

#[test]
fn by_hand() {
    // From the start to email 2/3, to search 1/3; from email to search 1/2, to null 1/2; from search all convert: 2/3.
    // Without email 1/3 are left, without search nobody.
    let records =
        [Record::new("email > search", 1, 300, 0), Record::new("search", 1, 0, 0), Record::new("email", 0, 0, 1)];
    let found = credits(&records, Model::Markov1);
    assert_credits(&found, &[("email", 2.0 / 3.0, 100.0), ("search", 4.0 / 3.0, 200.0)]);
    assert_near(effect(&records, Model::Markov1, "email"), 0.5, 1e-15, 1.0, "email");
    assert_eq!(effect(&records, Model::Markov1, "search"), 1.0);
}

#[test]
fn an_order_knows_that_far_back() {
    // Whoever sees b after a converts, after c not. Order 1 forgets which it was and expects a conversion from c.
    let records = [Record::new("a > b", 4, 0, 0), Record::new("c > b", 0, 0, 4)];
    assert_near(effect(&records, Model::Markov1, "c"), 0.5, 1e-15, 1.0, "order 1");
    assert_eq!(effect(&records, Model::Markov2, "c"), 0.0);
    // One step further apart.
    let records = [Record::new("a > b > b", 4, 0, 0), Record::new("c > b > b", 0, 0, 4)];
    assert_near(effect(&records, Model::Markov2, "c"), 0.5, 1e-15, 1.0, "order 2");
    assert_eq!(effect(&records, Model::Markov3, "c"), 0.0);
}

#[test]
fn a_channel_that_leads_to_no_conversion_has_no_effect_at_all() {
    let records = [Record::new("a > b > a > b", 5, 10, 3), Record::new("a > z", 0, 0, 7)];
    for (model, ..) in MODELS {
        assert_eq!(effect(&records, model, "z"), 0.0, "{model}");
    }
}

#[test]
fn a_chain_that_goes_round_thousands_of_times_is_followed_to_its_end() {
    let round: Vec<String> = ["a", "b", "c"].iter().cycle().take(9_001).map(|&label| label.to_owned()).collect();
    let records = [Record::new("", 1, 1, 3).along(round), Record::new("z > a", 1, 1, 1)];
    // Everybody comes to a, a third of them by z, and from there all go on alike.
    assert_near(effect(&records, Model::Markov1, "z"), 1.0 / 3.0, 1e-12, 1.0, "z");
    assert_near(effect(&records, Model::Markov1, "a"), 1.0, 1e-12, 1.0, "a");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn removal_effects_are_those_of_the_chain_when_it_is_walked(records in records(7)) {
        prop_assume!(has_conversions(&records));
        for (model, order, with_nulls) in MODELS {
            let walk = ChainWalk::of(&records, order, with_nulls);
            for credit in credits(&records, model).credits {
                let what = format!("{model} of {}", credit.channel);
                assert_near(credit.removal_effect.unwrap(), walk.removal_effect(&credit.channel), 1e-12, 1.0, &what);
            }
        }
    }
}

proptest! {
    #[test]
    fn one_channel_alone_gets_everything(lengths in prop::collection::vec((1_usize..9, 1..5_i64, 0..5_i64), 1..5)) {
        let record = |(length, conversions, nulls): (usize, i64, i64)| Record {
            path: vec!["only".to_owned(); length],
            conversions,
            value_minor: 7 * conversions,
            nulls,
        };
        let records: Vec<Record> = lengths.into_iter().map(record).collect();
        let all: i64 = records.iter().map(|record| record.conversions).sum();
        for (model, ..) in MODELS {
            assert_near(effect(&records, model, "only"), 1.0, 1e-14, 1.0, model.name());
            assert_credits(&credits(&records, model), &[("only", all as f64, 7.0 * all as f64)]);
        }
    }

    #[test]
    fn orders_agree_where_each_step_tells_what_was_before(records in records(6)) {
        // Each label is the path up to it, so that memory adds nothing to it.
        let tell = |record: &Record| {
            record.along((1..=record.path.len()).map(|length| record.path[..length].join("/")).collect())
        };
        let records: Vec<Record> = records.iter().map(tell).collect();
        for (one, others) in [
            (Model::Markov1, [Model::Markov2, Model::Markov3]),
            (Model::Markov1NoNull, [Model::Markov2NoNull, Model::Markov3NoNull]),
        ] {
            let expected = credits(&records, one);
            let expected: Vec<_> =
                expected.credits.iter().map(|c| (&*c.channel, c.conversions, c.value_minor)).collect();
            others.into_iter().for_each(|other| assert_credits(&credits(&records, other), &expected));
        }
    }

    #[test]
    fn memory_of_the_whole_path_removes_just_the_paths_with_the_channel(records in records(3)) {
        prop_assume!(has_conversions(&records));
        let all: i64 = records.iter().map(|record| record.conversions).sum();
        for model in [Model::Markov3, Model::Markov3NoNull] {
            for credit in credits(&records, model).credits {
                let has_channel = |record: &&Record| record.path.iter().any(|label| **label == *credit.channel);
                let lost: i64 = records.iter().filter(has_channel).map(|record| record.conversions).sum();
                let expected = lost as f64 / all as f64;
                assert_near(credit.removal_effect.unwrap(), expected, 1e-13, 1.0, &credit.channel);
            }
        }
    }

    #[test]
    fn to_touch_a_channel_again_at_once_changes_nothing_in_order_1(records in records(5), times in 2_usize..5) {
        let stutter = |record: &Record| {
            record.along(record.path.iter().flat_map(|label| vec![label.clone(); times]).collect())
        };
        let stuttering: Vec<Record> = records.iter().map(stutter).collect();
        for model in [Model::Markov1, Model::Markov1NoNull] {
            let expected = credits(&records, model);
            let found = credits(&stuttering, model);
            for (expected, found) in expected.credits.iter().zip(&found.credits) {
                let effects = (found.removal_effect.unwrap(), expected.removal_effect.unwrap());
                assert_near(effects.0, effects.1, 1e-13, 1.0, &found.channel);
            }
        }
    }

    #[test]
    fn without_nulls_is_as_if_there_were_none(records in records(5)) {
        let without = |record: &Record| Record { nulls: 0, ..record.clone() };
        let converting: Vec<Record> = records.iter().map(without).collect();
        let pairs = [
            (Model::Markov1NoNull, Model::Markov1),
            (Model::Markov2NoNull, Model::Markov2),
            (Model::Markov3NoNull, Model::Markov3),
        ];
        for (left_out, counted) in pairs {
            let expected = credits(&converting, counted);
            for credit in credits(&records, left_out).credits {
                let expected = expected.credit(&credit.channel).map_or(0.0, |credit| credit.conversions);
                prop_assert_eq!(credit.conversions, expected, "{} of {}", left_out, credit.channel);
            }
        }
    }
}
