//! Webhooks of a hub on a real broker, to receivers that verify them: kills, endpoints that are gone, dead or slow, and
//! persons that are erased.

mod receiver;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use receiver::{NEVER, Receiver};
use serde_json::{Value, json};
use tributary_testkit::{eventually, eventually_every};

use crate::bed::{Bed, said};
use crate::identity::{MAPPING, event};

/// Every visit of a store is told to the team of the stores.
const TRIGGER: &str = r#"
id: visit-notice
version: 1
team: store
action: notify
pattern:
  - on: store.visited
reentry: {per: touchpoint}
validity: 1d
payload: {touchpoint: "{{touchpoint.touchpoint_id}}"}
"#;

fn destination(url: &str) -> Value {
    json!({ "teams": ["store"], "url": url, "secrets": [{ "env": "TEST_WEBHOOK_SECRET" }], "allow_private": true })
}

/// A hub that tells every visit to these destinations; failed attempts come again after a second.
fn bed(destinations: &[(&str, &str)]) -> Bed {
    let bed = Bed::new();
    bed.map(MAPPING);
    let triggers = bed.dir.path().join("definitions/triggers");
    std::fs::create_dir_all(&triggers).unwrap();
    std::fs::write(triggers.join("visit-notice.yaml"), TRIGGER).unwrap();
    bed.set("triggers", json!({ "builtin": false }));
    let destinations: BTreeMap<&str, Value> =
        destinations.iter().map(|(name, url)| (*name, destination(url))).collect();
    let delivery = json!({
        "destinations": destinations,
        "retry": { "delays": vec!["1s"; 600], "jitter_percent": 0 },
        "breaker": { "failures": 1000 },
    });
    bed.set("delivery", delivery);
    // The source has no samples, and that is all there is to find.
    let findings = &bed.json(&["check"])["findings"];
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["area"] == "sources"), "{findings:#}");
    bed
}

fn visit(bed: &Bed, name: &str) {
    let visit = event(name, &json!({ "email": format!("{name}@example.org") }));
    assert_eq!(bed.post(&visit), 200);
}

/// The touchpoints that a receiver has taken, however often.
fn told(receiver: &Receiver) -> Vec<String> {
    let touchpoint = |(_, body): &(usize, Value)| body["data"]["payload"]["touchpoint"].as_str().unwrap().to_owned();
    let mut told: Vec<String> = receiver.taken().values().map(touchpoint).collect();
    told.sort();
    told
}

fn until_told(bed: &Bed, receiver: &Receiver, names: &[&str]) {
    let expected: Vec<String> = names.iter().map(|name| format!("till:{name}")).collect();
    let arrived = eventually(Duration::from_secs(120), || (told(receiver) == expected).then_some(()));
    assert!(arrived.is_some(), "{:?} of {expected:?}\n{}", told(receiver), bed.log_tail());
}

/// How a destination stands.
fn standing(bed: &Bed, name: &str) -> Value {
    bed.json(&["delivery", "list", "--destination", name])
}

/// Waits until the list says so of a destination.
fn until_standing(bed: &Bed, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let found = eventually_every(Duration::from_millis(500), Duration::from_secs(120), || {
        last = standing(bed, name);
        is_so(&last["destinations"][0]).then_some(())
    });
    assert!(found.is_some(), "{last:#}\n{}", bed.log_tail());
    last
}

#[test]
fn intents_arrive_signed_and_what_was_queued_when_the_hub_was_killed_arrives_under_its_id() {
    let receiver = Receiver::new(500);
    let bed = bed(&[("shop", &receiver.url)]);
    let hub = bed.hub();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    names.iter().for_each(|name| visit(&bed, name));
    let tried = eventually(Duration::from_secs(120), || (receiver.received().len() >= 12).then_some(()));
    assert!(tried.is_some(), "{}", bed.log_tail());
    drop(hub); // SIGKILL, with ten deliveries queued.
    receiver.answers(200);
    let _hub = bed.hub();
    until_told(&bed, &receiver, &names);
    let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for request in receiver.received() {
        assert_eq!(bodies.entry(request.id.clone()).or_insert_with(|| request.body.clone()), &request.body);
    }
    assert_eq!(bodies.len(), names.len(), "one id for each intent, through all attempts and the kill");
    let audit = bed.until_settled(10);
    assert_eq!(audit["unexplained"], 0, "{audit:#}");
    let list = until_standing(&bed, "shop", |shop| shop["ended"]["delivered"] == 10);
    assert_eq!(list["destinations"][0]["queued"], 0, "{list:#}");
    assert_eq!(list["deliveries"], json!([]), "{list:#}");
    let scan = bed.json(&["reconcile", "--scan"]);
    assert_eq!((&scan["unexplained"], &scan["findings"]), (&json!(0), &json!([])), "{scan:#}");
    bed.until_metric(|line| line.starts_with("tributary_delivery_steps_total") && line.contains("delivered"));
}

#[test]
fn an_endpoint_that_is_gone_is_left_alone_until_it_is_enabled() {
    let receiver = Receiver::new(410);
    let bed = bed(&[("shop", &receiver.url)]);
    let _hub = bed.hub();
    visit(&bed, "a");
    let list = until_standing(&bed, "shop", |shop| shop["disabled"] == "it answered 410 Gone");
    assert_eq!(list["destinations"][0]["queued"], 1, "{list:#}");
    receiver.answers(200);
    visit(&bed, "b");
    let list = until_standing(&bed, "shop", |shop| shop["queued"] == 2);
    let id = list["deliveries"][0]["decision_id"].as_str().unwrap().to_owned();
    assert_eq!((&list["deliveries"][0]["last_failure"]["status"], receiver.taken().len()), (&json!(410), 0));
    bed.until_metric(|line| line.starts_with("tributary_delivery_blocked_state") && line.contains("\"disabled\"} 1"));
    let retried = bed.run(&["delivery", "retry", "shop", &id]);
    assert!(retried.status.success() && said(&retried).contains("1 delivery is due again"), "{}", said(&retried));
    assert_eq!(receiver.received().len(), 1, "it is disabled all the same");
    let enabled = bed.run(&["delivery", "enable", "shop"]);
    assert!(enabled.status.success() && said(&enabled).contains("what waits is sent"), "{}", said(&enabled));
    until_told(&bed, &receiver, &["a", "b"]);

    let disabled = bed.run(&["delivery", "disable", "shop", "--reason", "moves tonight"]);
    assert!(disabled.status.success(), "{}", said(&disabled));
    let shown = said(&bed.run(&["delivery", "list"]));
    assert!(shown.contains("disabled since") && shown.contains("moves tonight"), "{shown}");
    let unknown = bed.run(&["delivery", "retry", "shop", &id]);
    assert_eq!(unknown.status.code(), Some(1), "{}", said(&unknown));
    assert!(said(&unknown).contains("waits for destination shop"), "{}", said(&unknown));
    let nowhere = bed.run(&["delivery", "enable", "shoppe"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", said(&nowhere));
    assert!(said(&nowhere).contains("name one of shop"), "{}", said(&nowhere));
    let audit = bed.until_settled(2);
    assert_eq!(audit["unexplained"], 0, "{audit:#}");
}

#[test]
fn a_dead_and_a_slow_destination_hold_back_nothing_of_another() {
    let (live, slow) = (Receiver::new(200), Receiver::new(NEVER));
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/hook", unused.local_addr().unwrap());
    drop(unused);
    let bed = bed(&[("live", &live.url), ("slow", &slow.url), ("dead", &dead)]);
    let _hub = bed.hub();
    let names: Vec<String> = (10..40).map(|number| format!("v{number}")).collect();
    names.iter().for_each(|name| visit(&bed, name));
    until_told(&bed, &live, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(live.taken().values().all(|(times, _)| *times == 1), "each once");
    let dead = until_standing(&bed, "dead", |dead| dead["failed_attempts"].as_u64() >= Some(30));
    assert_eq!(dead["destinations"][0]["last_failure"]["failure"], "connect", "{dead:#}");
    let slow = standing(&bed, "slow");
    assert_eq!(slow["destinations"][0]["queued"], 30, "{slow:#}");
}

#[test]
fn what_waits_is_withheld_when_consent_is_withdrawn_meanwhile() {
    const SAYING: &str = r#"
{
  "id": .body.id, "type": .body.type, "occurred_at": .body.at, "identifiers": .body.who, "consents": .body.consents
}
"#;
    let receiver = Receiver::new(500);
    let bed = bed(&[("shop", &receiver.url)]);
    bed.map(SAYING);
    let message = TRIGGER.replace("action: notify", "action: message\nchannels: [email]\nconsent: opt_out");
    std::fs::write(bed.dir.path().join("definitions/triggers/visit-notice.yaml"), message).unwrap();
    let _hub = bed.hub();
    ["ada", "bob"].iter().for_each(|name| visit(&bed, name));
    let tried = eventually(Duration::from_secs(120), || (receiver.received().len() >= 4).then_some(()));
    assert!(tried.is_some(), "{}", bed.log_tail());
    let mut withdrawn = event("no", &json!({ "email": "ada@example.org" }));
    withdrawn["type"] = "consent.changed".into();
    withdrawn["consents"] = json!([{ "channel": "email", "purpose": "marketing", "granted": false }]);
    assert_eq!(bed.post(&withdrawn), 200);
    let list = until_standing(&bed, "shop", |shop| shop["ended"]["withheld"] == 1);
    assert_eq!(list["destinations"][0]["queued"], 1, "{list:#}");
    receiver.answers(200);
    until_told(&bed, &receiver, &["bob"]);
    let audit = bed.until_settled(3);
    assert_eq!(audit["unexplained"], 0, "{audit:#}");
}

#[test]
fn a_team_that_has_no_topic_is_found_by_check_and_nothing_runs_with_it() {
    let bed = bed(&[("shop", "http://127.0.0.1:9/hook")]);
    let mut shop = destination("http://127.0.0.1:9/hook");
    shop["teams"] = json!(["store", "stores"]);
    bed.set("delivery", json!({ "destinations": { "shop": shop }, "ca_file": "nowhere.pem" }));
    let findings = bed.json(&["check"])["findings"].to_string();
    assert!(findings.contains("shop: stores is no team of the canvas"), "{findings}");
    assert!(findings.contains("delivery.ca_file nowhere.pem"), "{findings}");
    let refused = bed.run(&["run", "delivery"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("no such team: shop: stores"), "{}", said(&refused));
}

#[test]
fn the_deliveries_of_who_is_erased_are_gone_and_the_others_go_out() {
    let receiver = Receiver::new(410);
    let bed = bed(&[("shop", &receiver.url)]);
    let _hub = bed.hub();
    visit(&bed, "ada");
    until_standing(&bed, "shop", |shop| !shop["disabled"].is_null());
    visit(&bed, "bob");
    until_standing(&bed, "shop", |shop| shop["queued"] == 2);
    let ada = "email:ada@example.org";
    let verify = || bed.json(&["privacy", "verify", ada]);
    let state = "tributary.delivery.deliveries.changelog";
    assert!(verify()["found"].to_string().contains(state), "{:#}", verify());
    let erased = bed.run(&["privacy", "erase", ada, "--reason", "asked us to", "--yes", "--wait", "120"]);
    assert!(erased.status.success(), "{}", said(&erased));
    let list = until_standing(&bed, "shop", |shop| shop["queued"] == 1);
    assert_eq!(list["destinations"][0]["ended"]["erased"], 1, "{list:#}");
    bed.until_settled(2);
    assert_eq!(verify()["found"], json!([]), "{:#}", verify());
    receiver.answers(200);
    assert!(bed.run(&["delivery", "enable", "shop"]).status.success());
    until_told(&bed, &receiver, &["bob"]);
}
