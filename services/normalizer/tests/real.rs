//! Against data that nobody here made. Asserts outcomes and prints none of the data.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use tributary_model::{Pseudonymizer, Touchpoint, topics};
use tributary_normalizer::{Config, HEADER_SOURCE, Rulebook, stage};
use tributary_schema::Contracts;
use tributary_stream::{Effects, Processor, Record, TaskInfo};

/// 2026-03-01T09:00:00Z: what was collected years ago is received at one instant.
const RECEIVED_AT: i64 = 1_772_355_600_000;

fn data(path: &str) -> Vec<u8> {
    let root = std::env::var_os("TRIBUTARY_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let file = root.join(path);
    let bytes = std::fs::read(&file).unwrap_or_else(|error| {
        panic!("{} is missing ({error}): set TRIBUTARY_DATA to the data folder", file.display())
    });
    if path.ends_with(".zst") { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes }
}

fn json(path: &str) -> Json {
    serde_json::from_slice(&data(path)).unwrap()
}

struct Normalizer {
    contracts: Arc<Contracts>,
    processor: Box<dyn Processor>,
    /// How often each outcome came: `touchpoint <type>`, `drop <reason>`, `dead_letter <code>`.
    outcomes: BTreeMap<String, u64>,
    touchpoints: Vec<Touchpoint>,
}

impl Normalizer {
    fn new() -> Self {
        let key = Pseudonymizer::new(b"0123456789abcdef").unwrap();
        let stage = stage(&Config::default(), key).unwrap();
        let processor = (stage.factory)(TaskInfo { topic_index: 0, partition: 0 });
        let contracts = Contracts::single_object().unwrap();
        Self { contracts, processor, outcomes: BTreeMap::new(), touchpoints: Vec::new() }
    }

    fn feed(&mut self, source: &str, body: &[u8]) {
        let record = Record {
            topic: "tributary.raw.store".to_owned(),
            partition: 0,
            offset: 0,
            timestamp_ms: Some(RECEIVED_AT),
            key: Vec::new(),
            value: Some(body.to_vec()),
            headers: vec![(HEADER_SOURCE.to_owned(), source.as_bytes().to_vec())],
        };
        let mut effects = Effects::new(Arc::clone(&self.contracts));
        self.processor.process(&record, &mut effects).unwrap();
        for drops in effects.drops() {
            *self.outcomes.entry(format!("drop {}", drops.reason)).or_default() += drops.count;
        }
        for out in effects.records() {
            let outcome = if out.topic == topics::TOUCHPOINTS {
                let touchpoint: Touchpoint = self.contracts.decode(out.value.as_deref().unwrap()).unwrap();
                let outcome = format!("touchpoint {}", touchpoint.event_type);
                self.touchpoints.push(touchpoint);
                outcome
            } else {
                let (_, code) = out.headers.iter().find(|(name, _)| name == tributary_stream::HEADER_CODE).unwrap();
                format!("dead_letter {}", String::from_utf8_lossy(code))
            };
            *self.outcomes.entry(outcome).or_default() += 1;
        }
    }

    fn counts(&self) -> Vec<(&str, u64)> {
        self.outcomes.iter().map(|(outcome, count)| (outcome.as_str(), *count)).collect()
    }
}

#[test]
fn every_till_order_ends_as_a_purchase_or_a_drop_and_the_placeholder_is_nobody() {
    let mut normalizer = Normalizer::new();
    let mut expected_cents: i64 = 0;
    let days = ["2017-10-30", "2017-10-31"].map(str::to_owned).into_iter();
    let november = (1..=30).filter(|day| *day != 23).map(|day| format!("2017-11-{day:02}"));
    for day in days.chain(november) {
        let file = json(&format!("shopify-pos/{day}.json.zst"));
        for order in file["orders"].as_array().unwrap() {
            if order["test"] != true {
                let total: f64 = order["total_price"].as_str().unwrap().parse().unwrap();
                expected_cents += (total * 100.0).round() as i64;
            }
            normalizer.feed("shopify-pos", order.to_string().as_bytes());
        }
    }
    assert_eq!(normalizer.counts(), [("drop test_order", 1), ("touchpoint store.purchased", 13_182)]);
    let cents: i64 =
        normalizer.touchpoints.iter().map(|touchpoint| touchpoint.value.as_ref().unwrap().amount_minor).sum();
    assert_eq!(cents, expected_cents);
    for touchpoint in &normalizer.touchpoints {
        let namespaces: Vec<&str> = touchpoint.identifiers.iter().map(|found| found.namespace.as_str()).collect();
        assert_eq!(namespaces, ["order_id"], "nothing that two orders share");
        assert!(touchpoint.account_identifiers.is_empty());
        assert_eq!(touchpoint.channel, "in_store");
    }
    let mut people: Vec<&str> =
        normalizer.touchpoints.iter().map(|found| found.identifiers[0].value.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    assert_eq!(people.len(), 13_182);
}

/// A till order in two states, as two of its webhooks bring it.
#[test]
fn states_of_one_order_have_one_event_id_and_are_counted_once() {
    let sources = Rulebook::load(&Config::default()).unwrap().directory();
    let source = sources.iter().find(|source| source.name == "shopify-pos").unwrap();
    let first = json("shopify-pos/2017-11-01.json.zst")["orders"][0].clone();
    let mut later = first.clone();
    later["updated_at"] = Json::from("2017-11-09T10:00:00-05:00");
    assert_ne!(first, later);
    let own_id = |order: &Json| -> Vec<Json> {
        source.event_id.iter().map(|pointer| order.pointer(pointer).unwrap().clone()).collect()
    };
    assert_eq!(own_id(&first), own_id(&later), "they meet on one partition");
    let mut normalizer = Normalizer::new();
    normalizer.feed("shopify-pos", first.to_string().as_bytes());
    normalizer.feed("shopify-pos", later.to_string().as_bytes());
    assert_eq!(normalizer.counts(), [("drop duplicate", 1), ("touchpoint store.purchased", 1)]);
}

#[test]
fn every_shop_case_of_a_peer_has_an_explained_outcome() {
    let cases = json("vendors/cases/shopify.json");
    let mut normalizer = Normalizer::new();
    for case in cases.as_array().unwrap() {
        for request in case["input"]["request"]["body"].as_array().unwrap() {
            normalizer.feed("shopify", request["request"]["body"].as_str().unwrap().as_bytes());
        }
    }
    let expected = [
        ("dead_letter mapping_failed", 2),
        ("drop duplicate", 1),
        ("drop fulfillment", 1),
        ("drop test_order", 1),
        ("touchpoint cart.updated", 3),
        ("touchpoint checkout.advanced", 2),
        ("touchpoint checkout.started", 2),
        ("touchpoint order.placed", 2),
        ("touchpoint page.viewed", 1),
        ("touchpoint product.searched", 1),
    ];
    assert_eq!(normalizer.counts(), expected);
}

#[test]
fn bots_are_known_and_people_are_not_taken_for_them() {
    let rulebook = Rulebook::load(&Config::default()).unwrap();
    let list = json("bots/crawler-user-agents/crawler-user-agents.json");
    let agents: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["instances"].as_array().into_iter().flatten())
        .filter_map(Json::as_str)
        .collect();
    let caught = agents.iter().filter(|agent| rulebook.is_bot(agent)).count();
    let recall = caught as f64 / agents.len() as f64;
    assert!(recall >= 0.9, "recall {recall:.3}: {caught} of {}", agents.len());
    for person in [
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0 Safari/537.36 Edg/127.0.0.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 300.0.0.0",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; SLCC2; .NET CLR 2.0.50727)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/414.0.0]",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25 Version/10.54",
    ] {
        assert!(!rulebook.is_bot(person), "{person}");
    }
}

#[test]
fn channel_groups_agree_with_google_analytics() {
    let rulebook = Rulebook::load(&Config::default()).unwrap();
    let cases = json("channels/ga4/channel_cases.json");
    let text = |case: &Json, key: &str| case[key].as_str().unwrap_or_default().to_lowercase();
    let mut disagreeing = Vec::new();
    for case in cases.as_array().unwrap() {
        let (source, medium, campaign) = (text(case, "source"), text(case, "medium"), text(case, "campaign"));
        let expected = match text(case, "expected_channel").as_str() {
            "mobile push notifications" => "push".to_owned(),
            name => name.replace([' ', '-'], "_"),
        };
        let found = rulebook.channel_group(&source, &medium, &campaign);
        if found != expected {
            disagreeing.push(format!("{source}/{medium}/{campaign}: {found}, expected {expected}"));
        }
    }
    // A shopping site without a medium is organic by GA4's definition; this one case of the peer's says paid.
    assert_eq!(disagreeing, ["alibaba//: organic_shopping, expected paid_shopping"]);
}
