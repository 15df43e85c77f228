//! A hub of which every dashboard has something to show: definitions, events wave after wave, and what is done by hand.

use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::time::to_rfc3339;
use tributary_testkit::{eventually_every, free_port};

use crate::bed::{Bed, said};

/// Touches may be much older than what is kept of a journey.
const SOURCE: &str = "domain: store\ndescription: Till\nauth: none\nevent_id: [/id]\nmax_age_days: 1000\n\
                      types: [store.visited, store.purchased, display.shown, experiment.viewed]\n";
/// An event is a touchpoint already, unless it is broken.
const MAPPING: &str = r#"
if .body.broken == true { abort "this one is broken" }
.body
"#;
const TRIGGERS: [(&str, &str); 5] = [
    // Two teams hear of every visit, of half of the persons; for brand the next visit is what followed.
    ("store-notice", "team: store, action: notify, pattern: [{on: store.visited}], holdout_percent: 50"),
    (
        "brand-notice",
        "team: brand, action: notify, pattern: [{on: store.visited}], holdout_percent: 50, \
      outcome: {on: store.visited, within: 7d}",
    ),
    // Two messages that compete for each visit.
    (
        "welcome",
        "team: store, action: message, channels: [email], consent: opt_out, pattern: [{on: store.visited}], priority: 1",
    ),
    ("survey", "team: store, action: message, channels: [email], consent: opt_out, pattern: [{on: store.visited}]"),
    // No order of this test is a number.
    (
        "numbered-order",
        "team: store, action: notify, pattern: [{on: store.purchased}], \
      condition: to_int!(.touchpoint.order_id) > 7",
    ),
];
/// Two prices for one machine, and a fair at which brand itself sells.
const CANVAS: &str = r#"
campaigns:
  - {campaign_id: fair, name: The fair, team_id: brand, demand_percent: 30, funnel_role: awareness}
messages:
  - {message_id: a-fifth-off, narrative_id: plenty, approved: true, offer_subject: KIT-1, offer_claim: 20% off}
  - {message_id: a-third-off, narrative_id: cheap, approved: true, offer_subject: KIT-1, offer_claim: 30% off}
"#;

pub(super) fn bed() -> Bed {
    let bed = Bed::new();
    std::fs::write(bed.source().join("source.yaml"), SOURCE).unwrap();
    bed.map(MAPPING);
    let folder = |name: &str| {
        let folder = bed.dir.path().join("definitions").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    std::fs::write(folder("canvas").join("of-the-test.yaml"), CANVAS).unwrap();
    for (id, rest) in TRIGGERS {
        let text = format!("{{id: {id}, version: 1, reentry: {{per: touchpoint}}, {rest}}}\n");
        std::fs::write(folder("triggers").join(format!("{id}.yaml")), text).unwrap();
    }
    bed.set("triggers", json!({ "arbitration": { "window": "1s" } }));
    // Nobody listens there, so deliveries wait and fail.
    let nobody = json!({
        "teams": ["store"], "url": format!("http://127.0.0.1:{}", free_port().unwrap()),
        "secrets": [{ "env": "TEST_WEBHOOK_SECRET" }], "allow_private": true,
    });
    let retry = json!({ "delays": vec!["1s"; 600], "jitter_percent": 0 });
    bed.set("delivery", json!({ "destinations": { "nobody": nobody }, "retry": retry }));
    bed
}

/// An event of the till some minutes ago.
fn event(id: String, kind: &str, minutes_ago: i64, who: Value, more: &Value) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let at = to_rfc3339(now - minutes_ago * 60_000);
    let mut event = json!({ "id": id, "type": kind, "occurred_at": at, "identifiers": who });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn card(number: i64) -> String {
    format!("card-{number}")
}

fn mail(number: i64) -> String {
    format!("mail-{number}@example.org")
}

/// One of each kind of thing that dashboards show, about persons that no other wave is about.
pub(super) fn wave(number: i64) -> Vec<Value> {
    let id = |name: &str| format!("{name}-{number}");
    let by_loyalty = |name: &str| json!({ "loyalty_id": id(name) });
    let shown = |message: &str| {
        json!({
            "channel": "display", "direction": "outbound", "message_id": message,
            "cost": { "currency": "EUR", "amount": "0.50" },
        })
    };
    let sale = json!({
        "channel": "in_store", "order_id": id("order"), "value": { "currency": "EUR", "amount": "25.00" },
    });
    let at_the_fair = json!({
        "channel": "in_store", "campaign_id": "fair", "value": { "currency": "EUR", "amount": "8.00" },
    });
    let in_store = json!({ "channel": "in_store" });
    let visit =
        |name: &str, minutes_ago: i64, who: Value| event(id(name), "store.visited", minutes_ago, who, &in_store);
    let days = 24 * 60;
    let twice = visit("twice", 50, by_loyalty("twice"));
    let mut of_account = visit("of-account", 35, by_loyalty("member"));
    of_account["account_identifiers"] =
        json!({ "crm_account_id": id("account"), "company_domain": format!("company-{number}.example") });
    let tried = |name: &str, arm: &str| {
        let properties = json!({ "experiment_id": "elsewhere", "arm": arm, "holdout_percent": "50" });
        let more = json!({ "channel": "in_store", "properties": properties });
        event(id(name), "experiment.viewed", 30, by_loyalty(name), &more)
    };
    let tried_sale = json!({ "channel": "in_store", "value": { "currency": "EUR", "amount": "12.00" } });
    vec![
        // Two of each arm of an experiment that is run elsewhere, one of whom bought.
        tried("tried-one", "treated"),
        tried("tried-two", "treated"),
        tried("held-one", "held_out"),
        tried("held-two", "held_out"),
        event(id("tried-sale"), "store.purchased", 20, by_loyalty("tried-one"), &tried_sale),
        // Heard, bought, and heard another price although it was to be left alone.
        event(id("first"), "display.shown", 180, by_loyalty("shopper"), &shown("a-fifth-off")),
        event(id("sale"), "store.purchased", 120, by_loyalty("shopper"), &sale),
        event(id("fair"), "store.purchased", 25, by_loyalty("visitor"), &at_the_fair),
        event(id("second"), "display.shown", 60, by_loyalty("shopper"), &shown("a-third-off")),
        // One person who seemed to be two.
        visit("by-card", 40, json!({ "loyalty_id": card(number) })),
        visit("by-mail", 39, json!({ "email": mail(number) })),
        visit("by-both", 38, json!({ "loyalty_id": card(number), "email": mail(number) })),
        // One card of two customers.
        visit("one-customer", 37, json!({ "customer_id": id("one"), "loyalty_id": id("lent") })),
        visit("other-customer", 36, json!({ "customer_id": id("other"), "loyalty_id": id("lent") })),
        // Two names of one company.
        of_account,
        // Earlier than what came before of the same person, and earlier than what is kept of one.
        visit("late", 300 + number, json!({ "loyalty_id": "regular" })),
        visit("again", 34, by_loyalty("friend")),
        visit("long-ago", 600 * days, by_loyalty("friend")),
        visit("nobody", 33, json!({})),
        twice.clone(),
        twice,
        json!({ "id": id("broken"), "broken": true }),
    ]
}

/// Takes a person of a wave apart, and erases another.
pub(super) fn by_hand(bed: &Bed, number: i64) {
    let (card, mail) = (format!("loyalty_id:{}", card(number)), format!("email:{}", mail(number)));
    let is_one = || {
        let answer = bed.json(&["identity", "explain", &card, &mail]);
        (answer["person_id"].is_string() && answer["person_id"] == answer["other_person_id"]).then_some(())
    };
    let merged = eventually_every(Duration::from_millis(500), Duration::from_secs(120), is_one);
    assert!(merged.is_some(), "{card} and {mail} do not become one\n{}", bed.log_tail());
    let shopper = format!("loyalty_id:shopper-{number}");
    let requests: [&[&str]; 2] = [&["identity", "unmerge", &card, &mail], &["privacy", "erase", &shopper]];
    for request in requests {
        let output = bed.command(request).args(["--reason", "for the test", "--yes"]).output().unwrap();
        assert!(output.status.success(), "{request:?}: {}", said(&output));
    }
}
