//! `tributary trigger test` as the authors of triggers meet it: no broker, every step told, mistakes shown where they stand.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const CART: &str = r#"id: cart-left
version: 1
team: ecommerce
action: message
channels: [push, email]
pattern:
  - on: page.viewed
    count: 2
    within: 1d
  - on: cart.updated
    where: (.touchpoint.value_minor > 2000) ?? false
absent:
  on: [cart.updated, order.placed]
  for: 1h
condition: .person.stage != "loyal"
reentry: {per: 7d}
consent: opt_out
quiet_hours: {from: "21:00", to: "08:00", policy: queue}
payload:
  value: "{{touchpoint.value_minor}}"
"#;

/// Ada comes by cookie and then by mail, and leaves a cart at night; Bob has a cart and has seen no page.
const EVENTS: &str = r#"{"type": "page.viewed", "occurred_at": "2026-03-02T10:00:00Z", "identifiers": {"anonymous_id": "cookie-1"}}
{"type": "page.viewed", "occurred_at": "2026-03-02T10:01:00Z", "identifiers": {"anonymous_id": "cookie-1", "email": "Ada@example.org"}}
{"type": "cart.updated", "occurred_at": "2026-03-02T10:05:00Z", "identifiers": {"email": "ada@example.org"}, "value": {"currency": "EUR", "amount": "12.00"}}
{"type": "cart.updated", "occurred_at": "2026-03-02T20:06:00Z", "identifiers": {"email": "ada@example.org"}, "value": {"currency": "EUR", "amount": "49.90"}}
{"type": "cart.updated", "occurred_at": "2026-03-02T10:06:00Z", "identifiers": {"email": "bob@example.org"}, "value": {"currency": "EUR", "amount": "49.90"}}
"#;

struct Desk(TempDir);

impl Desk {
    fn with(files: &[(&str, &str)]) -> Self {
        let desk = Self(TempDir::new().unwrap());
        files.iter().for_each(|(name, text)| std::fs::write(desk.0.path().join(name), text).unwrap());
        desk
    }

    fn test(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command.args(["trigger", "test"]).args(arguments).current_dir(self.0.path());
        command.env_remove("TRIBUTARY_CONFIG").env_remove("TRIBUTARY_PSEUDONYM_KEY").output().unwrap()
    }

    #[track_caller]
    fn says(&self, arguments: &[&str], code: i32, words: &[&str]) -> String {
        let output = self.test(arguments);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "expected {word:?} in:\n{said}");
        }
        said
    }
}

#[test]
fn a_rehearsal_tells_each_step_and_each_decision_of_each_person() {
    let desk = Desk::with(&[("cart.yaml", CART), ("events.json", EVENTS)]);
    let said = desk.says(
        &["cart.yaml", "--events", "events.json"],
        0,
        &[
            "anonymous_id:cookie-1, email:ada@example.org\n  2026-03-02T10:00:00Z  page.viewed",
            "(events.json:1)\n      cart-left: step 1 of 2: 1 of 2\n",
            "was found to be one person with another; of the newest event, seen from both:\n      cart-left: step 1 of 2: 2 of 2\n",
            "cart-left: step 2 of 2: `where` is false\n",
            "cart-left: step 2 of 2: 1 of 1, the pattern is complete\n      cart-left: waits until 2026-03-02T21:06:00Z\n",
            "2026-03-02T21:06:00Z  time has passed\n      cart-left: the wait is over and nothing came\n",
            "cart-left: waits for the end of quiet hours, until 2026-03-03T08:00:00Z at the latest\n",
            "cart-left: SENT on push, version 1, treated, decided at 2026-03-02T21:06:00Z",
            "        {\"value\":4990}\n",
            "email:bob@example.org\n",
            "step 2 of 2: fits, but step 1 is not complete before it\n",
            "1 decision(s), 1 sent",
        ],
    );
    assert!(!said.contains("WITHHELD"), "{said}");
    desk.says(&["cart.yaml", "--events", "events.json", "--until", "2026-03-02T20:30:00Z"], 0, &["0 decision(s)"]);
}

#[test]
fn a_wait_that_is_broken_a_key_that_has_fired_and_a_condition_that_is_false_are_told() {
    let once = "id: once\nversion: 1\nteam: t\naction: notify\npattern: [{on: order.placed}]\n";
    let never = "id: never\nversion: 1\nteam: t\naction: notify\npattern: [{on: order.placed}]\ncondition: .person.totals.order_count > 9\n";
    let late = "id: late\nversion: 1\nteam: t\naction: notify\npattern:\n  - on: page.viewed\n  - {on: order.placed, within: 1h}\n";
    let away = "id: away\nversion: 1\nteam: t\naction: notify\npattern: [{on: page.viewed}]\nabsent: {on: order.placed, for: 1d}\n";
    let event = |kind: &str, at: &str| {
        format!(
            "{{\"type\": \"{kind}\", \"occurred_at\": \"2026-03-{at}:00Z\", \"identifiers\": {{\"email\": \"a@example.org\"}}}}\n"
        )
    };
    let events =
        event("page.viewed", "02T10:00") + &event("order.placed", "02T12:00") + &event("order.placed", "03T12:00");
    let files = [("once.yaml", once), ("never.yaml", never), ("late.yaml", late), ("away.yaml", away)];
    let desk = Desk::with(&files);
    std::fs::write(desk.0.path().join("events.json"), &events).unwrap();
    desk.says(
        &[".", "--events", "events.json"],
        0,
        &[
            "away: the wait until 2026-03-03T10:00:00Z is broken by events-ecommerce:events.json:2\n",
            "late: step 2 of 2: fits, but not within 1h\n",
            "never: `condition` is false\n",
            "once: has fired already for this re-entry key (once)\n",
        ],
    );
}

#[test]
fn what_a_team_expects_is_compared_with_what_comes_out() {
    let expected =
        "- {trigger: cart-left, at: 2026-03-02T21:06:00Z, fate: sent, channel: push, payload: {value: 4990}}\n";
    let other = expected.replace("4990", "5000");
    let odd = "- {trigger: cart-left, when: now}\n";
    let desk = Desk::with(&[
        ("cart.yaml", CART),
        ("events.json", EVENTS),
        ("good.yaml", expected),
        ("bad.yaml", &other),
        ("odd.yaml", odd),
    ]);
    let run = |file: &str, code: i32, words: &[&str]| {
        desk.says(&["cart.yaml", "--events", "events.json", "--expect", file], code, words)
    };
    run("good.yaml", 0, &[]);
    run(
        "bad.yaml",
        3,
        &["expected cart-left to be sent at 2026-03-02T21:06:00Z", "not expected: cart-left sent", "2 difference(s)"],
    );
    run("odd.yaml", 2, &["odd.yaml", "when"]);
}

#[test]
fn beside_the_shipped_triggers_reasons_come_from_all_of_them_in_json_too() {
    let desk = Desk::with(&[("cart.yaml", CART), ("events.json", EVENTS)]);
    let output = desk.test(&["cart.yaml", "--with-shipped", "--events", "events.json", "--output", "json"]);
    let lines: Vec<Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fates: Vec<(&str, &str)> = lines
        .iter()
        .filter(|line| line["kind"] == "decision")
        .map(|line| (line["decision"]["trigger_id"].as_str().unwrap(), line["fate"].as_str().unwrap()))
        .collect();
    assert!(fates.contains(&("cart-abandoned", "capped")) && fates.contains(&("cart-left", "sent")), "{fates:?}");
    assert!(lines.iter().any(|line| line["finding"] == "counted" && line["needed"] == 2), "{lines:#?}");
}

#[test]
fn events_of_a_source_go_through_its_mapping() {
    let bought = "id: bought\nversion: 1\nteam: t\naction: notify\npattern: [{on: order.placed}]\n\
                  payload:\n  order: \"{{touchpoint.order_id}}\"\n";
    let desk = Desk::with(&[("bought.yaml", bought)]);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/sources/shopify/samples");
    let sample = |name: &str| samples.join(name).to_str().unwrap().to_owned();
    let (placed, test) = (sample("order-placed.json"), sample("order-test.json"));
    let arguments = ["bought.yaml", "--source", "shopify", "--events", &placed, "--events", &test];
    desk.says(&arguments, 0, &["bought: SENT", "order-test.json:1: dropped: test_order", "1 decision(s), 1 sent"]);
}

#[test]
fn mistakes_are_shown_where_they_stand() {
    let bad = CART
        .replace(".person.stage !=", ".person.stag !=")
        .replace("quiet_hours", "quite_hours")
        .replace("value_minor > 2000) ?? false", "value_minor > 2000)");
    let desk = Desk::with(&[
        ("bad.yaml", &bad),
        ("worse.yaml", "id: a\n  version: 1\n"),
        ("cart.yaml", CART),
        ("events.json", EVENTS),
        ("type.json", "{\"type\": \"cart.updatd\", \"occurred_at\": \"2026-03-02T10:00:00Z\"}"),
        ("time.json", "\n{\"type\": \"cart.updated\", \"occured_at\": \"2026-03-02T10:00:00Z\"}"),
        ("json.json", "{\"type\": \"cart.updated\"}\n{\"type\": x}"),
    ]);
    desk.says(
        &["bad.yaml", "worse.yaml", "--events", "events.json"],
        2,
        &[
            "bad.yaml:11:13: pattern[1].where: pattern[1].where does not compile",
            "  11 |     where: (.touchpoint.value_minor > 2000)\n     |             ^\n",
            "bad.yaml:15:12: condition: names `.person.stag`, which is no field",
            "bad.yaml:18:1: quite_hours: is not a key that exists here",
            "  18 | quite_hours: {from: \"21:00\", to: \"08:00\", policy: queue}\n     | ^^^^^^^^^^^\n",
            "worse.yaml:2:10: is not YAML: mapping values are not allowed in this context: mend the syntax there\n",
        ],
    );
    let events = |file: &str, words: &[&str]| desk.says(&["cart.yaml", "--events", file], 2, words);
    events("type.json", &["type.json:1: type \"cart.updatd\" is no type of a touchpoint"]);
    events("time.json", &["time.json:2: occurred_at: is missing"]);
    events("json.json", &["json.json:2:10: is not JSON", "  2 | {\"type\": x}\n    |          ^"]);
    events("none.json", &["cannot read events from none.json"]);
}
