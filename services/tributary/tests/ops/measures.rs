//! One plan, three shoppers, and what everybody reads of it: the story, the scorecards of tentpoles, flights, products and
//! messages, brand and demand, and the read API.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::time::{HOUR_MS, from_rfc3339, to_rfc3339};
use tributary_testkit::{eventually_every, free_port};

use crate::bed::{Bed, said};

const PLAN: &str = "\
tentpoles: [{tentpole_id: spring, name: Spring}]
narratives: [{narrative_id: made-to-last, name: Made to last}, {narrative_id: cheap, name: Cheap}]
campaigns:
  - {campaign_id: film, name: Film, team_id: brand, tentpole_id: spring, agency: northlight, narrative_id: made-to-last,
     demand_percent: 10, funnel_role: awareness}
  - {campaign_id: weekly, name: Weekly, team_id: email, tentpole_id: spring, narrative_id: made-to-last,
     demand_percent: 80, funnel_role: conversion, starts_at: 2026-03-01, ends_at: 2026-04-01}
  - {campaign_id: texts, name: Texts, team_id: trade, narrative_id: cheap, demand_percent: 100, funnel_role: conversion}
messages:
  - {message_id: film-1, narrative_id: made-to-last, approved: true}
  - {message_id: off-20, narrative_id: made-to-last, approved: true, offer_subject: KIT-1, offer_claim: 20% off}
  - {message_id: off-30, narrative_id: cheap, approved: true, offer_subject: KIT-1, offer_claim: 30% off}
  - {message_id: shout, narrative_id: cheap, approved: false}
";
const BEGIN: &str = "2026-03-02T08:00:00Z";
const FINANCE: &str = "the key of those who count money";
const AGENCY: &str = "the key of the agency northlight";

fn event(id: &str, hour: i64, who: &str, kind: &str, more: &Value) -> Value {
    let at = to_rfc3339(from_rfc3339(BEGIN).unwrap() + hour * HOUR_MS);
    let mut event = json!({ "id": id, "occurred_at": at, "type": kind, "direction": "inbound", "channel": "direct",
        "identifiers": { "email": format!("{who}@example.org") } });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn message(id: &str, hour: i64, who: &str, (kind, channel): (&str, &str), [campaign, message]: [&str; 2]) -> Value {
    let mut more = json!({ "direction": "outbound", "channel": channel, "campaign_id": campaign, "message_id": message,
        "cost": { "currency": "USD", "amount": "0.50" } });
    if campaign == "film" {
        more["agency"] = "northlight".into();
    }
    event(id, hour, who, kind, &more)
}

fn bought(id: &str, hour: i64, who: &str, kind: &str, pieces: i64) -> Value {
    let amount = format!("{}.00", 40 * pieces);
    let item = json!({ "sku": "KIT-1", "quantity": pieces, "unit_price": "40.00", "line_value": amount });
    let value = json!({ "currency": "USD", "amount": amount });
    event(id, hour, who, kind, &json!({ "items": [item], "value": value, "order_id": format!("o-{who}") }))
}

/// Ada hears one story, buys, and is then told another. Bob is shouted at. Cy looks, buys two, reviews, and brings one back.
fn events() -> [(&'static str, Vec<Value>); 2] {
    let kit = json!({ "items": [{ "sku": "KIT-1", "quantity": 1 }] });
    let stars = json!({ "items": [{ "sku": "KIT-1", "quantity": 1 }], "properties": { "rating": "4" } });
    [
        (
            "events-channel",
            vec![
                message("m-1", 0, "ada", ("display.shown", "display"), ["film", "film-1"]),
                message("m-2", 1, "ada", ("email.sent", "email"), ["weekly", "off-20"]),
                message("m-3", 9, "ada", ("sms.sent", "sms"), ["texts", "off-30"]),
                message("m-4", 2, "bob", ("sms.sent", "sms"), ["texts", "shout"]),
                message("m-5", 2, "cy", ("email.sent", "email"), ["weekly", "off-20"]),
            ],
        ),
        (
            "events-ecommerce",
            vec![
                bought("s-1", 5, "ada", "order.placed", 1),
                event("v-1", 3, "cy", "product.viewed", &kit),
                event("v-2", 4, "cy", "cart.updated", &kit),
                bought("s-2", 5, "cy", "order.placed", 2),
                event("v-3", 30, "cy", "product.reviewed", &stars),
                bought("s-3", 40, "cy", "order.refunded", -1),
            ],
        ),
    ]
}

fn load(bed: &Bed) {
    let mut loaded = 0;
    for (source, events) in events() {
        let path = bed.dir.path().join(format!("{source}.ndjson"));
        let mut file = std::fs::File::create(&path).unwrap();
        events.iter().for_each(|event| writeln!(file, "{event}").unwrap());
        let load = bed.command(&["load", source]).arg(&path).output().unwrap();
        assert!(load.status.success(), "{}", said(&load));
        loaded += events.len() as i64;
    }
    let audit = bed.until_settled(loaded);
    let letters = bed.json(&["dlq", "list"]);
    assert_eq!(crate::bed::account(&audit, "normalizer")["dead_lettered"], 0, "{letters:#}");
}

/// What the read API answers: status, and the body.
fn ask(port: u16, key: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The measures of the one scorecard that is asked for, once `is_there` holds for them.
#[track_caller]
fn card(port: u16, query: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    let mut seen = String::new();
    let found = eventually_every(Duration::from_millis(100), Duration::from_secs(30), || {
        let (_, body) = ask(port, FINANCE, query);
        let answer: Option<Value> = serde_json::from_str(&body).ok();
        seen = body;
        let cards = answer?["scorecards"].as_array()?.clone();
        (cards.len() == 1 && is_there(&cards[0]["measures"])).then(|| cards[0]["measures"].clone())
    });
    found.unwrap_or_else(|| panic!("{query}: {seen}"))
}

#[test]
fn one_ledger_is_read_as_story_scorecards_products_and_over_http() {
    let bed = Bed::new();
    let port = free_port().unwrap();
    std::fs::write(bed.dir.path().join("finance.key"), FINANCE).unwrap();
    std::fs::write(bed.dir.path().join("agency.key"), AGENCY).unwrap();
    let keys = json!([
        { "everything": true, "key": { "file": "finance.key" } },
        { "agency": "northlight", "key": { "file": "agency.key" } },
    ]);
    bed.set(
        "insight",
        json!({
            "dimensions": ["agency", "product", "creative"], "windows": ["campaign"], "lift": { "brand_demand": true },
            "read_api": { "listen": format!("127.0.0.1:{port}"), "keys": keys },
        }),
    );
    std::fs::write(bed.dir.path().join("plan.yaml"), PLAN).unwrap();
    let applied = bed.run(&["canvas", "apply", "plan.yaml"]);
    assert!(applied.status.success(), "{}", said(&applied));
    let _hub = bed.hub();
    load(&bed);
    the_story(&bed);
    the_scorecards(port);
    the_products(&bed, port);
    let brand = bed.json(&["brand-demand"]);
    assert_eq!((&brand["conversions"], &brand["brand_conversions"]), (&json!(2), &json!(1)), "{brand:#}");
    assert_eq!(brand["barbell"]["USD"], json!({ "brand_minor": 50, "between_minor": 0, "demand_minor": 200 }));
    let weekly = |metric: &str| {
        let responses = brand["responses"].as_array().unwrap();
        let is_meant = |one: &&Value| one["campaign_id"] == "weekly" && one["metric"] == metric;
        responses.iter().find(is_meant).unwrap().clone()
    };
    let bought = weekly("conversion");
    assert_eq!((&bought["with_brand"], &bought["without_brand"]), (&json!(1), &json!(1)), "{brand:#}");
    who_may_read_what(port);
}

fn the_story(bed: &Bed) {
    let story = bed.json(&["story"]);
    let total = &story["total"];
    assert_eq!(total["messages"], 5, "{story:#}");
    assert_eq!((&total["approved"], &total["second_stories"]), (&json!(4), &json!(1)), "{story:#}");
    assert_eq!(total["conflicts"], json!({ "already_bought": 1, "offer": 1 }));
    assert_eq!(story["persons"], json!({ "none": 0, "one": 2, "two": 1, "more": 0 }));
    let contradictions = story["contradictions"].as_array().unwrap();
    let offer = contradictions.iter().find(|one| one["kind"] == "offer").unwrap();
    assert_eq!((&offer["by"]["team_id"], &offer["with"]["team_id"]), (&json!("trade"), &json!("email")));
    let bought = contradictions.iter().find(|one| one["kind"] == "already_bought").unwrap();
    assert_eq!(bought["with"]["event_type"], "order.placed");
    // The example can be opened, and shows both.
    let person = story["examples"][0]["person_id"].as_str().unwrap();
    let journey = said(&bed.run(&["journey", person]));
    assert!(journey.contains("sms.sent") && journey.contains("order.placed"), "{journey}");
    let text = said(&bed.run(&["story", "--team", "trade"]));
    assert!(text.contains("tributary journey") && text.contains("off-30"), "{text}");
    assert!(said(&bed.run(&["story", "--team", "nobody"])).contains("canvas show team"));
}

fn the_scorecards(port: u16) {
    let of = |dimension: &str, subject: &str, more: &str| {
        format!("/v1/scorecards?dimension={dimension}&subject={subject}{more}")
    };
    let spring = of("tentpole", "spring", "&team=all&currency=");
    let spring = card(port, &spring, |measures| measures["exposures"] == 3);
    assert_eq!((&spring["reach"], &spring["approved_exposures"]), (&json!(2), &json!(3)), "one reach over both teams");
    let credit = of("tentpole", "spring", "&team=all&currency=USD");
    // Ada's sale lies on the path of film and weekly, Cy's on that of weekly, less the one that came back.
    let credit = card(port, &credit, |measures| measures["credit_minor"]["linear"] == 4_000 + 8_000 - 4_000);
    assert_eq!(credit["cost_minor"], 150);
    let flight = of("campaign", "weekly", "&window=campaign&currency=&from=2026-03-01&to=2026-03-02");
    let flight = card(port, &flight, |measures| measures["exposures"] == 2);
    assert_eq!(flight["reach"], 2);
    let trade = of("team", "trade", "&currency=");
    let trade = card(port, &trade, |measures| measures["planned_exposures"] == 2);
    assert_eq!((&trade["approved_exposures"], &trade["second_stories"]), (&json!(1), &json!(1)));
    assert_eq!(trade["conflicts"], json!({ "already_bought": 1, "offer": 1 }));
    let all = of("team", "all", "&currency=");
    let all = card(port, &all, |measures| measures["conversions"] == 2);
    assert_eq!((&all["several_stories"], &all["brand_conversions"]), (&json!(1), &json!(1)));
    assert_eq!(all["handover"], json!({ "later": 2 }), "it was loaded long after");
}

fn the_products(bed: &Bed, port: u16) {
    let kit = "/v1/products?dimension=product&subject=KIT-1&currency=";
    let kit = card(port, kit, |measures| measures["returns"] == 1);
    assert_eq!((&kit["conversions"], &kit["pieces"], &kit["buyers"]), (&json!(2), &json!(2), &json!(2)));
    assert_eq!((&kit["ratings"], &kit["rating_centi"]), (&json!(1), &json!(400)));
    assert_eq!(kit["events"]["cart.updated"], 1);
    let message = "/v1/products?dimension=creative&subject=off-20&currency=USD";
    let message = card(port, message, |measures| measures["credit_minor"]["last"] == 4_000 + 8_000 - 4_000);
    assert_eq!(message["cost_minor"], 100);
    let shown = said(&bed.run(&["scorecard", "--dimension", "product"]));
    assert!(shown.contains("KIT-1") && shown.contains("4.0"), "{shown}");
    let (status, csv) = ask(port, FINANCE, "/v1/products?dimension=product&currency=&format=csv");
    assert_eq!((status, csv.lines().count()), (200, 2), "{csv}");
}

fn who_may_read_what(port: u16) {
    let (status, body) = ask(port, AGENCY, "/v1/scorecards?currency=");
    let body: Value = serde_json::from_str(&body).unwrap();
    let cards = body["scorecards"].as_array().unwrap();
    assert_eq!((status, cards.len()), (200, 1), "{body:#}");
    assert_eq!((&cards[0]["key"]["subject"], &cards[0]["measures"]["exposures"]), (&json!("northlight"), &json!(1)));
    assert_eq!(ask(port, "somebody else's key, which is none", "/v1/scorecards").0, 401);
    assert_eq!(ask(port, AGENCY, "/v1/attribution").0, 403);
    let (status, credit) = ask(port, FINANCE, "/v1/attribution?by=team&currency=USD&format=csv");
    assert!(status == 200 && credit.contains("markov_1,email"), "{credit}");
    let (status, lift) = ask(port, FINANCE, "/v1/lift");
    assert!(status == 200 && lift.contains("\"experiments\""), "{lift}");
}
