//! Who is who, decided by hand: explained, taken apart through a kill -9, and put together again.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::topics;
use tributary_testkit::eventually;

use crate::bed::{Bed, said};

pub(crate) const MAPPING: &str = r#"
{
  "id": .body.id, "type": .body.type, "occurred_at": .body.at, "identifiers": .body.who,
  "value": .body.value, "order_id": .body.order
}
"#;

pub(crate) fn event(id: &str, who: &Value) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    json!({ "id": id, "type": "store.visited", "at": now - 3_600_000, "who": who })
}

pub(crate) fn purchase(id: &str, who: &Value, amount: f64) -> Value {
    let mut event = event(id, who);
    event["type"] = "store.purchased".into();
    event["order"] = format!("order-{id}").into();
    event["value"] = json!({ "amount": amount, "currency": "USD" });
    event
}

/// What the journey of an identifier consists of.
pub(crate) fn touches(bed: &Bed, identifier: &str) -> usize {
    bed.json(&["journey", identifier])["lines"].as_array().unwrap().len()
}

/// The persons of two identifiers, and how many links lead from one to the other.
fn persons(bed: &Bed, one: &str, other: &str) -> (String, String, usize) {
    let answer = bed.json(&["identity", "explain", one, other]);
    let person = |key: &str| answer[key].as_str().unwrap().to_owned();
    (person("person_id"), person("other_person_id"), answer["links"].as_array().unwrap().len())
}

/// What all teams together have sold, in cents.
pub(crate) fn revenue(bed: &Bed) -> Vec<i64> {
    let cards = bed.json(&["scorecard", "all"]);
    let cards = cards["scorecards"].as_array().unwrap().iter();
    cards.filter_map(|card| card["measures"]["revenue_minor"].as_i64()).collect()
}

#[test]
fn two_who_were_taken_for_one_are_taken_apart_through_a_kill_and_put_together_again() {
    let bed = Bed::new();
    bed.map(MAPPING);
    let hub = bed.hub();
    let (ada, bob) = ("email:ada@example.org", "email:bob@example.org");
    let ada_knows = json!({ "loyalty_id": "L-1", "email": "ada@example.org" });
    let bob_knows = json!({ "loyalty_id": "L-2", "email": "bob@example.org" });
    let before = [
        event("a1", &ada_knows),
        purchase("a2", &json!({ "email": "ada@example.org" }), 10.0),
        event("b1", &bob_knows),
        purchase("b2", &json!({ "email": "bob@example.org" }), 20.0),
        // Bob pays with Ada's card in his hand.
        event("wrong", &json!({ "loyalty_id": "L-1", "email": "bob@example.org" })),
    ];
    before.iter().for_each(|event| assert_eq!(bed.post(event), 200));
    bed.until_settled(5);
    let (one, other, links) = persons(&bed, ada, bob);
    assert_eq!((&one, links), (&other, 2), "by Ada's card");
    assert_eq!((touches(&bed, ada), touches(&bed, "loyalty_id:L-2")), (5, 5));
    let sold = revenue(&bed);
    assert!(!sold.is_empty(), "{}", bed.json(&["scorecard", "all"]));

    let only_shown = bed.run(&["identity", "unmerge", "loyalty_id:L-1", bob, "--reason", "a borrowed card"]);
    assert!(said(&only_shown).contains("nothing was changed: add --yes"), "{}", said(&only_shown));
    assert_eq!(only_shown.status.code(), Some(2));

    let mut asked = bed.command(&["identity", "unmerge", "loyalty_id:L-1", bob]);
    asked.args(["--reason", "a borrowed card", "--yes", "--wait", "120"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let asked = asked.spawn().unwrap();
    let written = eventually(Duration::from_secs(60), || bed.records(topics::IDENTITY_REQUESTS).pop());
    assert!(written.is_some());
    drop(hub); // SIGKILL, while it works on the request.
    let hub = bed.hub();
    let asked = asked.wait_with_output().unwrap();
    assert!(asked.status.success() && said(&asked).contains("are held apart"), "{}", said(&asked));
    bed.until_settled(5);

    let (one, other, links) = persons(&bed, ada, bob);
    assert!(one != other && links == 0, "{one} {other} {links}");
    // The one with the card keeps what was bought with it.
    assert_eq!((touches(&bed, ada), touches(&bed, bob)), (3, 2));
    assert_eq!(revenue(&bed), sold, "nothing is sold twice or not at all");
    let story = said(&bed.run(&["identity", "explain", bob]));
    for part in ["known by 2", "taken apart, undoing #", "a borrowed card", bob] {
        assert!(story.contains(part), "{part}: {story}");
    }
    let late = [event("a3", &json!({ "loyalty_id": "L-1" })), event("b3", &bob_knows)];
    late.iter().for_each(|event| assert_eq!(bed.post(event), 200));
    assert_eq!(bed.post(&event("again", &json!({ "loyalty_id": "L-1", "email": "bob@example.org" }))), 200);
    bed.until_settled(8);
    assert_eq!((touches(&bed, ada), touches(&bed, bob)), (5, 3), "they stay apart");

    let typed = bed.run(&["identity", "merge", ada, "email:nobody@example.org", "--reason", "a typo", "--yes"]);
    assert!(said(&typed).contains("no event has named this email yet"), "{}", said(&typed));
    assert_eq!(typed.status.code(), Some(1));
    let merged = bed.run(&["identity", "merge", "loyalty_id:L-1", bob, "--reason", "a couple, one card", "--yes"]);
    assert!(merged.status.success(), "{}", said(&merged));
    let audit = bed.until_settled(8);
    assert_eq!(audit["unexplained"], 0, "{audit:#}");
    assert_eq!((touches(&bed, ada), touches(&bed, bob)), (8, 8));
    assert_eq!(revenue(&bed), sold);
    drop(hub);
}
