//! What an attempt means: delivered, gone, or failed and of which class.

use serde::{Deserialize, Serialize};

use crate::retry_after::retry_after;

/// The longest text of an answer that is repeated, in characters.
const MAX_DETAIL_CHARS: usize = 200;

/// An endpoint's answer, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The `Retry-After` header as it stands.
    pub retry_after: Option<String>,
    /// The `Location` header as it stands; nobody goes there.
    pub location: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .class.name())]
pub struct SendError {
    /// The class.
    pub class: FailureClass,
    /// What exactly, for people.
    pub detail: String,
}

impl SendError {
    /// No answer for this reason.
    #[must_use]
    pub fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into() }
    }
}

/// The classes of failed attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The name does not resolve.
    Resolve,
    /// All addresses of the name are ones that the destination may not be at.
    ForbiddenAddress,
    /// The connection was refused or could not be made.
    Connect,
    /// No connection in time.
    ConnectTimeout,
    /// The certificate or the TLS handshake.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke, or what came is no HTTP.
    Disconnected,
    /// The request cannot be made or its task ended by a defect.
    Internal,
    /// 3xx: webhooks are not redirected.
    Redirect,
    /// 429.
    RateLimited,
    /// Any other 4xx.
    Rejected,
    /// 5xx.
    ServerError,
    /// A status that no answer ends with.
    UnexpectedStatus,
}

impl FailureClass {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Resolve,
        Self::ForbiddenAddress,
        Self::Connect,
        Self::ConnectTimeout,
        Self::Tls,
        Self::Timeout,
        Self::Disconnected,
        Self::Internal,
        Self::Redirect,
        Self::RateLimited,
        Self::Rejected,
        Self::ServerError,
        Self::UnexpectedStatus,
    ];

    /// The name used in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::ForbiddenAddress => "forbidden_address",
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Disconnected => "disconnected",
            Self::Internal => "internal",
            Self::Redirect => "redirect",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::ServerError => "server_error",
            Self::UnexpectedStatus => "unexpected_status",
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class.
    pub class: FailureClass,
    /// The status code, when there was an answer.
    pub status: Option<u16>,
    /// What exactly, for people.
    pub detail: String,
    /// Before when the endpoint asks not to be called again.
    pub retry_after_at: Option<i64>,
}

impl Failure {
    /// Whether the endpoint is to blame, and not this one message: then it counts for the breaker.
    #[must_use]
    pub fn blames_endpoint(&self) -> bool {
        // Bad request, not acceptable, conflict, length, size, URI, media type, unprocessable, headers too large.
        let of_message = [400, 406, 409, 411, 413, 414, 415, 422, 431];
        self.class != FailureClass::Internal && !self.status.is_some_and(|status| of_message.contains(&status))
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The receiver has it: 2xx, with the status code.
    Delivered(u16),
    /// The receiver wants no more: 410.
    Gone,
    /// Neither.
    Failed(Failure),
}

impl Outcome {
    /// What an answer that came at `now_at`, or its absence, means.
    #[must_use]
    pub fn of(result: Result<Answer, SendError>, now_at: i64) -> Self {
        let answer = match result {
            Ok(Answer { status: status @ 200..=299, .. }) => return Self::Delivered(status),
            Ok(Answer { status: 410, .. }) => return Self::Gone,
            Ok(answer) => answer,
            Err(SendError { class, detail }) => {
                return Self::Failed(Failure { class, status: None, detail: printable(&detail), retry_after_at: None });
            }
        };
        let (class, detail) = match answer.status {
            300..=399 => {
                // What follows may be meant for one reader only.
                let bare = |location: &str| printable(location.split(['?', '#']).next().unwrap_or_default());
                let to = answer.location.as_deref().map_or_else(|| "nowhere".to_owned(), bare);
                (FailureClass::Redirect, format!("redirects to {to}; webhooks are not redirected"))
            }
            429 => (FailureClass::RateLimited, String::new()),
            400..=499 => (FailureClass::Rejected, String::new()),
            500..=599 => (FailureClass::ServerError, String::new()),
            _ => (FailureClass::UnexpectedStatus, String::new()),
        };
        let retry_after_at = answer.retry_after.as_deref().and_then(|text| retry_after(text, now_at));
        Self::Failed(Failure { class, status: Some(answer.status), detail, retry_after_at })
    }

    /// The HTTP status code, when there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Delivered(status) => Some(*status),
            Self::Gone => Some(410),
            Self::Failed(failure) => failure.status,
        }
    }
}

/// What others have written, shortened and without control characters, so that it can stand in a log.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_DETAIL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Outcome {
        Outcome::of(Ok(Answer { status, ..Answer::default() }), 1000)
    }

    fn failed(outcome: Outcome) -> Failure {
        match outcome {
            Outcome::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        for status in [200, 201, 204, 299] {
            assert_eq!(answered(status), Outcome::Delivered(status));
        }
        assert_eq!(answered(410), Outcome::Gone);
        for (status, class, blames_endpoint) in [
            (301, FailureClass::Redirect, true),
            (304, FailureClass::Redirect, true),
            (400, FailureClass::Rejected, false),
            (401, FailureClass::Rejected, true),
            (404, FailureClass::Rejected, true),
            (422, FailureClass::Rejected, false),
            (429, FailureClass::RateLimited, true),
            (500, FailureClass::ServerError, true),
            (503, FailureClass::ServerError, true),
            (199, FailureClass::UnexpectedStatus, true),
            (999, FailureClass::UnexpectedStatus, true),
        ] {
            let failure = failed(answered(status));
            assert_eq!((failure.class, failure.status), (class, Some(status)));
            assert_eq!(failure.blames_endpoint(), blames_endpoint, "{status}");
        }
    }

    #[test]
    fn what_the_endpoint_asks_for_and_where_it_points_is_noted() {
        let answer = Answer { status: 503, retry_after: Some("7".to_owned()), location: None };
        assert_eq!(failed(Outcome::of(Ok(answer), 1000)).retry_after_at, Some(8000));
        let location = Some(format!("http://10.0.0.1/\n{}?token=7", "x".repeat(500)));
        let failure = failed(Outcome::of(Ok(Answer { status: 302, location, ..Answer::default() }), 0));
        assert!(failure.detail.starts_with("redirects to http://10.0.0.1/xxx"), "{}", failure.detail);
        assert!(failure.detail.len() < 300);
        let location = Some("https://a.example/b?token=7".to_owned());
        let failure = failed(Outcome::of(Ok(Answer { status: 302, location, ..Answer::default() }), 0));
        assert_eq!(failure.detail, "redirects to https://a.example/b; webhooks are not redirected");
    }

    #[test]
    fn without_an_answer_the_class_is_that_of_the_error() {
        for class in FailureClass::ALL {
            let failure = failed(Outcome::of(Err(SendError::new(class, "why")), 0));
            assert_eq!((failure.class, failure.status, failure.detail.as_str()), (class, None, "why"));
            assert_eq!(failure.blames_endpoint(), class != FailureClass::Internal);
            let name = serde_json::to_string(&class).unwrap();
            assert_eq!(name, format!("\"{}\"", class.name()));
        }
    }
}
