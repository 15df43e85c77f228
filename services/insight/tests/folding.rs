//! Whatever was asserted, taken back, corrected and merged, in whatever order and however cut into transactions: the
//! scorecards are those of the statements that stand.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[path = "common/oracle.rs"]
mod oracle;
#[path = "common/statements.rs"]
mod statements;

use std::collections::BTreeMap;

use common::{START_AT, item, person, step, touch};
use proptest::prelude::*;
use statements::{change, play, retracted};
use tributary_insight::Config;
use tributary_insight::ledger::Ledger;
use tributary_insight::read;
use tributary_insight::scorecards::Scorecards;
use tributary_insight::views::{Dimension, Span};
use tributary_model::decision::Decision;
use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_model::{Arm, Fate, JourneyEvent, Money, WithheldReason};

const PARTITIONS: usize = 3;

/// Everything that can be kept.
fn config() -> Config {
    Config {
        dimensions: {
            use Dimension::{Agency, Category, Creative, Partner, Product, Store};
            vec![Agency, Partner, Store, Category, Product, Creative]
        },
        windows: vec![Span::Minute, Span::Hour, Span::Week, Span::Campaign],
        ..Config::default()
    }
}

/// Both stages over the statements: one ledger a partition of persons, drained after every `cut` statements.
fn fold(said: &[JourneyEvent], cut: usize) -> read::Scorecards {
    let mut ledgers: Vec<Ledger> = (0..PARTITIONS).map(|_| Ledger::new(&config())).collect();
    let mut scorecards = Scorecards::new(&Config::default());
    let mut read = read::Scorecards::default();
    for statements in said.chunks(cut) {
        for event in statements {
            let partition = event.person_id.0.as_u128() as usize % PARTITIONS;
            ledgers[partition].journey_event(event).unwrap();
        }
        ledgers.iter_mut().flat_map(Ledger::drain).for_each(|delta| scorecards.apply(delta));
        scorecards.drain().into_iter().for_each(|scorecard| read.apply(scorecard));
    }
    read
}

fn measures(read: &read::Scorecards) -> BTreeMap<ScorecardKey, Measures> {
    let all = read.iter().map(|scorecard| (scorecard.key.clone(), scorecard.measures.clone()));
    all.filter(|(_, measures)| !measures.is_zero()).collect()
}

proptest! {
    #[test]
    fn scorecards_are_those_of_the_statements_that_stand(
        (said, standing, shuffled) in prop::collection::vec(change(), 0..60).prop_map(play).prop_flat_map(|(said, standing)| {
            (Just(said.clone()), Just(standing), Just(said).prop_shuffle())
        }),
        cut in 1_usize..20,
    ) {
        let in_order = fold(&said, cut);
        prop_assert_eq!(measures(&in_order), oracle::scorecards(&standing));
        prop_assert_eq!(in_order.credit_differences(), Vec::new());
        prop_assert_eq!(fold(&shuffled, 7), in_order.clone(), "neither order nor cutting changes anything, revisions included");
        let all_taken_back: Vec<JourneyEvent> = said.iter().cloned().chain(standing.iter().map(retracted)).collect();
        prop_assert_eq!(measures(&fold(&all_taken_back, cut)), BTreeMap::new());
    }
}

/// An anonymous till sale counts with its money, and is nobody.
#[test]
fn what_names_nobody_counts_but_is_no_person() {
    let mut sale = touch(1, person(0), START_AT, "store.purchased", 3);
    sale.touchpoint.identifiers.clear();
    sale.touchpoint.value = Some(Money::new("USD", 1_000));
    let shown = JourneyEvent { person_id: person(1), ..sale.clone() };
    let known = touch(2, person(2), START_AT, "email.sent", 0);
    let read = fold(&[sale, shown, known], 10);
    let whole = read.whole();
    assert_eq!((whole.counts.touches, whole.counts.conversions), (3, 2));
    assert_eq!((whole.counts.persons, whole.counts.reach, whole.counts.buyers), (1, 1, 0));
    assert_eq!(whole.money["USD"].revenue_minor, 2_000);
}

fn by_model(credit: &[(&str, i64)]) -> BTreeMap<String, i64> {
    credit.iter().map(|(model, amount)| ((*model).to_owned(), *amount)).collect()
}

/// A sale with everything on it, read off the scorecards by hand.
#[test]
fn one_sale_on_every_scorecard_it_belongs_to() {
    let mut sale = touch(1, person(0), START_AT, "store.purchased", 3);
    sale.touchpoint.value = Some(Money::new("USD", 1_000));
    sale.touchpoint.cost = Some(Money::new("EUR", 30));
    sale.touchpoint.location = Some("store-7".to_owned());
    sale.touchpoint.items = vec![item(100, &[("coupon", 50)]), item(50, &[("coupon", 25), ("retail", 5)])];
    sale.path = vec![step(0), step(2)];
    let exposure = touch(2, person(1), START_AT, "email.sent", 0);
    let read = fold(&[sale, exposure], 10);
    let whole = read.whole();
    let counts = &whole.counts;
    assert_eq!((counts.touches, counts.exposures, counts.persons, counts.reach, counts.buyers), (2, 1, 2, 1, 1));
    assert_eq!((counts.conversions, counts.lines, counts.locations["store-7"]), (1, 2, 1));
    assert_eq!((counts.revenue_minor, counts.cost_minor), (0, 0), "no money without a currency");
    let dollars = &whole.money["USD"];
    assert_eq!((dollars.touches, dollars.persons, dollars.buyers, dollars.lines), (1, 1, 1, 2));
    assert_eq!((dollars.revenue_minor, dollars.margin_minor, dollars.cost_minor), (1_000, 700, 0));
    assert_eq!((dollars.discounts_minor["coupon"], dollars.discounts_minor["retail"]), (75, 5));
    assert_eq!(dollars.credit_minor["linear"], 1_000);
    assert_eq!(whole.money["EUR"].cost_minor, 30);
    assert_eq!(whole.money["EUR"].revenue_minor, 0);
    let totals = read.totals();
    let credit = |team: &str, dimension: &str, subject: &str| {
        let row =
            totals.iter().find(|(key, _)| key.team_id == team && key.dimension == dimension && key.subject == subject);
        row.and_then(|(_, row)| row.money.get("USD")).map(|measures| measures.credit_minor.clone()).unwrap_or_default()
    };
    assert_eq!(
        credit("email", "campaign", "welcome"),
        by_model(&[("first", 1_000), ("linear", 500), ("position_based", 500), ("time_decay", 500)])
    );
    assert_eq!(
        credit("social", "channel", "paid_social"),
        by_model(&[
            ("last", 1_000),
            ("last_non_direct", 1_000),
            ("linear", 500),
            ("position_based", 500),
            ("time_decay", 500)
        ])
    );
    assert_eq!(credit("store", "team", "store"), BTreeMap::new());
}

#[test]
fn decisions_count_for_their_team_by_fate_and_reason() {
    let decision = |reason: Option<WithheldReason>| Decision {
        decision_id: "d".to_owned(),
        trigger_id: "t".to_owned(),
        trigger_version: 1,
        team_id: "email".to_owned(),
        person_id: person(0),
        decided_at: START_AT,
        arm: Arm::Treated,
        fate: if reason.is_some() { Fate::Withheld } else { Fate::Sent },
        reason,
        detail: None,
        channel: "email".to_owned(),
        priority: 1,
        evidence: Vec::new(),
        valid_until_at: START_AT,
        account_id: None,
        consent: None,
        judged_at: None,
        experiment: None,
        channel_reason: None,
        action: "message".to_owned(),
    };
    let mut ledger = Ledger::new(&Config::default());
    for reason in [None, Some(WithheldReason::Capped), Some(WithheldReason::Capped), Some(WithheldReason::HeldOut)] {
        ledger.decision(&decision(reason)).unwrap();
    }
    let deltas = ledger.drain();
    assert_eq!(deltas.len(), 6, "all, team and channel, each of the day and in total");
    for delta in &deltas {
        assert_eq!((delta.delta.decisions_sent, delta.change_count), (1, 4));
        let withheld = BTreeMap::from([("capped".to_owned(), 2), ("held_out".to_owned(), 1)]);
        assert_eq!(delta.delta.decisions_withheld, withheld);
        assert_eq!(delta.key.currency, "");
    }
    assert!(ledger.decision(&Decision { team_id: "all".to_owned(), ..decision(None) }).is_err());
    assert_eq!(ledger.drain(), Vec::new());
}

#[test]
fn amounts_that_could_not_be_summed_and_reserved_teams_are_refused_and_count_nothing() {
    let mut ledger = Ledger::new(&config());
    let sale = |value: i64| {
        let mut event = touch(1, person(0), START_AT, "store.purchased", 3);
        event.touchpoint.value = Some(Money::new("USD", value));
        event
    };
    let mut huge_cost = sale(1);
    huge_cost.touchpoint.items = vec![item(i64::MAX, &[])];
    let mut no_quantity = sale(1);
    no_quantity.touchpoint.items = vec![item(0, &[])];
    no_quantity.touchpoint.items[0].quantity = i64::MIN;
    let mut huge_discount = sale(1);
    huge_discount.touchpoint.items = vec![item(1, &[("coupon", i64::MIN)])];
    let mut huge_lines = sale(1);
    huge_lines.touchpoint.items = vec![item(1, &[])];
    huge_lines.touchpoint.items[0].line_value_minor = Some(i64::MIN);
    let mut reserved = sale(1);
    reserved.path = vec![step(0)];
    reserved.path[0].team_id = "all".to_owned();
    let cases = [
        (sale(i64::MIN), "amount_out_of_range"),
        (huge_cost, "amount_out_of_range"),
        (no_quantity, "amount_out_of_range"),
        (huge_discount, "amount_out_of_range"),
        (huge_lines, "amount_out_of_range"),
        (reserved, "reserved_team"),
    ];
    for (event, code) in cases {
        let error = ledger.journey_event(&event).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert_eq!(ledger.drain(), Vec::new());
    assert!(ledger.reach.is_empty());
}
