//! Both Shapley models against the definition: what a channel adds to those before it, averaged over all orders.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tributary_attribution::{EXACT_CHANNELS, Model};

use crate::support::{Record, assert_credits, assert_near, credits, records, sum};

/// Conversions and value of a coalition.
type Worth = [f64; 2];
type Coalition<'a> = BTreeSet<&'a str>;

/// Records whose paths touch no channel outside of the coalition.
fn keeping_to<'a>(records: &'a [Record], coalition: &Coalition<'_>) -> Vec<&'a Record> {
    records.iter().filter(|record| record.path.iter().all(|label| coalition.contains(&**label))).collect()
}

fn converted(records: &[Record], coalition: &Coalition<'_>) -> Worth {
    let kept = keeping_to(records, coalition);
    let conversions: i64 = kept.iter().map(|record| record.conversions).sum();
    let value_minor: i64 = kept.iter().map(|record| record.value_minor).sum();
    [conversions as f64, value_minor as f64]
}

fn at_their_rate(records: &[Record], coalition: &Coalition<'_>) -> Worth {
    let count = |record: &Record| (record.conversions + record.nulls) as f64;
    let kept: f64 = keeping_to(records, coalition).into_iter().map(count).sum();
    let all: f64 = records.iter().map(count).sum();
    if kept == 0.0 { [0.0, 0.0] } else { converted(records, coalition).map(|worth| worth / kept * all) }
}

fn orders<'a>(labels: &[&'a str]) -> Vec<Vec<&'a str>> {
    if labels.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let mut others = labels.to_vec();
        others.remove(index);
        all.extend(orders(&others).into_iter().map(|mut order| {
            order.push(label);
            order
        }));
    }
    all
}

/// The mean of what the channel adds, over all orders.
fn by_definition(records: &[Record], channel: &str, worth: impl Fn(&[Record], &Coalition<'_>) -> Worth) -> Worth {
    let there = records.iter().filter(|record| record.conversions + record.nulls > 0);
    let labels: BTreeSet<&str> = there.flat_map(|record| record.path.iter().map(String::as_str)).collect();
    let orders = orders(&labels.into_iter().collect::<Vec<_>>());
    let mut added = [0.0, 0.0];
    for order in &orders {
        let mut coalition: Coalition<'_> = order.iter().copied().take_while(|label| *label != channel).collect();
        let before = worth(records, &coalition);
        coalition.insert(channel);
        let after = worth(records, &coalition);
        added = [added[0] + after[0] - before[0], added[1] + after[1] - before[1]];
    }
    added.map(|added| added / orders.len() as f64)
}

#[test]
fn the_rate_game_by_hand() {
    // email alone: 1 of 2; search alone: 1 of 4; both: 5 of 10. Ten paths: worth 5, 2.5 and 5.
    let records = [
        Record::new("email", 1, 10, 1),
        Record::new("search", 1, 20, 3),
        Record::new("email > search > email", 3, 60, 1),
    ];
    let expected = [("email", 0.5 * (5.0 + 2.5), 0.5 * (50.0 + 40.0)), ("search", 0.5 * 2.5, 0.5 * (50.0 + 40.0))];
    assert_credits(&credits(&records, Model::ShapleyRate), &expected);
}

#[test]
fn who_lowers_the_rate_of_others_is_below_zero() {
    let records = [Record::new("email", 9, 90, 1), Record::new("email > popup", 0, 0, 90)];
    // email alone: 9 of 10, of 100 paths worth 90; both: 9. popup alone has no path.
    assert_credits(&credits(&records, Model::ShapleyRate), &[("email", 49.5, 495.0), ("popup", -40.5, -405.0)]);
}

#[test]
fn the_credits_of_a_sample_add_up_and_channels_that_are_alike_get_alike() {
    let labels: Vec<String> = (0..=EXACT_CHANNELS).map(|number| format!("channel {number}")).collect();
    let record = |label: &String| Record { path: vec![label.clone()], conversions: 2, value_minor: 500, nulls: 3 };
    let records: Vec<Record> = labels.iter().map(record).collect();
    let found = credits(&records, Model::ShapleyRate);
    let channels = labels.len() as f64;
    assert_near(sum(&found, |credit| credit.conversions), 2.0 * channels, 1e-12, channels, "conversions");
    assert_near(sum(&found, |credit| credit.value_minor), 500.0 * channels, 1e-12, 500.0 * channels, "value");
    for credit in &found.credits {
        let error = credit.standard_error.unwrap();
        assert!(error.conversions > 0.0);
        assert_near(credit.conversions, 2.0, 4.0, error.conversions, &credit.channel);
        assert_near(credit.value_minor, 500.0, 4.0, error.value_minor, &credit.channel);
    }
    let exact = credits(&records[1..], Model::ShapleyRate);
    assert!(exact.credits.iter().all(|credit| credit.standard_error.is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn both_models_are_what_the_definition_says(records in records(6)) {
        let scale: f64 = records.iter().map(|record| record.value_minor.abs() as f64 + 10.0).sum::<f64>() * 100.0;
        for credit in credits(&records, Model::Shapley).credits {
            let [conversions, value_minor] = by_definition(&records, &credit.channel, converted);
            assert_near(credit.conversions, conversions, 1e-12, 100.0, &credit.channel);
            assert_near(credit.value_minor, value_minor, 1e-12, scale, &credit.channel);
        }
        for credit in credits(&records, Model::ShapleyRate).credits {
            let [conversions, value_minor] = by_definition(&records, &credit.channel, at_their_rate);
            assert_near(credit.conversions, conversions, 1e-12, 1_000.0, &credit.channel);
            assert_near(credit.value_minor, value_minor, 1e-12, scale, &credit.channel);
        }
    }
}
