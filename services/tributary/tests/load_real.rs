//! The real data sets through loader and mapping: exact totals, every row accounted for. Each test says in one line
//! which file is missing when the data is not there.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says why it does not run, and ends where it fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tributary_model::{Direction, Pseudonymizer, Touchpoint};
use tributary_normalizer::{Config, Rulebook, stage_with};
use tributary_schema::Contracts;
use tributary_stream::{Effects, HEADER_CODE, Processor, Record, TaskInfo};
use tributary_testkit::data_file;
use tributary_tributary::load::{Load, Tally};

const RECEIVED_AT: i64 = 1_790_000_000_000;

/// A folder or file of the real data, or nothing with a line that names what is missing.
fn data(path: &str) -> Option<PathBuf> {
    data_file(path).map_err(|error| println!("skipped: {error}")).ok()
}

/// What became of all events of a load.
#[derive(Default)]
struct Outcome {
    tally: Tally,
    touchpoints: u64,
    by_type: BTreeMap<String, u64>,
    drops: BTreeMap<String, u64>,
    dead_letters: BTreeMap<String, u64>,
}

impl Outcome {
    fn counts(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
        counts.iter().map(|(name, count)| (name.as_str(), *count)).collect()
    }
}

/// Sends all events of a load through the normaliser of the sources as they stand in the repository.
fn normalise(what: &str, path: PathBuf, mut each: impl FnMut(&Touchpoint)) -> Outcome {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/sources");
    let config = Config { source_dirs: vec![sources], ..Config::default() };
    let pseudonymizer = Pseudonymizer::new(b"a key for tests alone").unwrap();
    let stage = stage_with(&config, Rulebook::load(&config).unwrap(), pseudonymizer);
    let mut processor: Box<dyn Processor> = (stage.factory)(TaskInfo { topic_index: 0, partition: 0 });
    let contracts = Contracts::single_object().unwrap();
    let mut outcome = Outcome::default();
    let mut reader = Load::open(what, &[path], &[]).unwrap().into_reader();
    let mut offset = 0;
    while let Some(event) = reader.advance(&mut outcome.tally).unwrap() {
        let record = event.to_record(RECEIVED_AT, &contracts).unwrap();
        let input = Record {
            topic: record.topic,
            partition: 0,
            offset,
            timestamp_ms: Some(RECEIVED_AT),
            key: record.key,
            value: record.value,
            headers: Vec::new(),
        };
        offset += 1;
        let mut effects = Effects::new(contracts.clone());
        processor.process(&input, &mut effects).unwrap();
        let before = outcome.touchpoints;
        for written in effects.records() {
            if written.topic == tributary_model::topics::TOUCHPOINTS {
                let touchpoint: Touchpoint = contracts.decode(written.value.as_deref().unwrap()).unwrap();
                outcome.touchpoints += 1;
                *outcome.by_type.entry(touchpoint.event_type.clone()).or_default() += 1;
                each(&touchpoint);
            } else {
                let code = written.headers.iter().find(|(name, _)| name == HEADER_CODE);
                let code = String::from_utf8(code.unwrap().1.clone()).unwrap();
                *outcome.dead_letters.entry(code).or_default() += 1;
            }
        }
        for dropped in effects.drops() {
            *outcome.drops.entry(dropped.reason.to_owned()).or_default() += dropped.count;
        }
        let ends = [outcome.touchpoints > before, !effects.drops().is_empty(), effects.dead_letter_count() > 0];
        let fates = ends.iter().filter(|end| **end).count();
        assert_eq!(fates, 1, "{} has {fates} outcomes", event.position());
    }
    outcome
}

/// What the baskets add up to.
#[derive(Default)]
struct Till {
    lines: u64,
    baskets: u64,
    not_positive: u64,
    sales_minor: i64,
    discounts_minor: BTreeMap<String, i64>,
    households: BTreeSet<String>,
    stores: BTreeSet<String>,
    last_at: i64,
}

impl Till {
    fn add(&mut self, touchpoint: &Touchpoint) {
        assert!(touchpoint.occurred_at >= self.last_at, "{} goes back in time", touchpoint.touchpoint_id);
        self.last_at = touchpoint.occurred_at;
        if !touchpoint.is_sale() {
            return;
        }
        let value = touchpoint.value.as_ref().unwrap();
        assert_eq!(value.currency, "USD");
        self.baskets += 1;
        self.lines += touchpoint.items.len() as u64;
        self.not_positive += touchpoint.items.iter().filter(|item| item.quantity <= 0).count() as u64;
        self.sales_minor += value.amount_minor;
        for discount in touchpoint.items.iter().flat_map(|item| &item.discounts) {
            *self.discounts_minor.entry(discount.kind.clone()).or_default() += discount.amount_minor;
        }
        self.households.insert(touchpoint.identifiers[0].value.to_string());
        self.stores.insert(touchpoint.location.clone().unwrap());
    }
}

#[test]
fn the_complete_journey_adds_up_to_its_facts() {
    let (Some(folder), Some(facts)) = (data("complete-journey"), data("complete-journey/facts.json")) else { return };
    let facts: Value = serde_json::from_slice(&std::fs::read(facts).unwrap()).unwrap();
    let fact = |name: &str| facts[name].as_i64().unwrap();
    let mut till = Till::default();
    let (mut placed, mut of_nobody) = (0_u64, 0_u64);
    let outcome = normalise("complete-journey", folder, |touchpoint| {
        till.add(touchpoint);
        let placement = matches!(touchpoint.event_type.as_str(), "display.shown" | "mailer.shown");
        of_nobody += u64::from(touchpoint.identifiers.is_empty());
        placed += u64::from(placement);
        assert_eq!(touchpoint.identifiers.is_empty(), placement, "{}", touchpoint.touchpoint_id);
    });

    assert_eq!(till.baskets as i64, fact("baskets"));
    assert_eq!(till.lines as i64, fact("transaction_lines"));
    assert_eq!(till.not_positive as i64, fact("lines_quantity_le_0"));
    assert_eq!(till.households.len() as i64, fact("households"));
    assert_eq!(till.stores.len() as i64, fact("stores"));
    assert_eq!(till.sales_minor, fact("sales_value_cents"));
    assert_eq!(till.discounts_minor["retail"], fact("retail_disc_cents"));
    assert_eq!(till.discounts_minor["coupon"], fact("coupon_disc_cents"));
    assert_eq!(till.discounts_minor["coupon_match"], fact("coupon_match_disc_cents"));
    assert_eq!(till.discounts_minor.len(), 3);

    assert!(outcome.dead_letters.is_empty(), "{:?}", outcome.dead_letters);
    assert!(outcome.drops.is_empty(), "{:?}", outcome.drops);
    assert_eq!(of_nobody, placed);
    assert_eq!(
        Outcome::counts(&outcome.by_type),
        [
            ("coupon.offered", 4_380),
            ("coupon.redeemed", 1_373),
            ("display.shown", 5_643),
            ("mail.sent", 4_380),
            ("mailer.shown", 5_749),
            ("person.identified", 547),
            ("store.purchased", 101_273),
        ]
    );
    let rows: BTreeMap<&str, u64> = outcome.tally.files.iter().map(|file| (file.file.as_str(), file.rows)).collect();
    let expected = [
        ("campaign_descriptions.csv", 27),
        ("campaigns.csv", 4_380),
        ("coupon_redemptions.csv", 1_373),
        ("coupons.csv.zst", 116_204),
        ("demographics.csv", 547),
        ("products.csv.zst", 92_331),
        ("promotions_top300_products.csv.zst", 397_570),
        ("transactions.csv.zst", 974_002),
    ];
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(outcome.tally.facts["households"] as i64, fact("households"));
    assert_eq!(outcome.tally.facts["stores"] as i64, fact("stores"));
}

#[test]
fn every_lead_and_deal_of_olist_becomes_a_touchpoint() {
    let Some(folder) = data("olist-funnel") else { return };
    let mut channels = BTreeMap::<String, u64>::new();
    let mut leads = BTreeMap::new();
    let mut won_days = Vec::new();
    let outcome = normalise("olist", folder, |touchpoint| {
        assert_eq!(touchpoint.value, None, "a lead or a declared revenue is no sale");
        let lead = &touchpoint.identifiers[0];
        assert_eq!(lead.namespace, "crm_contact_id");
        if touchpoint.event_type == "lead.created" {
            *channels.entry(touchpoint.channel.clone()).or_default() += 1;
            leads.insert(lead.value.clone(), touchpoint.occurred_at);
        } else {
            assert_eq!(touchpoint.account_identifiers[0].namespace, "crm_account_id");
            won_days.push((touchpoint.occurred_at - leads[&lead.value]) / tributary_model::time::DAY_MS);
        }
    });
    assert_eq!(Outcome::counts(&outcome.by_type), [("lead.created", 8_000), ("opportunity.won", 664)]);
    assert!(outcome.drops.is_empty() && outcome.dead_letters.is_empty());
    assert_eq!(outcome.tally.total_rows(), 8_664);
    assert_eq!(leads.len(), 8_000);
    assert!(won_days.iter().all(|days| *days >= 0), "no deal is won before its lead came");
    assert_eq!(
        Outcome::counts(&channels),
        [
            ("direct", 499),
            ("display", 118),
            ("email", 493),
            ("organic_search", 2_296),
            ("organic_social", 1_350),
            ("paid_other", 65),
            ("paid_search", 1_586),
            ("referral", 284),
            ("unassigned", 1_309),
        ]
    );
}

#[test]
fn every_event_of_the_snowplow_shop_is_a_touchpoint_or_a_counted_drop() {
    let Some(table) = data("snowplow-ecommerce/snowplow_ecommerce_events.csv") else { return };
    let mut revenue_minor = BTreeMap::<String, i64>::new();
    let mut browsers = BTreeSet::new();
    let mut orders = BTreeMap::<String, u64>::new();
    let mut shown = 0;
    let outcome = normalise("snowplow", table, |touchpoint| {
        assert!(!touchpoint.identifiers.is_empty(), "{}", touchpoint.touchpoint_id);
        shown += u64::from(touchpoint.direction == Direction::Outbound);
        let anonymous = touchpoint.identifiers.iter().filter(|identifier| identifier.namespace == "anonymous_id");
        browsers.extend(anonymous.map(|identifier| identifier.value.clone()));
        if let Some(value) = &touchpoint.value {
            assert!(touchpoint.is_sale());
            *revenue_minor.entry(value.currency.clone()).or_default() += value.amount_minor;
            *orders.entry(touchpoint.order_id.clone().unwrap()).or_default() += 1;
        }
    });
    assert_eq!(outcome.tally.total_rows(), 834);
    assert_eq!(
        Outcome::counts(&outcome.by_type),
        [
            ("cart.updated", 115),
            ("checkout.continued", 36),
            ("checkout.started", 44),
            ("order.placed", 29),
            ("order.refunded", 1),
            ("product.viewed", 179),
            ("product_list.clicked", 35),
            ("product_list.viewed", 100),
            ("promotion.clicked", 1),
            ("promotion.shown", 1),
        ]
    );
    assert_eq!(Outcome::counts(&outcome.drops), [("untyped_action", 293)]);
    assert!(outcome.dead_letters.is_empty(), "{:?}", outcome.dead_letters);
    assert_eq!(outcome.touchpoints + 293, 834);
    assert_eq!(shown, 1);
    assert_eq!(browsers.len(), 57, "of 59; two did nothing but what was dropped");
    // 10 × 26, 8 × 18, 5 × 13, 4 × 43 and 1,234,567.89 in euro; one order in dollars.
    assert_eq!(revenue_minor, BTreeMap::from([("EUR".into(), 123_520_889), ("USD".into(), 23_123_100)]));
    assert_eq!(orders.values().filter(|events| **events > 1).count(), 1, "one order came twice, under two event ids");
}
