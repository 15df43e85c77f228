//! Accepted means durable: nothing but the broker's word makes a 200.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;
use tributary_gateway::Config;
use tributary_service::config::{self, ByteSize};

use crate::client::{Gateway, basic, json as json_type, post};
use crate::support::{self, SEGMENT_KEY};

const PAGE: &str = r#"{"type":"page","userId":"u","messageId":"m"}"#;

#[tokio::test]
async fn without_the_acknowledgement_there_is_no_200() {
    let gateway = Gateway::new();
    gateway.memory.fail_next(1);
    let answer = gateway.segment("/v1/page", PAGE).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["type"], "urn:tributary:problem:not-acknowledged");
    assert_eq!(answer.headers["retry-after"], "5");
    assert!(!answer.body.to_string().contains("tributary.raw"), "inner names stay inside: {}", answer.body);
    assert_eq!(gateway.memory.records().len(), 0);

    gateway.memory.full_next(1);
    let answer = gateway.segment("/v1/page", PAGE).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");

    assert_eq!(gateway.segment("/v1/page", PAGE).await.status, StatusCode::OK);
    assert_eq!(gateway.memory.records().len(), 1);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_in_time_is_told_apart() {
    let gateway = Gateway::with(Config { publish_timeout: config::Duration::from_millis(20), ..support::config() });
    let _release = gateway.memory.hang();
    let answer = gateway.segment("/v1/page", PAGE).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["type"], "urn:tributary:problem:publish-timeout");
    assert!(answer.detail().contains("20ms"), "{}", answer.detail());
    assert_eq!(gateway.memory.records().len(), 0);
}

#[tokio::test]
async fn a_full_budget_is_refused_and_freed_again() {
    let limits = tributary_gateway::Limits {
        event: ByteSize::kib(4),
        batch: ByteSize::kib(4),
        ..tributary_gateway::Limits::default()
    };
    let gateway = Gateway::with(Config { limits, in_flight: ByteSize::kib(8), ..support::config() });
    let release = gateway.memory.hang();
    let body = format!(r#"{{"type":"page","userId":"u","name":"{}"}}"#, "x".repeat(3000));
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let length = ("content-length", body.len().to_string());
        let request = post("/v1/page", &[basic(SEGMENT_KEY), json_type(), length], body.clone());
        waiting.push(tokio::spawn(tower::ServiceExt::oneshot(gateway.router.clone(), request)));
    }
    tokio::time::timeout(Duration::from_secs(10), async {
        while gateway.memory.calls() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let answer = gateway.segment("/v1/page", body.clone()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["type"], "urn:tributary:problem:busy");
    assert_eq!(answer.headers["retry-after"], "1");

    release.notify_waiters();
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    release.notify_one();
    assert_eq!(gateway.segment("/v1/page", body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn trace_contexts_are_passed_on() {
    let gateway = Gateway::new();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for value in [parent, "nonsense"] {
        let headers = [basic(SEGMENT_KEY), ("traceparent", value.to_owned())];
        assert_eq!(gateway.send(post("/v1/page", &headers, PAGE)).await.status, StatusCode::OK);
    }
    let records = gateway.memory.records();
    assert_eq!(records[0].headers, [("traceparent".to_owned(), parent.as_bytes().to_vec())]);
    assert!(records[1].headers.is_empty());
}

#[tokio::test]
async fn browsers_are_let_in_by_origin() {
    let preflight = |origin: &str| {
        Request::builder()
            .method(Method::OPTIONS)
            .uri("/v1/batch")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
            .body(Body::empty())
            .unwrap()
    };
    let all = Gateway::new();
    let answer = all.send(preflight("https://shop.example")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert!(answer.headers["access-control-allow-headers"].to_str().unwrap().contains("authorization"));

    let origins = vec!["https://shop.example".to_owned()];
    let some = Gateway::with(Config { allowed_origins: origins, ..support::config() });
    assert_eq!(
        some.send(preflight("https://shop.example")).await.headers["access-control-allow-origin"],
        "https://shop.example"
    );
    assert!(some.send(preflight("https://other.example")).await.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let gateway = Gateway::new();
    let answer = gateway.send(post("/v1/nothing", &[], "")).await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::NOT_FOUND, &json!("no_such_path")));
    let get = Request::get("/v1/track").body(Body::empty()).unwrap();
    let answer = gateway.send(get).await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("wrong_method")));
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn requests_and_events_are_counted() {
    let handle = tributary_service::metrics::install_prometheus().unwrap();
    let gateway = Gateway::new();
    let batch = json!({"batch": [
        {"type": "screen", "userId": "u", "properties": 1}, {"type": "screen", "userId": "u"}
    ]});
    gateway.segment("/v1/import?partial=true", batch.to_string()).await;
    let text = handle.render();
    for line in [
        "tributary_gateway_requests_total{endpoint=\"batch\",outcome=\"partial\"} ",
        "tributary_gateway_events_accepted_total{source=\"segment\"} ",
        "tributary_gateway_events_refused_total{reason=\"invalid_field\"} ",
        "tributary_gateway_publish_seconds_count ",
        "# HELP tributary_gateway_in_flight_bytes Memory",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
