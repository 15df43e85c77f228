//! Limits: below and at them an event passes, above them it is refused, and then nothing is published.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use tributary_gateway::{Config, Limits};
use tributary_model::time::{self, DAY_MS, HOUR_MS};
use tributary_service::config::ByteSize;

use crate::client::{Answer, Gateway, basic, gzip, json as json_type, post};
use crate::support::{self, SEGMENT_KEY};

fn page(extra: Value) -> Value {
    let mut message = json!({"type": "page", "userId": "u"});
    message.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    message
}

/// A message of exactly this many bytes.
fn page_of(bytes: usize) -> String {
    let empty = page(json!({"name": ""})).to_string().len();
    page(json!({"name": "x".repeat(bytes - empty)})).to_string()
}

fn batch_of(messages: &[String]) -> String {
    format!(r#"{{"batch":[{}]}}"#, messages.join(","))
}

fn assert_refused(gateway: &Gateway, answer: &Answer, status: StatusCode, told: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let text = answer.body.to_string();
    for part in told {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(gateway.memory.calls(), 0, "nothing is published on refusal");
}

#[tokio::test]
async fn an_event_has_at_most_32_kib() {
    let limit = 32 * 1024;
    let gateway = Gateway::new();
    for bytes in [limit - 1, limit] {
        assert_eq!(gateway.segment("/v1/page", page_of(bytes)).await.status, StatusCode::OK, "{bytes}");
    }
    assert_eq!(gateway.memory.events().len(), 2);
    for bytes in [limit + 1, 40_000] {
        let gateway = Gateway::new();
        let answer = gateway.segment("/v1/page", page_of(bytes)).await;
        let told = ["event_too_large", "32KiB", &format!("{bytes} bytes")];
        assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &told);
        let batch = batch_of(&[page_of(100), page_of(bytes)]);
        let answer = gateway.segment("/v1/batch", batch).await;
        assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["\"index\":1", "\"total\":2"]);
        let answer = gateway.shop(page_of(bytes)).await;
        assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["event_too_large"]);
    }
}

#[tokio::test]
async fn a_batch_has_at_most_500_kib() {
    let limit = 500 * 1024;
    let full: Vec<String> = (0..20).map(|_| page_of(limit / 20)).collect();
    let mut above = full.clone();
    above[7] = page_of(limit / 20 + 1);
    let gateway = Gateway::new();
    assert_eq!(gateway.segment("/v1/batch", batch_of(&full[1..])).await.status, StatusCode::OK);
    assert_eq!(gateway.segment("/v1/batch", batch_of(&full)).await.status, StatusCode::OK);
    assert_eq!(gateway.shop(format!("[{}]", full.join(","))).await.status, StatusCode::OK);
    assert_eq!(gateway.memory.events().len(), 59);

    let gateway = Gateway::new();
    let answer = gateway.segment("/v1/batch", batch_of(&above)).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["512001 bytes", "500KiB"]);
    let answer = gateway.shop(above.join("\n")).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["512001 bytes", "500KiB"]);
}

#[tokio::test]
async fn a_body_is_bounded_before_it_is_read_and_while_it_is_inflated() {
    let gateway = Gateway::new();
    let long = "x".repeat(600 * 1024);
    let declared = [basic(SEGMENT_KEY), json_type(), ("content-length", long.len().to_string())];
    let answer = gateway.send(post("/v1/batch", &declared, long.clone())).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["544768 bytes", "body-too-large"]);
    let answer = gateway.segment("/v1/batch", long).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["body-too-large"]);
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 100_000);
    let headers = [basic(SEGMENT_KEY), ("content-encoding", "gzip".to_owned())];
    let answer = gateway.send(post("/v1/batch", &headers, bomb)).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["body-too-large"]);
}

#[tokio::test]
async fn a_request_has_a_bounded_number_of_events() {
    let config = Config { limits: Limits { batch_events: 3, ..Limits::default() }, ..support::config() };
    let gateway = Gateway::with(config.clone());
    let messages: Vec<String> = (0..4).map(|_| page_of(60)).collect();
    assert_eq!(gateway.segment("/v1/batch", batch_of(&messages[..3])).await.status, StatusCode::OK);
    assert_eq!(gateway.shop(messages[..3].join("\n")).await.status, StatusCode::OK);
    let gateway = Gateway::with(config);
    let answer = gateway.segment("/v1/batch", batch_of(&messages)).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["too-many-events", "\"limit\":3"]);
    let answer = gateway.shop(messages.join("\n")).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["too-many-events"]);
}

#[tokio::test]
async fn what_a_batch_hands_down_is_bounded_too() {
    let gateway = Gateway::new();
    let messages = vec![page(json!({})).to_string(); 100];
    let context = json!({"x": "y".repeat(30_000)});
    let batch = format!(r#"{{"context":{context},"batch":[{}]}}"#, messages.join(","));
    let answer = gateway.segment("/v1/batch", batch).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["batch-too-large"]);
}

#[tokio::test]
async fn properties_and_traits_have_at_most_300_members() {
    let members =
        |count: usize| Value::from((0..count).map(|n| (n.to_string(), json!({"a": 1, "b": 2}))).collect::<Map<_, _>>());
    let gateway = Gateway::new();
    for count in [299, 300] {
        for field in ["properties", "traits"] {
            let message = page(json!({field: members(count)}));
            assert_eq!(gateway.segment("/v1/page", message.to_string()).await.status, StatusCode::OK, "{count}");
        }
        assert_eq!(gateway.shop(members(count).to_string()).await.status, StatusCode::OK);
    }
    let gateway = Gateway::new();
    for field in ["properties", "traits"] {
        let answer = gateway.segment("/v1/page", page(json!({field: members(301)})).to_string()).await;
        assert_refused(
            &gateway,
            &answer,
            StatusCode::BAD_REQUEST,
            &["too_many_properties", field, "301 members", "\"300\""],
        );
    }
    let answer = gateway.shop(members(301).to_string()).await;
    assert_refused(&gateway, &answer, StatusCode::BAD_REQUEST, &["too_many_properties"]);
}

#[tokio::test]
async fn an_id_has_at_most_100_characters() {
    let gateway = Gateway::new();
    for count in [99, 100] {
        let message = page(json!({"messageId": "ü".repeat(count)}));
        assert_eq!(gateway.segment("/v1/page", message.to_string()).await.status, StatusCode::OK);
        let event = json!({"id": "ü".repeat(count - 2), "version": 1});
        assert_eq!(gateway.shop(event.to_string()).await.status, StatusCode::OK);
    }
    let gateway = Gateway::new();
    let answer = gateway.segment("/v1/page", page(json!({"messageId": "ü".repeat(101)})).to_string()).await;
    assert_refused(&gateway, &answer, StatusCode::BAD_REQUEST, &["id_too_long", "messageId", "100 characters", "…"]);
    let answer = gateway.shop(json!({"id": "ü".repeat(99), "version": 1}).to_string()).await;
    assert_refused(&gateway, &answer, StatusCode::BAD_REQUEST, &["id_too_long", "/id /version"]);
}

#[tokio::test]
async fn an_event_is_neither_from_the_future_nor_from_too_long_ago() {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(since.as_millis()).unwrap();
    let at = |offset: i64| time::to_rfc3339(now + offset);
    let gateway = Gateway::new();
    let passing = [
        page(json!({"timestamp": at(23 * HOUR_MS)})),
        page(json!({"timestamp": at(HOUR_MS - 400 * DAY_MS), "sentAt": at(0)})),
    ];
    for message in passing {
        assert_eq!(gateway.segment("/v1/page", message.to_string()).await.status, StatusCode::OK, "{message}");
    }
    let gateway = Gateway::new();
    for (message, code, field) in [
        (page(json!({"timestamp": at(25 * HOUR_MS)})), "too_far_ahead", "timestamp"),
        (page(json!({"sentAt": at(25 * HOUR_MS)})), "too_far_ahead", "sentAt"),
        (page(json!({"timestamp": at(-HOUR_MS - 400 * DAY_MS)})), "too_old", "timestamp"),
    ] {
        let answer = gateway.segment("/v1/page", message.to_string()).await;
        assert_refused(&gateway, &answer, StatusCode::BAD_REQUEST, &[code, field]);
        assert!(answer.body["errors"][0]["limit"].as_str().unwrap().ends_with('Z'), "{}", answer.body);
    }
    let batch = json!({"sentAt": at(365 * DAY_MS), "batch": [page(json!({}))]});
    let answer = gateway.segment("/v1/batch", batch.to_string()).await;
    assert_refused(&gateway, &answer, StatusCode::BAD_REQUEST, &["too_far_ahead", "sentAt"]);
}

#[tokio::test]
async fn limits_are_configurable_and_many_faults_are_counted() {
    let limits = Limits { event: ByteSize::new(40), ..Limits::default() };
    let gateway = Gateway::with(Config { limits, ..support::config() });
    let messages: Vec<String> = (0..250).map(|_| page_of(60)).collect();
    let answer = gateway.segment("/v1/batch", batch_of(&messages)).await;
    assert_refused(&gateway, &answer, StatusCode::PAYLOAD_TOO_LARGE, &["\"refused\":250", "40B"]);
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 100);
}
