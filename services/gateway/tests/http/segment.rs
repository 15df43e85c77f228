//! Segment's calls: who may send, what becomes of a message.

use axum::http::StatusCode;
use serde_json::json;

use crate::client::{Gateway, basic, gzip, json as json_type, post};
use crate::support::{SEGMENT_KEY, SHOP_KEY};

#[tokio::test]
async fn every_call_becomes_a_raw_event_with_its_type() {
    let gateway = Gateway::new();
    let messages = [
        ("identify", json!({"userId": "u", "traits": {"plan": "gold"}})),
        ("track", json!({"anonymousId": "a", "event": "Order Completed", "properties": {"total": 1.5}})),
        ("page", json!({"userId": "u", "name": "Home"})),
        ("screen", json!({"userId": 7, "name": "Cart"})),
        ("group", json!({"userId": "u", "groupId": "g"})),
        ("alias", json!({"userId": "u", "previousId": "a"})),
    ];
    for (call, message) in &messages {
        for path in [format!("/v1/{call}"), format!("/v1/{}", &call[..1])] {
            let answer = gateway.segment(&path, message.to_string()).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            assert_eq!(answer.body, json!({"success": true}));
        }
    }
    let events = gateway.memory.events();
    assert_eq!(events.len(), 12);
    for (pair, (call, message)) in events.chunks(2).zip(&messages) {
        for event in pair {
            assert_eq!(event.topic, "tributary.raw.channel");
            assert_eq!(event.raw.source, "segment");
            assert_eq!(event.raw.content_type, "application/json");
            assert_eq!(event.body["type"], *call);
            let id = event.body["messageId"].as_str().unwrap();
            assert_eq!(event.raw.event_id.as_deref(), Some(id));
            assert_eq!(event.key, format!("segment:{id}"));
            for (name, value) in message.as_object().unwrap() {
                assert_eq!(&event.body[name], value);
            }
        }
        assert_ne!(pair[0].key, pair[1].key, "made ids differ");
    }
}

#[tokio::test]
async fn what_the_sender_wrote_stays_as_it_is() {
    let gateway = Gateway::new();
    let message = r#"{ "type":"track", "messageId" : "m-1","userId":"u", "event":"E",
        "timestamp":null, "context":{"ip":"192.0.2.1","n":1.10}, "integrations":{"All":false}, "unknown":[1, 2] }"#;
    assert_eq!(gateway.segment("/v1/track", message).await.status, StatusCode::OK);
    let events = gateway.memory.events();
    assert_eq!(String::from_utf8(events[0].raw.body.clone()).unwrap(), message);
    assert_eq!(events[0].key, "segment:m-1");
}

#[tokio::test]
async fn a_batch_hands_down_what_its_messages_lack() {
    let gateway = Gateway::new();
    let now = tributary_model::time::to_rfc3339(now_ms());
    let batch = json!({
        "sentAt": now,
        "context": {"library": "x"},
        "integrations": {"All": true},
        "batch": [
            {"type": "track", "messageId": "m-1", "userId": "u", "event": "A", "context": {"own": 1}, "sentAt": null},
            {"type": "page", "messageId": "m-2", "anonymousId": "a"},
        ]
    });
    for path in ["/v1/batch", "/v1/import", "/v1/b"] {
        assert_eq!(gateway.segment(path, batch.to_string()).await.status, StatusCode::OK);
    }
    let events = gateway.memory.events();
    assert_eq!(events.len(), 6);
    assert_eq!(gateway.memory.calls(), 3, "a batch is published at once");
    assert_eq!(
        events[0].body,
        json!({
            "type": "track", "messageId": "m-1", "userId": "u", "event": "A", "context": {"own": 1}, "sentAt": null,
            "integrations": {"All": true}
        })
    );
    assert_eq!(
        events[1].body,
        json!({
            "type": "page", "messageId": "m-2", "anonymousId": "a", "sentAt": now, "context": {"library": "x"},
            "integrations": {"All": true}
        })
    );
    assert_eq!(events[0].key, events[2].key, "a repetition meets its original");
}

#[tokio::test]
async fn an_empty_batch_is_accepted() {
    let gateway = Gateway::new();
    let answer = gateway.segment("/v1/batch", r#"{"batch":[]}"#).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(gateway.memory.calls(), 0);
}

#[tokio::test]
async fn the_write_key_is_taken_from_basic_bearer_or_body() {
    let gateway = Gateway::new();
    let message = json!({"userId": "u", "writeKey": SEGMENT_KEY, "event": "E"}).to_string();
    let bearer = ("authorization", format!("Bearer {SEGMENT_KEY}"));
    let browser = ("content-type", "text/plain".to_owned());
    for headers in [vec![], vec![browser], vec![basic(SEGMENT_KEY), json_type()], vec![bearer]] {
        let answer = gateway.send(post("/v1/track", &headers, message.clone())).await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}: {}", answer.body);
    }
    for event in gateway.memory.events() {
        assert_eq!(event.body["writeKey"], "***", "keys do not reach the log");
        assert_eq!(event.body["event"], "E");
    }
    let batch = json!({"batch": [{"type": "page", "userId": "u"}], "writeKey": SEGMENT_KEY}).to_string();
    assert_eq!(gateway.send(post("/v1/batch", &[], batch)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_keys_are_told_what_to_do() {
    let gateway = Gateway::new();
    let message = r#"{"userId":"u"}"#;
    let keyed = r#"{"userId":"u","writeKey":"nobody's"}"#;
    for (headers, body, told) in [
        (vec![], message, "no write key was sent"),
        (vec![], keyed, "of no source"),
        (vec![basic("nobody's")], message, "of no source"),
        (vec![basic(SHOP_KEY)], message, "/v1/sources/shop"),
        (vec![("authorization", "Negotiate x".to_owned())], message, "Authorization header"),
    ] {
        let answer = gateway.send(post("/v1/identify", &headers, body)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic"));
        assert_eq!(answer.body["type"], "urn:tributary:problem:unauthorized");
        assert!(answer.detail().contains(told), "{}", answer.detail());
    }
    assert_eq!(gateway.memory.calls(), 0);
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let gateway = Gateway::new();
    let body = gzip(br#"{"batch":[{"type":"page","userId":"u"}]}"#);
    let headers = [basic(SEGMENT_KEY), json_type(), ("content-encoding", "gzip".to_owned())];
    assert_eq!(gateway.send(post("/v1/batch", &headers, body)).await.status, StatusCode::OK);
    assert_eq!(gateway.memory.events().len(), 1);

    let answer = gateway.send(post("/v1/batch", &headers, "not gzip")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.detail().contains("no gzip"), "{}", answer.detail());
    let headers = [basic(SEGMENT_KEY), ("content-encoding", "br".to_owned())];
    let answer = gateway.send(post("/v1/batch", &headers, "x")).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(answer.detail().contains("`br`") && answer.detail().contains("gzip"), "{}", answer.detail());
}

#[tokio::test]
async fn each_fault_names_field_value_and_remedy() {
    let gateway = Gateway::new();
    let cases = [
        (json!({"userId": "u"}), "missing_field", "type", ""),
        (json!({"type": "buy", "userId": "u"}), "invalid_field", "type", "\"buy\""),
        (json!({"type": "track", "userId": "u"}), "missing_field", "event", ""),
        (json!({"type": "track", "userId": "u", "event": ""}), "missing_field", "event", ""),
        (json!({"type": "page", "userId": "", "anonymousId": null}), "missing_field", "userId", ""),
        (json!({"type": "group", "userId": "u"}), "missing_field", "groupId", ""),
        (json!({"type": "alias", "userId": "u"}), "missing_field", "previousId", ""),
        (json!({"type": "page", "userId": "u", "messageId": 7}), "invalid_field", "messageId", "7"),
        (json!({"type": "page", "userId": "u", "messageId": null}), "invalid_field", "messageId", "null"),
        (json!({"type": "page", "userId": "u", "properties": [1]}), "invalid_field", "properties", "[1]"),
        (
            json!({"type": "page", "userId": "u", "timestamp": "yesterday"}),
            "invalid_time",
            "timestamp",
            "\"yesterday\"",
        ),
        (json!({"type": "page", "userId": "u", "timestamp": 5}), "invalid_time", "timestamp", "5"),
        (json!("page"), "not_an_object", "", "\"page\""),
    ];
    let batch = json!({"batch": cases.iter().map(|(message, ..)| message).collect::<Vec<_>>()});
    let answer = gateway.segment("/v1/batch", batch.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!((&answer.body["total"], &answer.body["refused"]), (&json!(cases.len()), &json!(cases.len())));
    let faults = answer.body["errors"].as_array().unwrap();
    assert_eq!(faults.len(), cases.len(), "{faults:#?}");
    for (index, (fault, (_, code, field, value))) in faults.iter().zip(&cases).enumerate() {
        assert_eq!(fault["index"], index);
        assert_eq!((&fault["code"], &fault["field"], &fault["value"]), (&json!(code), &json!(field), &json!(value)));
        assert!(!fault["remedy"].as_str().unwrap().is_empty());
    }
    assert_eq!(gateway.memory.calls(), 0);
}

#[tokio::test]
async fn a_path_and_a_type_must_agree_and_members_stand_once() {
    let gateway = Gateway::new();
    let answer = gateway.segment("/v1/page", r#"{"type":"track","event":"E","userId":"u"}"#).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.detail().contains("path of page"), "{}", answer.detail());
    let answer = gateway.segment("/v1/page", r#"{"userId":"u","userId":"v"}"#).await;
    assert_eq!(answer.codes(), ["invalid_field"]);
    assert!(answer.detail().contains("duplicate field `userId`"), "{}", answer.detail());
    assert_eq!(gateway.memory.calls(), 0);
}

#[tokio::test]
async fn malformed_json_names_line_and_column() {
    let gateway = Gateway::new();
    for (body, line, column) in [("{\n  \"userId\": \"u\",\n  nope\n}", 3, 3), ("", 1, 0), ("[]", 1, 1), ("[[]]", 1, 1)]
    {
        let answer = gateway.segment("/v1/batch", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.body["type"], "urn:tributary:problem:malformed-json");
        assert_eq!((&answer.body["line"], &answer.body["column"]), (&json!(line), &json!(column)), "{}", answer.body);
    }
    let answer = gateway.segment("/v1/batch", r#"{"message":[]}"#).await;
    assert!(answer.detail().contains("`batch`"), "{}", answer.detail());
    let answer = gateway.segment("/v1/track", b"{\"event\":\n \"\xff\"}".to_vec()).await;
    assert_eq!((&answer.body["line"], &answer.body["column"]), (&json!(2), &json!(3)), "{}", answer.body);
    assert!(answer.detail().contains("UTF-8"));
    assert_eq!(gateway.memory.calls(), 0);
}

#[tokio::test]
async fn partial_accepts_the_good_and_names_the_others() {
    let gateway = Gateway::new();
    let batch = json!({"batch": [
        {"type": "page", "userId": "u", "messageId": "good"},
        {"type": "page"},
        {"type": "track", "userId": "u"},
    ]});
    let answer = gateway.segment("/v1/batch?partial=true", batch.to_string()).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    assert_eq!(
        (&answer.body["success"], &answer.body["accepted"], &answer.body["refused"]),
        (&json!(false), &json!(1), &json!(2))
    );
    let indices: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|fault| &fault["index"]).collect();
    assert_eq!(indices, [1, 2]);
    assert_eq!(gateway.memory.events()[0].key, "segment:good");

    let none = json!({"batch": [{"type": "page"}]});
    let answer = gateway.segment("/v1/batch?partial=true", none.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let all = json!({"batch": [{"type": "page", "userId": "u"}]});
    let answer = gateway.segment("/v1/batch?partial=true", all.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, json!({"success": true, "accepted": 1, "refused": 0, "errors": []}));
    let answer = gateway.segment("/v1/batch?partial=perhaps", all.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.detail().contains("partial"), "{}", answer.detail());
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
