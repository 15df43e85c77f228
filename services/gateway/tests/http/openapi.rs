//! The OpenAPI document is current, and every path in it answers.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::client::Gateway;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/http/openapi.json")
}

#[test]
fn the_checked_in_document_is_current() {
    let checked_in: Value = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    let current = tributary_gateway::openapi::document();
    assert!(checked_in == current, "write it anew: cargo run -p tributary-gateway --example openapi");
}

#[tokio::test]
async fn every_path_answers_as_documented() {
    let gateway = Gateway::new();
    let document = tributary_gateway::openapi::document();
    let mut answered = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let uri = path.replace("{source}", "till");
            let request =
                Request::builder().method(method.to_uppercase().as_str()).uri(&uri).body(Body::from("{}")).unwrap();
            let answer = gateway.send(request).await;
            let status = answer.status.as_str();
            assert!(!["404", "405"].contains(&status), "{method} {path} is not there");
            assert!(operation["responses"].get(status).is_some(), "{method} {path} answers {status}: {}", answer.body);
            answered += 1;
        }
    }
    assert_eq!(answered, 18);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value, seen: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                    *seen += 1;
                }
                members.values().for_each(|member| walk(member, document, seen));
            }
            Value::Array(elements) => elements.iter().for_each(|element| walk(element, document, seen)),
            _ => {}
        }
    }
    let document = tributary_gateway::openapi::document();
    let mut seen = 0;
    walk(&document, &document, &mut seen);
    assert!(seen > 20);
}
