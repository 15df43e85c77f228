//! One person: what it allows, everything the hub knows of it, an identifier that changes hands, and all of it again by
//! another key of pseudonyms.

mod erase;

use serde_json::{Value, json};

use crate::bed::{Bed, said};

const MAPPING: &str = r#"
{
  "id": .body.id, "type": .body.type, "occurred_at": .body.at, "identifiers": .body.who,
  "account_identifiers": .body.account, "consents": .body.consents
}
"#;

const ADA: &str = "email:ada@example.org";
const BOB: &str = "email:bob@example.org";
const CARD: &str = "loyalty_id:L-9";

fn event(id: &str, minutes_ago: i64, who: &Value) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    json!({ "id": id, "type": "store.visited", "at": now - minutes_ago * 60_000, "who": who })
}

fn consent(id: &str, minutes_ago: i64, who: &Value, channel: &str, granted: bool) -> Value {
    let mut event = event(id, minutes_ago, who);
    event["type"] = "consent.changed".into();
    event["consents"] = json!([{ "channel": channel, "purpose": "marketing", "granted": granted }]);
    event
}

/// `channel granted touchpoint` of each last word.
fn words(consents: &Value) -> Vec<String> {
    let word = |word: &Value| {
        format!("{} {} {}", word["channel"].as_str().unwrap(), word["granted"], word["touchpoint_id"].as_str().unwrap())
    };
    consents.as_array().unwrap().iter().map(word).collect()
}

fn ids(journey: &Value) -> Vec<&str> {
    journey.as_array().unwrap().iter().map(|event| event["touchpoint"]["touchpoint_id"].as_str().unwrap()).collect()
}

fn person(bed: &Bed, identifier: &str) -> String {
    bed.json(&["privacy", "consent", identifier])["person_id"].as_str().unwrap().to_owned()
}

#[test]
fn everything_about_a_person_is_told_and_stays_told_by_another_key() {
    let bed = Bed::new();
    bed.map(MAPPING);
    let hub = bed.hub();
    let ada = json!({ "email": "ada@example.org", "loyalty_id": "L-9" });
    let mut at_home = event("a1", 90, &ada);
    at_home["account"] = json!({ "household_id": "H-1" });
    let card = json!({ "loyalty_id": "L-9" });
    let bob = json!({ "email": "bob@example.org" });
    let before = [
        at_home,
        consent("a2", 80, &json!({ "email": "ada@example.org" }), "email", true),
        consent("c1", 70, &card, "*", false),
        event("b1", 60, &bob),
    ];
    before.iter().for_each(|event| assert_eq!(bed.post(event), 200));
    bed.until_settled(4);
    let table = bed.json(&["privacy", "consent", ADA]);
    assert_eq!(words(&table["consents"]), ["* false till:c1", "email true till:a2"]);
    assert_eq!(table["deny_by_default"], json!(["marketing"]));

    let asked = ["identity", "reassign", CARD, "--from", ADA, "--to", BOB, "--reason", "a card that changed hands"];
    let shown = said(&bed.run(&asked));
    assert!(shown.contains("is of one person with email:ada@example.org, and of another person than"), "{shown}");
    let done = bed.command(&asked).args(["--yes", "--wait", "120"]).output().unwrap();
    assert!(done.status.success() && said(&done).contains("now, and held apart from email:ada"), "{}", said(&done));
    bed.until_settled(4);
    assert_eq!((person(&bed, CARD), person(&bed, CARD) == person(&bed, ADA)), (person(&bed, BOB), false));
    assert_eq!(words(&bed.json(&["privacy", "consent", ADA])["consents"]), ["email true till:a2"]);
    let twice = bed.run(&["identity", "reassign", CARD, "--from", BOB, "--to", BOB, "--reason", "a slip", "--yes"]);
    assert_eq!(twice.status.code(), Some(2), "{}", said(&twice));

    let export = bed.json(&["privacy", "export", BOB]);
    // What came with the card in hand goes with the card.
    assert_eq!(ids(&export["journey"]), ["till:a1", "till:c1", "till:b1"]);
    assert_eq!(export["accounts"][0]["touch_count"], 1);
    assert_eq!(words(&export["consents"]), ["* false till:c1"]);
    let identifiers = export["identifiers"].as_array().unwrap();
    assert_eq!(identifiers.len(), 2, "{identifiers:?}");
    assert!(!export.to_string().contains("example.org") && !export.to_string().contains("L-9"), "pseudonyms only");
    let kinds: Vec<&str> =
        export["identity_changes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert!(["created", "merged", "unmerged"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let id = export["person_id"].as_str().unwrap();
    let by_id = bed.json(&["privacy", "export", id]);
    assert_eq!((&by_id["journey"], &by_id["identifiers"]), (&export["journey"], &export["identifiers"]));
    let file = bed.dir.path().join("ada.json");
    let written = bed.run(&["privacy", "export", ADA, "--file", file.to_str().unwrap()]);
    assert!(written.status.success(), "{}", said(&written));
    let ada_export: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(ids(&ada_export["journey"]), ["till:a2"]);
    assert_eq!(ada_export["accounts"], json!([]));
    assert!(!ada_export["not_held"].as_array().unwrap().is_empty());
    assert_ne!(bed.run(&["privacy", "export", ADA, "--file", file.to_str().unwrap()]).status.code(), Some(0));
    assert_eq!(bed.run(&["privacy", "export", "email:nobody@example.org"]).status.code(), Some(1));

    // Two keys for a while: the card is seen, Ada is not.
    drop(hub);
    let old = json!({ "id": "old", "key": { "env": "TRIBUTARY_PSEUDONYM_KEY" } });
    let new = json!({ "id": "new", "key": { "env": "NEW_PSEUDONYM_KEY" } });
    bed.set("pseudonym_keys", json!([new, old]));
    let hub = bed.hub();
    assert_eq!(bed.post(&event("c2", 50, &card)), 200);
    bed.until_settled(5);
    let rotation = bed.json(&["privacy", "rotation"]);
    assert_eq!(rotation["keys"], json!(["new", "old"]));
    assert_eq!(rotation["known_by_keys"], json!({ "email": { "1": 2 }, "loyalty_id": { "2": 1 } }));
    drop(hub);
    bed.set("pseudonym_keys", json!([new]));
    let hub = bed.hub();
    assert_eq!(bed.post(&event("c3", 40, &card)), 200);
    assert_eq!(bed.post(&event("a3", 30, &json!({ "email": "ada@example.org" }))), 200);
    let audit = bed.until_settled(7);
    assert_eq!(audit["unexplained"], 0, "{audit:#}");
    let export = bed.json(&["privacy", "export", CARD]);
    assert_eq!(export["person_id"], id, "who was seen stays who it is");
    assert_eq!(ids(&export["journey"]), ["till:a1", "till:c1", "till:b1", "till:c2", "till:c3"]);
    assert_eq!(ids(&bed.json(&["privacy", "export", ADA])["journey"]), ["till:a3"], "who was not begins anew");
    drop(hub);
}
