//! Requests to a router, and their answers.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::{self, Memory, SEGMENT_KEY, SHOP_KEY};

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The text of `detail` of problem details.
    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// The `code` of each fault.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.body["errors"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect()
    }
}

/// A gateway and what it published.
pub(crate) struct Gateway {
    pub(crate) router: Router,
    pub(crate) memory: Memory,
}

impl Gateway {
    pub(crate) fn new() -> Self {
        Self::with(support::config())
    }

    pub(crate) fn with(config: tributary_gateway::Config) -> Self {
        let memory = Memory::default();
        Self { router: support::router(config, memory.clone()), memory }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// A Segment call with its key.
    pub(crate) async fn segment(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(post(path, &[basic(SEGMENT_KEY), json()], body)).await
    }

    /// Raw JSON of the shop with its key.
    pub(crate) async fn shop(&self, body: impl Into<Body>) -> Answer {
        self.send(post("/v1/sources/shop", &[basic(SHOP_KEY), json()], body)).await
    }
}

pub(crate) type Header = (&'static str, String);

pub(crate) fn basic(key: &str) -> Header {
    ("authorization", format!("Basic {}", STANDARD.encode(format!("{key}:"))))
}

pub(crate) fn json() -> Header {
    ("content-type", "application/json".to_owned())
}

pub(crate) fn post(path: &str, headers: &[Header], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(body.into()).unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
