//! Webhooks over HTTP/1.1: a pool of connections for each destination, limits of time and size, no redirects followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Response, Uri};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use super::connect::Connector;
use super::resolve::Resolve;
use super::{Request, Sender, tls};
use crate::config::Config;
use crate::destination::Destination;
use crate::error::DeliveryError;
use crate::outcome::{Answer, FailureClass, SendError};

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const AGENT: &str = concat!("tributary/", env!("CARGO_PKG_VERSION"));
/// A connection that is not used for this long is closed; name and address are looked at again then.
const IDLE: std::time::Duration = std::time::Duration::from_secs(30);

type HttpClient = Client<Connector, Full<Bytes>>;

/// Sends over HTTP. Each destination has connections of its own: none waits for another's.
pub struct HttpSender {
    clients: BTreeMap<Arc<str>, (Uri, HttpClient)>,
    max_answer_bytes: usize,
}

impl std::fmt::Debug for HttpSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSender").field("destinations", &self.clients.keys()).finish_non_exhaustive()
    }
}

impl HttpSender {
    /// A sender to the configured destinations.
    ///
    /// # Errors
    /// [`DeliveryError`] when the configuration is wrong or `ca_file` is of no use.
    pub fn new(config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, DeliveryError> {
        let tls = tls::connector(config.ca_file.as_deref())?;
        let mut clients = BTreeMap::new();
        for destination in config.destinations()?.into_values() {
            let uri = Uri::try_from(destination.url.as_str()).map_err(|error| DeliveryError::Url {
                name: destination.name.to_string(),
                detail: error.to_string(),
            })?;
            let name = Arc::clone(&destination.name);
            let connector = Connector::new(Arc::clone(&destination), Arc::clone(&resolver), tls.clone());
            clients.insert(name, (uri, client(&destination, connector)));
        }
        Ok(Self { clients, max_answer_bytes: config.max_answer.as_usize() })
    }

    async fn exchange(&self, request: &Request) -> Result<Response<Incoming>, SendError> {
        let Some((uri, client)) = self.clients.get(&request.destination.name) else {
            return Err(SendError::new(FailureClass::Internal, "the destination is not configured"));
        };
        let message = message(uri, request)
            .map_err(|error| SendError::new(FailureClass::Internal, format!("the request cannot be made: {error}")))?;
        client.request(message).await.map_err(|error| failure(&error))
    }
}

impl Sender for HttpSender {
    async fn send(&self, request: Request) -> Result<Answer, SendError> {
        let limit = request.destination.timeout;
        let deadline = Instant::now() + limit.into();
        let Ok(response) = timeout_at(deadline, self.exchange(&request)).await else {
            return Err(SendError::new(FailureClass::Timeout, format!("no answer within {limit}")));
        };
        let response = response?;
        let answer = answer(&response);
        // What the receiver says in the body changes nothing. It is read so that the connection can be used again, as
        // far as it is short and comes in time; otherwise the connection is closed.
        timeout_at(deadline, drain(response, self.max_answer_bytes)).await.ok();
        Ok(answer)
    }
}

fn client(destination: &Destination, connector: Connector) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(destination.max_in_flight)
        .build(connector)
}

fn message(uri: &Uri, request: &Request) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    hyper::Request::builder()
        .method(Method::POST)
        .uri(uri.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static(AGENT))
        .header(WEBHOOK_ID, &*request.message_id)
        .header(WEBHOOK_TIMESTAMP, request.timestamp_s)
        .header(WEBHOOK_SIGNATURE, &request.signature)
        .body(Full::new(Bytes::copy_from_slice(request.body.as_bytes())))
}

fn answer(response: &Response<Incoming>) -> Answer {
    let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    Answer {
        status: response.status().as_u16(),
        retry_after: header(RETRY_AFTER).map(str::to_owned),
        location: header(LOCATION).map(str::to_owned),
    }
}

async fn drain(response: Response<Incoming>, max_bytes: usize) {
    let mut body = Limited::new(response.into_body(), max_bytes);
    while let Some(Ok(_)) = body.frame().await {}
}

/// The class of an exchange that brought no answer.
fn failure(error: &ClientError) -> SendError {
    let mut cause = std::error::Error::source(error);
    let mut detail = error.to_string();
    while let Some(inner) = cause {
        if let Some(known) = inner.downcast_ref::<SendError>() {
            return known.clone();
        }
        detail = inner.to_string();
        cause = inner.source();
    }
    SendError::new(FailureClass::Disconnected, detail)
}
