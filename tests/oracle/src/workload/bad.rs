//! Events that become no touchpoint, each for a reason that is known beforehand.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::names::instant;
use crate::workload::draft::{Draft, Fate, Form};
use crate::workload::{DAY_MS, DAYS, START_AT, segment, shopify};

/// A machine that says what it is.
const CRAWLER: &str = "Mozilla/5.0 (compatible; Examplebot/2.1; +http://bot.example/)";
/// Events that are 30 years ahead of their receipt.
const FAR_AHEAD_AT: i64 = START_AT + 30 * 365 * DAY_MS;
/// Events that are older than any source accepts without being history.
const LONG_AGO_AT: i64 = START_AT - 900 * DAY_MS;

/// Bad events, a few for each dozen of persons.
pub(crate) fn all(rng: &mut ChaCha8Rng, persons: usize) -> Vec<Draft> {
    let count = persons / 3 + 3;
    (0..count).map(|number| one(rng.random_range(0..16), number, random_at(rng))).collect()
}

fn random_at(rng: &mut ChaCha8Rng) -> i64 {
    START_AT + rng.random_range(0..DAYS * DAY_MS)
}

/// A spoilt event of the plain sources.
fn plain(source: &str, id: &str, at: i64, more: serde_json::Value, code: &'static str) -> Draft {
    let kind = if source == "events-store" { "store.visited" } else { "email.sent" };
    let mut body = json!({"id": id, "type": kind, "occurred_at": instant(at)});
    if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
        for (key, value) in more {
            if value.is_null() {
                body.remove(&key);
            } else {
                body.insert(key, value);
            }
        }
    }
    Draft::fated(source, at, Some(id), &body.to_string(), Fate::DeadLetter(code))
}

fn one(kind: u32, number: usize, at: i64) -> Draft {
    let id = format!("bad-{number}");
    let dead = |source: &str, event_id: Option<&str>, body: String, code| {
        Draft::fated(source, at, event_id, &body, Fate::DeadLetter(code))
    };
    let dropped = |source: &str, body: serde_json::Value, reason| {
        Draft::fated(source, at, None, &body.to_string(), Fate::Dropped(reason))
    };
    match kind {
        0 => dead("events-store", None, format!("{{\"id\": \"{id}\", "), "malformed_json"),
        1 => dead("nosuch", Some(&id), json!({"id": id}).to_string(), "unknown_source"),
        2 => {
            let garbage = dead("segment", Some(&id), format!("neither Avro nor named {id}"), "undecodable");
            Draft { form: Form::Garbage, ..garbage }
        }
        3 => {
            let mut body = segment::page_body(&id, at, "cookie-x");
            body.as_object_mut().map(|body| body.remove("messageId"));
            dead("segment", None, body.to_string(), "mapping_failed")
        }
        4 => plain("events-store", &id, at, json!({"occurred_at": null}), "missing_field"),
        5 => plain("events-channel", &id, at, json!({"chanel": "email"}), "unknown_field"),
        6 => plain("events-channel", &id, at, json!({"channel": "telepathy"}), "unknown_channel"),
        7 => plain("events-store", &id, at, json!({"type": "page.viewed"}), "undeclared_type"),
        8 => plain("events-store", &id, at, json!({"occurred_at": instant(FAR_AHEAD_AT)}), "too_far_ahead"),
        9 => plain("events-channel", &id, at, json!({"occurred_at": instant(LONG_AGO_AT)}), "too_old"),
        10 => {
            let value = json!({"value": {"currency": "USD", "amount": "1.005"}});
            plain("events-store", &id, at, value, "too_precise")
        }
        11 => {
            let value = json!({"value": {"currency": "USD", "amount": "a lot"}});
            plain("events-store", &id, at, value, "invalid_amount").bare()
        }
        12 => {
            let mut body = shopify::order_body(700_000 + number as u64, at);
            body["test"] = json!(true);
            dropped("shopify", body, "test_order")
        }
        13 => dropped("shopify", json!({"id": number, "tracking_numbers": []}), "fulfillment"),
        14 => dropped("shopify", json!({"id": id, "name": "clicked", "clientId": "c", "context": {}}), "pixel_event"),
        _ => {
            let mut body = segment::page_body(&id, at, "cookie-x");
            body["context"] = json!({"userAgent": CRAWLER});
            Draft { event_id: Some(id), ..dropped("segment", body, "bot") }
        }
    }
}
