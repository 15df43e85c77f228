//! Records survive the way through their bytes, in both encodings, and wrong bytes are told apart.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tributary_model::{Consent, Direction, Discount, Domain, Identifier, Item, Money, RawEvent, Touchpoint};
use tributary_schema::{Contracts, SchemaError};

fn touchpoint() -> impl Strategy<Value = Touchpoint> {
    let text = "[a-zA-Z0-9 äß_.:-]{0,20}";
    let money = prop::option::of((Just("USD".to_owned()), any::<i64>()).prop_map(|(c, a)| Money::new(c, a)));
    let item = (text, any::<i64>(), prop::option::of(any::<i64>()), text, prop::option::of(text)).prop_map(
        |(sku, quantity, unit_price_minor, kind, brand)| Item {
            sku,
            quantity,
            unit_price_minor,
            unit_cost_minor: None,
            line_value_minor: unit_price_minor,
            discounts: vec![Discount { kind, amount_minor: quantity }],
            category: None,
            brand,
        },
    );
    (
        text,
        any::<i64>(),
        prop::collection::vec((text, text), 0..4),
        money,
        prop::collection::vec(item, 0..5),
        prop::option::of(text),
        prop::collection::btree_map(text, text, 0..4),
    )
        .prop_map(|(id, occurred_at, ids, value, items, campaign_id, properties)| Touchpoint {
            touchpoint_id: id.clone(),
            source: id,
            domain: Domain::Ecommerce,
            event_type: "order.placed".to_owned(),
            occurred_at,
            received_at: 7,
            identifiers: ids.into_iter().map(|(n, v)| Identifier::new(n, v)).collect(),
            refused_identifiers: Vec::new(),
            account_identifiers: Vec::new(),
            channel: "email".to_owned(),
            direction: Direction::Outbound,
            campaign_id,
            message_id: None,
            decision_id: None,
            agency: None,
            partner: None,
            cost: None,
            value,
            items,
            order_id: None,
            location: None,
            consents: vec![Consent { channel: "*".to_owned(), purpose: "marketing".to_owned(), granted: false }],
            duplicate_of: None,
            properties,
        })
}

proptest! {
    #[test]
    fn touchpoints_round_trip(touchpoint in touchpoint()) {
        let contracts = Contracts::single_object().unwrap();
        let bytes = contracts.encode("tributary.touchpoints", &touchpoint).unwrap();
        prop_assert_eq!(&bytes[..2], &[0xC3, 0x01]);
        prop_assert_eq!(contracts.decode::<Touchpoint>(&bytes).unwrap(), touchpoint);
    }
}

#[test]
fn wrong_bytes_are_named() {
    let contracts = Contracts::single_object().unwrap();
    let error = contracts.decode::<RawEvent>(b"{\"a\": 1}").unwrap_err();
    assert!(matches!(error, SchemaError::UnknownEncoding { .. }), "{error}");
    let error = contracts.decode::<RawEvent>(&[0, 0, 0, 0, 9, 1]).unwrap_err();
    assert!(matches!(error, SchemaError::NoRegistry { id: 9 }), "{error}");
    let error = contracts.decode::<RawEvent>(&[0xC3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0]).unwrap_err();
    assert!(matches!(error, SchemaError::UnknownFingerprint { .. }), "{error}");
    let raw = RawEvent {
        source: "s".into(),
        event_id: None,
        received_at: 1,
        content_type: "application/json".into(),
        body: vec![0, 159],
    };
    let mut bytes = contracts.encode("t", &raw).unwrap();
    assert_eq!(contracts.decode::<RawEvent>(&bytes).unwrap(), raw);
    bytes.truncate(bytes.len() - 1);
    let error = contracts.decode::<RawEvent>(&bytes).unwrap_err();
    assert!(matches!(error, SchemaError::Avro { .. }), "{error}");
    let expected = "raw_event could not be decoded: RawEvent.body: 2 bytes are announced and 1 are left";
    assert_eq!(error.to_string(), expected);
}

/// A registry as far as the client needs one: register a schema, give it back by id.
fn registry() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let posted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&posted);
    let schema = Mutex::new(serde_json::Value::Null);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            let body = loop {
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse::<usize>().unwrap())
                    })
                    .unwrap_or(0);
                if body.len() >= length || read == 0 {
                    break body.to_owned();
                }
            };
            let answer = if request.starts_with(b"POST /subjects/tributary.raw.crm-value/versions") {
                count.fetch_add(1, Ordering::Relaxed);
                *schema.lock().unwrap() = serde_json::from_str::<serde_json::Value>(&body).unwrap()["schema"].clone();
                "{\"id\": 7}".to_owned()
            } else if request.starts_with(b"GET /schemas/ids/8") {
                let answer = "{\"error_code\":40403,\"message\":\"Schema not found\"}";
                write!(stream, "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
                continue;
            } else {
                assert!(request.starts_with(b"GET /schemas/ids/7"), "{}", String::from_utf8_lossy(&request));
                serde_json::json!({ "schema": *schema.lock().unwrap() }).to_string()
            };
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        }
    });
    (url, posted)
}

#[test]
fn with_a_registry_values_have_the_wire_format_and_readers_take_both() {
    let (url, posted) = registry();
    let raw = RawEvent {
        source: "s".into(),
        event_id: Some("1".into()),
        received_at: 1,
        content_type: "a/b".into(),
        body: b"x".to_vec(),
    };
    let plain = Contracts::single_object().unwrap().encode("tributary.raw.crm", &raw).unwrap();
    let writer = Contracts::with_registry(&url).unwrap();
    let bytes = writer.encode("tributary.raw.crm", &raw).unwrap();
    writer.encode("tributary.raw.crm", &raw).unwrap();
    assert_eq!(posted.load(Ordering::Relaxed), 1, "a subject is registered once");
    assert_eq!(&bytes[..5], &[0, 0, 0, 0, 7]);
    let reader = Contracts::with_registry(&url).unwrap();
    assert_eq!(reader.decode::<RawEvent>(&bytes).unwrap(), raw);
    assert_eq!(reader.decode::<RawEvent>(&plain).unwrap(), raw);
    let error = reader.decode::<RawEvent>(&[0, 0, 0, 0, 8, 1]).unwrap_err();
    assert!(matches!(error, SchemaError::UnknownSchemaId { id: 8, .. }), "{error}");
}

#[test]
fn an_absent_registry_is_named() {
    let contracts = Contracts::with_registry("http://127.0.0.1:1").unwrap();
    let raw =
        RawEvent { source: "s".into(), event_id: None, received_at: 1, content_type: "a/b".into(), body: Vec::new() };
    let error = contracts.encode("tributary.raw.crm", &raw).unwrap_err();
    assert!(matches!(error, SchemaError::Registry { .. }), "{error}");
    let mut buffer = vec![1, 2];
    contracts.encode_into("tributary.raw.crm", &raw, &mut buffer).unwrap_err();
    assert_eq!(buffer, [1, 2]);
}
