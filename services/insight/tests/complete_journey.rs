//! The real data set through both stages: the scorecard over all teams is the data set's own facts, to the cent.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeMap;
use std::fs::File;

use common::{step, touch};
use tributary_insight::Config;
use tributary_insight::ledger::Ledger;
use tributary_insight::read;
use tributary_insight::scorecards::Scorecards;
use tributary_model::time::from_rfc3339;
use tributary_model::{Discount, Item, JourneyEvent, Money, PersonId};
use tributary_testkit::data_file;
use uuid::Uuid;

/// Cents of a decimal as the file writes it; some are the dust of binary arithmetic, such as 1.776357e-15.
fn cents(text: &str) -> i64 {
    (text.parse::<f64>().unwrap() * 100.0).round() as i64
}

/// One store purchase for each basket, in the order of the file.
fn baskets() -> Vec<JourneyEvent> {
    let file = File::open(data_file("complete-journey/transactions.csv.zst").unwrap()).unwrap();
    let mut rows = csv::Reader::from_reader(zstd::Decoder::new(file).unwrap());
    let columns = rows.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let [household, store, basket, product] = ["household_id", "store_id", "basket_id", "product_id"].map(column);
    let [value, at] = ["sales_value", "transaction_timestamp"].map(column);
    let discounts = ["retail", "coupon", "coupon_match"].map(|kind| (kind, column(&format!("{kind}_disc"))));
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut baskets: Vec<JourneyEvent> = Vec::new();
    for row in rows.records() {
        let row = row.unwrap();
        let place = *places.entry(row[basket].to_owned()).or_insert_with(|| {
            let number: u128 = row[household].parse().unwrap();
            let occurred_at = from_rfc3339(&format!("{}Z", &row[at])).unwrap();
            let mut event =
                touch(baskets.len() as u32, PersonId(Uuid::from_u128(number)), occurred_at, "store.purchased", 3);
            event.touchpoint.value = Some(Money::new("USD", 0));
            event.touchpoint.location = Some(row[store].to_owned());
            event.path = (0..number as usize % 4).map(step).collect();
            baskets.push(event);
            baskets.len() - 1
        });
        let touchpoint = &mut baskets[place].touchpoint;
        let amounts = discounts.map(|(kind, column)| (kind, cents(&row[column])));
        touchpoint.value.as_mut().unwrap().amount_minor += cents(&row[value]);
        touchpoint.items.push(Item {
            sku: row[product].to_owned(),
            quantity: 1,
            unit_price_minor: None,
            unit_cost_minor: None,
            line_value_minor: Some(cents(&row[value])),
            discounts: amounts
                .into_iter()
                .filter(|(_, amount_minor)| *amount_minor != 0)
                .map(|(kind, amount_minor)| Discount { kind: kind.to_owned(), amount_minor })
                .collect(),
            category: None,
            brand: None,
        });
    }
    baskets
}

/// Both stages, as they run: one ledger a partition, a commit after every thousand statements.
struct Stages {
    ledgers: Vec<Ledger>,
    scorecards: Scorecards,
    read: read::Scorecards,
}

impl Stages {
    fn new() -> Self {
        let ledgers = (0..4).map(|_| Ledger::new(&Config::default())).collect();
        Self { ledgers, scorecards: Scorecards::new(&Config::default()), read: read::Scorecards::default() }
    }

    fn run(&mut self, statements: &[JourneyEvent]) {
        for chunk in statements.chunks(1_000) {
            for event in chunk {
                self.ledgers[event.person_id.0.as_u128() as usize % 4].journey_event(event).unwrap();
            }
            self.ledgers.iter_mut().flat_map(Ledger::drain).for_each(|delta| self.scorecards.apply(delta));
            self.scorecards.drain().into_iter().for_each(|scorecard| self.read.apply(scorecard));
        }
    }
}

#[test]
fn the_scorecard_over_all_teams_equals_the_facts() {
    let facts: serde_json::Value =
        serde_json::from_reader(File::open(data_file("complete-journey/facts.json").unwrap()).unwrap()).unwrap();
    let fact = |name: &str| facts[name].as_i64().unwrap();
    let baskets = baskets();
    let mut stages = Stages::new();
    stages.run(&baskets);

    let whole = stages.read.whole();
    let dollars = &whole.money["USD"];
    assert_eq!(dollars.lines, fact("transaction_lines"));
    assert_eq!(dollars.conversions, fact("baskets"));
    assert_eq!((dollars.persons, dollars.buyers), (fact("households"), fact("households")));
    assert_eq!(dollars.locations.len() as i64, fact("stores"));
    assert_eq!(dollars.revenue_minor, fact("sales_value_cents"));
    assert_eq!(dollars.discounts_minor["retail"], fact("retail_disc_cents"));
    assert_eq!(dollars.discounts_minor["coupon"], fact("coupon_disc_cents"));
    assert_eq!(dollars.discounts_minor["coupon_match"], fact("coupon_match_disc_cents"));
    assert_eq!((whole.counts.lines, whole.counts.buyers), (dollars.lines, dollars.buyers));
    assert_eq!(stages.read.credit_differences(), Vec::new());

    // Two households turn out to be one: nothing but the number of persons changes.
    let loser = baskets[0].person_id;
    let winner = baskets.iter().map(|event| event.person_id).find(|person_id| *person_id != loser).unwrap();
    let merged = baskets.iter().filter(|event| event.person_id == loser).flat_map(|event| {
        let asserted = JourneyEvent { person_id: winner, revision: 2, ..event.clone() };
        [JourneyEvent { retracted: true, ..event.clone() }, asserted]
    });
    stages.run(&merged.collect::<Vec<_>>());
    let after = &stages.read.whole().money["USD"];
    assert_eq!((after.persons, after.buyers), (fact("households") - 1, fact("households") - 1));
    assert_eq!(
        (after.revenue_minor, after.lines, &after.locations),
        (dollars.revenue_minor, dollars.lines, &dollars.locations)
    );
}
