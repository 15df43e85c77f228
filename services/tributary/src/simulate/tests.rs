use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use tributary_model::Money;

use super::{Settings, simulate};

const START_AT: i64 = 1_772_323_200_000;

fn settings(persons: u32, days: u32, seed: u64) -> Settings {
    Settings { persons, days, seed, start_at: START_AT }
}

#[test]
fn every_silo_speaks_and_every_trap_is_set() {
    let simulation = simulate(&settings(400, 30, 7));
    let sources: BTreeSet<&str> = simulation.events.iter().map(|event| event.source).collect();
    assert_eq!(sources, BTreeSet::from(["events-channel", "events-crm", "events-ecommerce", "events-store"]));
    let truth = &simulation.truth;
    for kind in [
        "ad.shown",
        "mail.sent",
        "email.clicked",
        "product.viewed",
        "order.placed",
        "order.refunded",
        "store.purchased",
        "store.returned",
        "loyalty.joined",
        "case.opened",
        "lead.created",
        "opportunity.won",
        "person.identified",
        "consent.changed",
    ] {
        assert!(truth.touches_by_type.contains_key(kind), "no {kind} in {:?}", truth.touches_by_type);
    }
    assert!(truth.planted.offer > 0 && truth.planted.stage > 0 && truth.planted.unapproved > 0, "{:?}", truth.planted);
    assert!(truth.noise.duplicates > 0 && truth.noise.malformed > 0 && truth.noise.bots > 0, "{:?}", truth.noise);
    assert_eq!(truth.shared.len(), 1 + 2 + 5 + 1, "{:?}", truth.shared);
}

#[test]
fn campaigns_cause_sales_and_both_kinds_together_cause_more() {
    let caused = simulate(&settings(2_000, 30, 1)).truth.caused;
    assert!(caused.anyway > caused.by_demand, "{caused:?}");
    assert!(caused.by_brand > 0 && caused.by_demand > 0 && caused.by_both > 0, "{caused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_settings_give_the_same_bytes(persons in 1_u32..60, days in 1_u32..40, seed: u64) {
        let settings = settings(persons, days, seed);
        prop_assert_eq!(simulate(&settings), simulate(&settings));
    }

    #[test]
    fn the_truth_is_what_the_events_say(persons in 1_u32..120, days in 1_u32..40, seed: u64) {
        let simulation = simulate(&settings(persons, days, seed));
        let truth = &simulation.truth;
        let in_order = simulation.events.windows(2).all(|pair| pair[0].occurred_at <= pair[1].occurred_at);
        prop_assert!(in_order);

        let mut unique: BTreeMap<(String, String), Value> = BTreeMap::new();
        let (mut duplicates, mut malformed) = (0, 0);
        for event in &simulation.events {
            match serde_json::from_slice::<Value>(&event.body) {
                Err(_) => malformed += 1,
                Ok(body) => {
                    let known = unique.insert((event.source.to_owned(), event.event_id.clone()), body.clone());
                    duplicates += i64::from(known.is_some());
                    prop_assert!(known.is_none_or(|known| known == body), "two events with one id");
                }
            }
        }
        prop_assert_eq!((duplicates, malformed), (truth.noise.duplicates, truth.noise.malformed));
        let bots = unique.values().filter(|body| body.get("user_agent").is_some()).count() as i64;
        prop_assert_eq!(bots, truth.noise.bots);
        prop_assert_eq!(unique.len() as i64, truth.total().touches + bots);
        prop_assert_eq!(truth.touches_by_type.values().sum::<i64>(), truth.total().touches);

        let (mut revenue_minor, mut lines_minor) = (0, 0);
        for body in unique.values() {
            let minor = |value: &Value| Money::parse(value.as_str().unwrap(), "USD").unwrap().amount_minor;
            if let Some(amount) = body.pointer("/value/amount").map(minor) {
                revenue_minor += amount;
                let lines = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
                let sum: i64 = lines.iter().map(|line| minor(&line["line_value"])).sum();
                lines_minor += sum;
                prop_assert!(lines.is_empty() || sum == amount);
            }
        }
        prop_assert_eq!(revenue_minor, truth.total().revenue_minor);
        prop_assert!(lines_minor <= revenue_minor);
    }

    #[test]
    fn one_name_is_one_shoppers(persons in 1_u32..120, seed: u64) {
        let truth = simulate(&settings(persons, 20, seed)).truth;
        let mut owner = BTreeMap::new();
        for (index, person) in truth.persons.iter().enumerate() {
            for group in &person.groups {
                prop_assert!(!group.is_empty());
                for identifier in group {
                    prop_assert!(!truth.shared.contains(identifier));
                    prop_assert_eq!(owner.insert(identifier.clone(), index), None);
                }
            }
        }
        prop_assert!(truth.findable_persons() >= truth.nameable_persons());
    }
}
