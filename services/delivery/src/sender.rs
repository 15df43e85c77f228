//! Sending one webhook: the request, and whoever sends it.

mod connect;
mod http;
mod resolve;
mod tls;

use std::future::Future;
use std::sync::Arc;

pub use http::HttpSender;
pub use resolve::{Resolve, Resolving, SystemResolver};

use crate::destination::Destination;
use crate::outcome::{Answer, SendError};
use crate::queue::Lease;
use crate::signature::signature;

/// One signed request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it goes.
    pub destination: Arc<Destination>,
    /// The `webhook-id`, the same for every attempt.
    pub message_id: Arc<str>,
    /// The `webhook-timestamp` of this attempt, in seconds since 1970.
    pub timestamp_s: i64,
    /// The `webhook-signature` of this attempt.
    pub signature: String,
    /// What is posted.
    pub body: Arc<str>,
}

impl Request {
    /// The request of an attempt that begins at `now_at`.
    #[must_use]
    pub fn of(lease: &Lease, now_at: i64) -> Self {
        let timestamp_s = now_at.div_euclid(tributary_model::time::SECOND_MS);
        let message_id = &lease.key.message_id;
        Self {
            signature: signature(&lease.destination.keys, message_id, timestamp_s, lease.body.as_bytes()),
            destination: Arc::clone(&lease.destination),
            message_id: Arc::clone(message_id),
            timestamp_s,
            body: Arc::clone(&lease.body),
        }
    }
}

/// Whoever sends webhooks.
pub trait Sender: Send + Sync + 'static {
    /// Sends one and gives the answer, within the time that the destination allows.
    fn send(&self, request: Request) -> impl Future<Output = Result<Answer, SendError>> + Send;
}
