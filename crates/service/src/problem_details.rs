//! Errors over HTTP: problem details as RFC 9457 has them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// An error answer, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProblemDetails {
    /// Stable URN of the kind of problem: `urn:tributary:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words, the same for every occurrence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong this time and what to do.
    pub detail: String,
    /// Members of this kind of problem.
    #[serde(flatten)]
    pub extensions: Map<String, Value>,
    /// Seconds after which the caller may try again, sent as `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
}

impl ProblemDetails {
    /// A problem of the kind `code` (kebab case).
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:tributary:problem:{code}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            extensions: Map::new(),
            retry_after_s: None,
        }
    }

    /// With another member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(member.to_owned(), value.into());
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A map of strings and JSON values always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_rfc_has_it() {
        let problem = ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", "too much at once")
            .with("limit", 3)
            .retry_after(2);
        let response = problem.clone().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "type": "urn:tributary:problem:busy", "title": "Busy", "status": 503,
                "detail": "too much at once", "limit": 3
            })
        );
    }
}
