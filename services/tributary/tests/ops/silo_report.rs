//! Events of three domains through a hub, and what `tributary silo-report` says of them in all its forms.

use std::io::Write as _;

use roxmltree::{Document, ParsingOptions};
use serde_json::{Value, json};
use tributary_model::time::{HOUR_MS, MINUTE_MS, from_rfc3339, to_rfc3339};
use tributary_model::{DecisionOutcome, OutcomeKind, topics};
use tributary_schema::Contracts;
use tributary_stream::OutRecord;

use crate::bed::{Bed, account, said};

/// Customers of the store, of the shop, and of both.
const CUSTOMERS: usize = 40;
const OF_BOTH: usize = 10;
/// Sales to nobody.
const ANONYMOUS: usize = 20;
/// The report of a hub that was live when all of it happened.
const LIVE: [&str; 3] = ["silo-report", "--live-since", "2026-03-01"];

fn event(id: &str, minute: usize, more: &Value) -> Value {
    let at = from_rfc3339("2026-03-02T08:00:00Z").unwrap() + minute as i64 * MINUTE_MS;
    let mut event = json!({ "id": id, "occurred_at": to_rfc3339(at) });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn sale(id: &str, minute: usize, identifiers: &Value) -> Value {
    let value = json!({ "currency": "USD", "amount": "12.50" });
    let more = json!({ "type": "store.purchased", "channel": "in_store", "direction": "inbound", "value": value,
        "identifiers": identifiers });
    event(id, minute, &more)
}

/// What one store sells, one shop shows, and one mailer sends to those who have just bought.
fn events() -> [(&'static str, Vec<Value>); 3] {
    let email = |number: usize| format!("shopper-{number}@example.org");
    let card = |number: usize| format!("P-{number}");
    let mut store = Vec::new();
    for number in 0..CUSTOMERS {
        let mut identifiers = json!({ "loyalty_id": card(number) });
        if number < OF_BOTH {
            identifiers["email"] = email(number).into();
        }
        store.push(sale(&format!("s-{number}"), number, &identifiers));
    }
    store.extend((0..ANONYMOUS).map(|number| sale(&format!("n-{number}"), number, &json!({}))));
    let visit = |number: usize| {
        let more = json!({ "type": "product.viewed", "channel": "direct", "direction": "inbound",
            "identifiers": { "email": email(if number < OF_BOTH { number } else { 100 + number }) } });
        event(&format!("v-{number}"), 60 + number, &more)
    };
    let mail = |number: usize| {
        let more = json!({ "type": "email.sent", "channel": "email", "direction": "outbound",
            "identifiers": { "loyalty_id": card(number) } });
        event(&format!("m-{number}"), 120 + number, &more)
    };
    [
        ("events-store", store),
        ("events-ecommerce", (0..CUSTOMERS).map(visit).collect()),
        ("events-channel", (0..CUSTOMERS).map(mail).collect()),
    ]
}

/// One source after the other, so that the store's sales are known before the mails are.
fn load(bed: &Bed) {
    let mut loaded = 0;
    for (source, events) in events() {
        let path = bed.dir.path().join(format!("{source}.ndjson"));
        let mut file = std::fs::File::create(&path).unwrap();
        events.iter().for_each(|event| writeln!(file, "{event}").unwrap());
        let load = bed.command(&["load", source]).arg(&path).output().unwrap();
        assert!(load.status.success(), "{}", said(&load));
        loaded += events.len() as i64;
        let audit = bed.until_settled(loaded);
        assert_eq!(account(&audit, "normalizer")["dead_lettered"], 0, "{:#}", bed.json(&["dlq", "list"]));
    }
}

fn leaks(bed: &Bed) -> Vec<DecisionOutcome> {
    let contracts = Contracts::single_object().unwrap();
    let outcome = |value: &[u8]| contracts.decode::<DecisionOutcome>(value).ok();
    let outcomes = bed.records(topics::OUTCOMES).into_iter().filter_map(|record| outcome(&record.value?));
    outcomes.filter(|outcome| outcome.kind == OutcomeKind::Leaked && !outcome.is_ghost).collect()
}

fn rate(report: &Value, from: &str, to: &str) -> (i64, i64) {
    let pairs = report["match_rates"]["pairs"].as_array().unwrap();
    let pair = pairs.iter().find(|pair| pair["from"] == from && pair["to"] == to).unwrap();
    (pair["rate"]["count"].as_i64().unwrap(), pair["rate"]["of"].as_i64().unwrap())
}

fn grade<'a>(report: &'a Value, dimension: &str) -> &'a Value {
    let grades = report["grades"].as_array().unwrap();
    &grades.iter().find(|graded| graded["dimension"] == dimension).unwrap()["grade"]
}

#[test]
fn three_silos_are_reported_in_every_form() {
    let bed = Bed::new();
    let _hub = bed.hub();
    load(&bed);
    // Of what was loaded, only who is known can be told.
    let loaded = bed.json(&["silo-report"]);
    assert!(loaded["live_since"].as_str().unwrap() > "2026-03-03", "{}", loaded["live_since"]);
    assert_eq!(grade(&loaded, "match_rate"), "B");
    for dimension in ["hand_over", "suppression_leakage", "loop_time"] {
        assert_eq!(grade(&loaded, dimension), "not_enough_data", "{dimension}");
    }
    // The same, had the hub been there when it happened.
    let report = bed.json(&LIVE);
    assert_eq!(report["match_rates"], loaded["match_rates"]);
    let (customers, of_both, anonymous) = (CUSTOMERS as i64, OF_BOTH as i64, ANONYMOUS as i64);
    assert_eq!(report["persons"], 2 * customers - of_both, "{report:#}");
    assert_eq!(rate(&report, "store", "ecommerce"), (of_both, customers));
    assert_eq!(rate(&report, "ecommerce", "channel"), (of_both, customers));
    assert_eq!(rate(&report, "channel", "store"), (customers, customers));
    assert_eq!(rate(&report, "crm", "store"), (0, 0));
    let sales = &report["identity"]["sales"];
    assert_eq!((&sales["count"], &sales["of"]), (&json!(customers), &json!(customers + anonymous)));
    // It was received long after it happened.
    let sources = report["hand_over"]["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|source| source["delay"]["p50_ms"].as_i64().unwrap() > HOUR_MS), "{sources:#?}");
    assert_eq!((grade(&report, "hand_over"), grade(&report, "match_rate")), (&json!("F"), &json!("B")));
    assert_eq!(grade(&report, "consistency"), "not_enough_data", "no campaign was named");
    // A purchase in a store stops marketing mail for two weeks, and this mailer does not hear of it.
    let leaked = leaks(&bed);
    assert_eq!(leaked.len(), CUSTOMERS);
    assert_eq!(report["leakage"]["contacts"]["count"], customers);
    assert_eq!(grade(&report, "suppression_leakage"), "F");
    let first = report["repairs"][0]["what"].as_str().unwrap();
    assert!(report["repairs"][0]["affected"] == customers && first.contains("touches of"), "{first}");

    let with = |more: &[&'static str]| bed.run(&[LIVE.as_slice(), more].concat());
    let markdown = said(&with(&["--format", "markdown"]));
    assert!(markdown.starts_with("# Silo report") && markdown.contains(first), "{markdown}");
    assert_eq!(markdown, said(&with(&[])), "what people get when they ask for nothing else");
    let written = with(&["--format", "html", "--file", "report.html"]);
    assert!(written.status.success() && written.stdout.is_empty(), "{}", said(&written));
    let page = std::fs::read_to_string(bed.dir.path().join("report.html")).unwrap();
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&page, options).unwrap();
    let shown: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    assert!(shown.contains(&"of store in ecommerce: 25.0 %"), "{shown:?}");

    // Nothing is counted of the time before a day, of whom was erased, or of what is none; and that is said.
    let later = bed.json(&["silo-report", "--since", "2026-03-03"]);
    assert_eq!((&later["persons"], &later["leakage"]["contacts"]["count"]), (&json!(0), &json!(0)), "{later:#}");
    let record = |key: Vec<u8>, value: Option<Vec<u8>>| OutRecord {
        topic: topics::OUTCOMES.to_owned(),
        key,
        value,
        headers: Vec::new(),
    };
    bed.publish(&[record(leaked[0].person_id.to_key(), None), record(b"x".to_vec(), Some(b"no outcome".to_vec()))]);
    let output = with(&["--format", "json"]);
    let erased: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(erased["leakage"]["contacts"]["count"], customers - 1);
    assert!(said(&output).contains("tributary.outcomes: 1 records cannot be read"), "{}", said(&output));
}
