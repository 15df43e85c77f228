//! Why a request is refused, and what its sender is told.

use axum::http::StatusCode;
use serde::Serialize;
use tributary_service::ProblemDetails;
use tributary_service::config::{ByteSize, Duration};

/// How many faults an answer lists; it always counts all.
pub(crate) const MAX_LISTED: usize = 100;

/// The longest piece of a value that is sent back, in characters.
const MAX_VALUE_CHARS: usize = 64;

/// Seconds after which a sender may try again when the gateway is full, and when the broker is away.
const RETRY_BUSY_S: u32 = 1;
const RETRY_BROKER_S: u32 = 5;

/// What can be wrong with one event; the snake-case name is the code in answers and the label in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultCode {
    MalformedJson,
    NotAnObject,
    EventTooLarge,
    TooManyProperties,
    IdTooLong,
    MissingField,
    InvalidField,
    InvalidTime,
    TooFarAhead,
    TooOld,
}

impl FaultCode {
    pub(crate) const ALL: [Self; 10] = [
        Self::MalformedJson,
        Self::NotAnObject,
        Self::EventTooLarge,
        Self::TooManyProperties,
        Self::IdTooLong,
        Self::MissingField,
        Self::InvalidField,
        Self::InvalidTime,
        Self::TooFarAhead,
        Self::TooOld,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::NotAnObject => "not_an_object",
            Self::EventTooLarge => "event_too_large",
            Self::TooManyProperties => "too_many_properties",
            Self::IdTooLong => "id_too_long",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
            Self::InvalidTime => "invalid_time",
            Self::TooFarAhead => "too_far_ahead",
            Self::TooOld => "too_old",
        }
    }
}

/// One thing that is wrong with one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// Which event of the batch, from 0.
    pub(crate) index: usize,
    pub(crate) code: FaultCode,
    /// The member it is about, or empty for the whole event.
    pub(crate) field: String,
    /// What stands there, shortened.
    pub(crate) value: String,
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<String>,
    pub(crate) remedy: String,
}

impl Fault {
    pub(crate) fn new(code: FaultCode, field: &str, value: &str, detail: impl Into<String>, remedy: &str) -> Self {
        Self {
            index: 0,
            code,
            field: field.to_owned(),
            value: shorten(value),
            detail: detail.into(),
            limit: None,
            remedy: remedy.to_owned(),
        }
    }

    pub(crate) fn limit(mut self, limit: impl ToString) -> Self {
        self.limit = Some(limit.to_string());
        self
    }
}

fn shorten(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// Why a request as a whole is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unauthorized {
        detail: String,
    },
    UnknownSource {
        name: String,
    },
    NoSuchPath {
        path: String,
    },
    WrongMethod,
    UnsupportedType {
        found: String,
    },
    UnsupportedEncoding {
        found: String,
    },
    InvalidQuery {
        detail: String,
    },
    BodyTimeout {
        limit: Duration,
    },
    BodyBroken {
        detail: String,
    },
    BodyTooLarge {
        limit: usize,
    },
    BatchTooLarge {
        bytes: usize,
        limit: ByteSize,
    },
    TooManyEvents {
        count: usize,
        limit: usize,
    },
    Malformed {
        line: usize,
        column: usize,
        detail: String,
    },
    /// `faults` are the first of all that `refused` of `total` events have.
    Events {
        faults: Vec<Fault>,
        refused: usize,
        total: usize,
    },
    Busy {
        limit: ByteSize,
    },
    NotAcknowledged,
    PublishTimeout {
        limit: Duration,
    },
    Internal,
}

impl Refusal {
    pub(crate) fn malformed(error: &serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column(), detail: without_place(error) }
    }

    /// The label in metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::UnknownSource { .. } => "unknown_source",
            Self::NoSuchPath { .. } => "no_such_path",
            Self::WrongMethod => "wrong_method",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::UnsupportedEncoding { .. } => "unsupported_encoding",
            Self::InvalidQuery { .. } => "invalid_query",
            Self::BodyTimeout { .. } => "body_timeout",
            Self::BodyBroken { .. } => "body_broken",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BatchTooLarge { .. } => "batch_too_large",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::Malformed { .. } => "malformed_json",
            Self::Events { .. } => "invalid_events",
            Self::Busy { .. } => "busy",
            Self::NotAcknowledged => "not_acknowledged",
            Self::PublishTimeout { .. } => "publish_timeout",
            Self::Internal => "internal",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::UnknownSource { .. } | Self::NoSuchPath { .. } => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedType { .. } | Self::UnsupportedEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } | Self::BatchTooLarge { .. } | Self::TooManyEvents { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Events { faults, .. } if faults.iter().all(|fault| fault.code == FaultCode::EventTooLarge) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::InvalidQuery { .. } | Self::BodyBroken { .. } | Self::Malformed { .. } | Self::Events { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Busy { .. } | Self::NotAcknowledged | Self::PublishTimeout { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "The write key is missing or wrong",
            Self::UnknownSource { .. } => "No such source",
            Self::NoSuchPath { .. } => "No such path",
            Self::WrongMethod => "Wrong method",
            Self::UnsupportedType { .. } => "Unsupported content type",
            Self::UnsupportedEncoding { .. } => "Unsupported content encoding",
            Self::InvalidQuery { .. } => "Invalid query",
            Self::BodyTimeout { .. } => "The body came too slowly",
            Self::BodyBroken { .. } => "The body cannot be read",
            Self::BodyTooLarge { .. } | Self::BatchTooLarge { .. } => "The request is too large",
            Self::TooManyEvents { .. } => "Too many events in one request",
            Self::Malformed { .. } => "Malformed JSON",
            Self::Events { .. } => "Events were refused",
            Self::Busy { .. } => "Too much at once",
            Self::NotAcknowledged | Self::PublishTimeout { .. } => "The event log did not acknowledge",
            Self::Internal => "Internal error",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Unauthorized { detail } | Self::InvalidQuery { detail } => detail.clone(),
            Self::UnknownSource { name } => format!(
                "no source is named `{}`: check the name in the path, or add a folder of that name with a source.yaml to the sources of the hub",
                shorten(name)
            ),
            Self::NoSuchPath { path } => {
                format!("nothing answers at `{}`: GET /openapi.json lists all paths", shorten(path))
            }
            Self::WrongMethod => "this path does not take this method: GET /openapi.json lists all paths".to_owned(),
            Self::UnsupportedType { found } => format!(
                "the content type `{}` is not taken: send content-type: application/json, or application/x-ndjson for one event a line",
                shorten(found)
            ),
            Self::UnsupportedEncoding { found } => {
                format!("the content encoding `{}` is not taken: send gzip, or none", shorten(found))
            }
            Self::BodyTimeout { limit } => format!("the body was not complete after {limit}: send it again"),
            Self::BodyBroken { detail } => format!("{detail}: send it again"),
            Self::BodyTooLarge { limit } => {
                format!("the body has more than {limit} bytes uncompressed: send smaller batches")
            }
            Self::BatchTooLarge { bytes, limit } => {
                format!("the events have {bytes} bytes together and may have {limit}: send smaller batches")
            }
            Self::TooManyEvents { count, limit } => {
                format!("the request has {count} events and may have {limit}: send smaller batches")
            }
            Self::Malformed { line, column, detail } => {
                format!("line {line}, column {column}: {detail}; nothing was accepted")
            }
            Self::Events { faults, refused, total } => {
                let first = faults.first().map(|fault| {
                    let field = if fault.field.is_empty() { "" } else { " at " };
                    format!(
                        "; the first: event {}{field}{}, {}; {}",
                        fault.index, fault.field, fault.detail, fault.remedy
                    )
                });
                format!(
                    "{refused} of {total} events were refused and nothing was accepted{}; ?partial=true accepts the others",
                    first.unwrap_or_default()
                )
            }
            Self::Busy { limit } => {
                format!("requests of {limit} are being handled, which is all that may be: try again a little later")
            }
            Self::NotAcknowledged => {
                "the event log did not take all events: send the request again, repetitions are recognised".to_owned()
            }
            Self::PublishTimeout { limit } => format!(
                "the event log did not acknowledge within {limit}: send the request again, repetitions are recognised"
            ),
            Self::Internal => "a defect of the gateway, which is in its log: send the request again".to_owned(),
        }
    }

    pub(crate) fn into_problem(self) -> ProblemDetails {
        let code = self.reason().replace('_', "-");
        // Segment's SDKs show `code` and `message` of an error.
        let problem = ProblemDetails::new(self.status(), &code, self.title(), self.detail())
            .with("code", self.reason())
            .with("message", self.detail());
        match self {
            Self::Malformed { line, column, .. } => problem.with("line", line).with("column", column),
            Self::Events { faults, refused, total } => {
                problem.with("total", total).with("refused", refused).with("errors", faults_json(&faults))
            }
            Self::BodyTooLarge { limit } | Self::TooManyEvents { limit, .. } => problem.with("limit", limit),
            Self::BatchTooLarge { limit, .. } => problem.with("limit", limit.bytes()),
            Self::Busy { .. } => problem.retry_after(RETRY_BUSY_S),
            Self::NotAcknowledged | Self::PublishTimeout { .. } => problem.retry_after(RETRY_BROKER_S),
            _ => problem,
        }
    }
}

/// The faults as the `errors` member of an answer.
pub(crate) fn faults_json(faults: &[Fault]) -> serde_json::Value {
    // Structs of strings and numbers always serialise.
    serde_json::to_value(faults).unwrap_or_default()
}

/// A parser's message without the place, which has members of its own.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}
