//! From request to answer.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, now_ms};
use crate::auth;
use crate::body::{self, Payload};
use crate::directory::Source;
use crate::event::Sorted;
use crate::publish::Publish;
use crate::raw::{self, Form};
use crate::refusal::{Fault, Refusal, faults_json};
use crate::routes::Endpoint;
use crate::segment;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A trace context (W3C, version 00) has this length; longer ones are not passed on.
const TRACEPARENT_LEN: usize = 55;

#[derive(Debug, Default, Deserialize)]
struct Options {
    /// Accept the good events of a request that has others too.
    #[serde(default)]
    partial: bool,
}

/// What was done with a request.
#[derive(Debug)]
struct Answer {
    accepted: usize,
    refused: usize,
    faults: Vec<Fault>,
    partial: bool,
}

/// Takes events at one of the Segment paths or of a source.
pub(crate) async fn ingest<P: Publish>(
    State(app): State<Arc<App<P>>>,
    endpoint: Endpoint,
    source: Option<Path<String>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = take(&app, endpoint, source.as_deref().map(String::as_str), &parts.uri, &parts.headers, body).await;
    app.show_in_flight();
    match outcome {
        Ok(answer) => {
            app.metrics.request(endpoint.name(), if answer.refused > 0 { "partial" } else { "accepted" });
            answer.into_response()
        }
        Err(refusal) => {
            app.metrics.request(endpoint.name(), refusal.reason());
            refuse(refusal)
        }
    }
}

/// The answer to a refused request.
pub(crate) fn refuse(refusal: Refusal) -> Response {
    let challenge = matches!(refusal, Refusal::Unauthorized { .. });
    let mut response = refusal.into_problem().into_response();
    if challenge {
        let basic = HeaderValue::from_static("Basic realm=\"tributary\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    response
}

async fn take<P: Publish>(
    app: &App<P>,
    endpoint: Endpoint,
    source_name: Option<&str>,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Refusal> {
    let Query(options) = Query::<Options>::try_from_uri(uri).map_err(|_| Refusal::InvalidQuery {
        detail: "the query cannot be read: partial is true or false".to_owned(),
    })?;
    let key = auth::presented_key(headers)?;
    let known = match (source_name, &key) {
        (Some(name), _) => Some(auth::named_source(&app.sources, name, key.as_deref())?),
        (None, Some(key)) => Some(auth::segment_source(&app.sources, Some(key))?),
        // The key is in the body, or nowhere.
        (None, None) => None,
    };
    let form = form(headers)?;
    let payload = body::read(headers, body, &app.budget, &app.config).await?;
    app.show_in_flight();
    let received_at = now_ms();
    let source = match known {
        Some(source) => source,
        None => {
            let key = segment::write_key(payload.text()?)?;
            auth::segment_source(&app.sources, key.as_deref())?
        }
    };
    let sorted = read_events(app, endpoint, form, &source, &payload, received_at)?;
    let share = payload.into_share();
    app.metrics.refused(&sorted.reasons);
    let sorted = match options.partial {
        true if sorted.accepted.is_empty() && sorted.refused > 0 => return Err(sorted.into_refusal()),
        true => sorted,
        false => sorted.all_or_nothing()?,
    };
    let traceparent =
        headers.get(TRACEPARENT).map(HeaderValue::as_bytes).filter(|bytes| bytes.len() == TRACEPARENT_LEN);
    let accepted = app.publish(sorted.accepted, &source, received_at, traceparent).await?;
    drop(share);
    Ok(Answer { accepted, refused: sorted.refused, faults: sorted.faults, partial: options.partial })
}

fn read_events<P: Publish>(
    app: &App<P>,
    endpoint: Endpoint,
    form: Form,
    source: &Source,
    payload: &Payload,
    received_at: i64,
) -> Result<Sorted, Refusal> {
    let text = payload.text()?;
    let rules = app.rules(source, received_at);
    let new_id = || Uuid::new_v4().to_string();
    match endpoint {
        Endpoint::Call(call) => segment::single(call, text, rules, &new_id),
        Endpoint::Batch => segment::batch(text, rules, &new_id),
        Endpoint::Source => raw::events(text, form, source, rules),
        Endpoint::Health | Endpoint::OpenApi => Ok(Sorted::default()),
    }
}

/// What the content type says the body is. `text/plain` is how SDKs in browsers avoid a preflight request.
fn form(headers: &HeaderMap) -> Result<Form, Refusal> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Form::Json) };
    let text = value.to_str().unwrap_or("?");
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "text/json" | "text/plain" | "" => Ok(Form::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Ok(Form::Lines)
        }
        other if other.starts_with("application/") && other.ends_with("+json") => Ok(Form::Json),
        _ => Err(Refusal::UnsupportedType { found: text.to_owned() }),
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = if self.refused > 0 { StatusCode::MULTI_STATUS } else { StatusCode::OK };
        let mut body = json!({ "success": self.refused == 0 });
        if self.partial {
            body["accepted"] = self.accepted.into();
            body["refused"] = self.refused.into();
            body["errors"] = faults_json(&self.faults);
        }
        (status, Json(body)).into_response()
    }
}

pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(crate) async fn openapi() -> Json<Value> {
    Json(crate::openapi::document())
}

pub(crate) async fn no_such_path(uri: Uri) -> Response {
    refuse(Refusal::NoSuchPath { path: uri.path().to_owned() })
}

pub(crate) async fn wrong_method() -> Response {
    refuse(Refusal::WrongMethod)
}
