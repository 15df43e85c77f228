//! Raw JSON of any source.

use axum::http::StatusCode;
use serde_json::json;

use crate::client::{Gateway, basic, gzip, json as json_type, post};
use crate::support::{SEGMENT_KEY, SHOP_KEY};

#[tokio::test]
async fn objects_arrays_and_lines_are_taken() {
    let object = "{\n  \"id\": 7,\n  \"version\": \"a\"\n}";
    let array = r#"[{"id":7,"version":"a"}, {"id":8,"version":"b"}]"#;
    let lines = "{\"id\":7,\"version\":\"a\"}\r\n\n{\"id\":8,\"version\":\"b\"}\n";
    for (content_type, body, count) in [
        ("application/json", object, 1),
        ("application/vnd.shop+json; charset=utf-8", object, 1),
        ("application/json", array, 2),
        ("text/plain", lines, 2),
        ("application/json", lines, 2),
        ("application/x-ndjson", lines, 2),
        ("application/jsonl", r#"{"id":7,"version":"a"}"#, 1),
    ] {
        let gateway = Gateway::new();
        let headers = [basic(SHOP_KEY), ("content-type", content_type.to_owned())];
        let answer = gateway.send(post("/v1/sources/shop", &headers, body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{content_type}: {}", answer.body);
        let events = gateway.memory.events();
        assert_eq!(events.len(), count, "{content_type}");
        assert_eq!(events[0].topic, "tributary.raw.ecommerce");
        assert_eq!(events[0].key, "shop:7.a");
        assert_eq!(events[0].raw.event_id.as_deref(), Some("7.a"));
        assert_eq!(events[0].body, json!({"id": 7, "version": "a"}));
        assert!(events.get(1).is_none_or(|event| event.key == "shop:8.b"));
    }
}

#[tokio::test]
async fn bodies_stay_as_they_came() {
    let gateway = Gateway::new();
    let event = r#"{ "id":1 , "version":"x", "price": 1.10, "big": 12345678901234567890123 }"#;
    assert_eq!(gateway.shop(format!("[{event}]")).await.status, StatusCode::OK);
    assert_eq!(gateway.memory.events()[0].raw.body, event.as_bytes());
}

#[tokio::test]
async fn without_an_id_of_its_own_the_body_is_the_id() {
    let gateway = Gateway::new();
    for body in [r#"{"receipt":1}"#, r#"{"receipt":1}"#, r#"{"receipt":2}"#] {
        assert_eq!(gateway.send(post("/v1/sources/till", &[], body)).await.status, StatusCode::OK);
    }
    let events = gateway.memory.events();
    assert_eq!(events[0].topic, "tributary.raw.store");
    assert_eq!(events[0].raw.event_id, None);
    assert_eq!(events[0].key.len(), "till:".len() + 64);
    assert_eq!(events[0].key, events[1].key);
    assert_ne!(events[0].key, events[2].key);

    assert_eq!(gateway.shop(r#"{"id":7}"#).await.status, StatusCode::OK);
    assert_eq!(gateway.memory.events()[3].raw.event_id, None, "a part of the id is missing");
}

#[tokio::test]
async fn each_source_has_its_own_keys() {
    let gateway = Gateway::new();
    let bearer = |key: &str| ("authorization", format!("Bearer {key}"));
    for (source, headers, status, told) in [
        ("shop", vec![basic(SHOP_KEY)], 200, ""),
        ("shop", vec![bearer(SHOP_KEY)], 200, ""),
        ("shop", vec![], 401, "no write key was sent"),
        ("shop", vec![basic(SEGMENT_KEY)], 401, "gateway.write_keys.shop"),
        ("shop", vec![bearer("")], 401, "gateway.write_keys.shop"),
        ("crm", vec![basic(SHOP_KEY)], 401, "gateway.write_keys.crm"),
        ("till", vec![], 200, ""),
        ("nobody", vec![basic(SHOP_KEY)], 404, "no source is named `nobody`"),
    ] {
        let answer = gateway.send(post(&format!("/v1/sources/{source}"), &headers, "{}")).await;
        assert_eq!(answer.status.as_u16(), status, "{source} {headers:?}: {}", answer.body);
        assert!(answer.detail().contains(told), "{}", answer.detail());
    }
}

#[tokio::test]
async fn bad_lines_are_all_named_and_the_others_can_be_taken() {
    let lines = "{\"id\":1,\"version\":1}\n{\"id\":2,\n[3]\n{\"id\":4,\"version\":1}\n{\"id\":5} x\n";
    let headers = [basic(SHOP_KEY), ("content-type", "application/x-ndjson".to_owned())];
    let gateway = Gateway::new();
    let answer = gateway.send(post("/v1/sources/shop", &headers, lines)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.codes(), ["malformed_json", "not_an_object", "malformed_json"]);
    let details: Vec<_> =
        answer.body["errors"].as_array().unwrap().iter().map(|fault| fault["detail"].as_str().unwrap()).collect();
    assert!(details[0].starts_with("line 2, column 8: "), "{details:?}");
    assert!(details[2].starts_with("line 5, column 10: "), "{details:?}");
    assert_eq!(gateway.memory.calls(), 0);

    let answer = gateway.send(post("/v1/sources/shop?partial=true", &headers, lines)).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    let keys: Vec<_> = gateway.memory.events().into_iter().map(|event| event.key).collect();
    assert_eq!(keys, ["shop:1.1", "shop:4.1"]);
}

#[tokio::test]
async fn malformed_documents_are_refused_with_the_place() {
    let gateway = Gateway::new();
    for (body, line, column) in
        [("{\"id\": 1,\n \"x\" 2}", 2, 6), ("[{\"id\":1}\n{\"id\":2}]", 2, 1), ("{} {}", 1, 4), ("nope", 1, 2)]
    {
        let answer = gateway.shop(body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!((&answer.body["line"], &answer.body["column"]), (&json!(line), &json!(column)), "{}", answer.body);
    }
    assert_eq!(gateway.memory.calls(), 0);
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let gateway = Gateway::new();
    for content_type in ["application/x-www-form-urlencoded", "text/csv", "multipart/form-data; boundary=x"] {
        let headers = [basic(SHOP_KEY), ("content-type", content_type.to_owned())];
        let answer = gateway.send(post("/v1/sources/shop", &headers, "{}")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(answer.detail().contains(content_type) && answer.detail().contains("application/json"));
    }
}

#[tokio::test]
async fn times_are_checked_where_the_source_says_where_they_stand() {
    let gateway = Gateway::new();
    for (time, code) in [
        (json!("2999-01-01T00:00:00Z"), Some("too_far_ahead")),
        (json!(32_472_144_000_u64), Some("too_far_ahead")),
        (json!("1999-01-01"), Some("too_old")),
        (json!("some day"), None),
        (json!(null), None),
    ] {
        let answer = gateway.shop(json!({"id": 1, "version": 1, "created_at": time}).to_string()).await;
        match code {
            Some(code) => {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{time}");
                assert_eq!(answer.codes(), [code]);
                assert_eq!(answer.body["errors"][0]["field"], "/created_at");
            }
            None => assert_eq!(answer.status, StatusCode::OK, "the mapping decides about {time}"),
        }
    }
}

#[tokio::test]
async fn compressed_lines_with_a_byte_order_mark_are_read() {
    let gateway = Gateway::new();
    let headers = [basic(SHOP_KEY), json_type(), ("content-encoding", "gzip".to_owned())];
    let body = gzip("\u{feff}{\"id\":1,\"version\":1}\n{\"id\":2,\"version\":1}".as_bytes());
    assert_eq!(gateway.send(post("/v1/sources/shop", &headers, body)).await.status, StatusCode::OK);
    assert_eq!(gateway.memory.events().len(), 2);
}
