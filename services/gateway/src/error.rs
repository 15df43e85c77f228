//! What stops the gateway.

use tributary_schema::SchemaError;

/// Why the gateway could not start or go on. What is wrong with a request goes to its sender instead.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The contract of raw events cannot be used.
    #[error("raw events cannot be written: {0}")]
    Contract(#[from] SchemaError),
    /// The listener failed.
    #[error("the gateway's listener failed: {0}")]
    Serve(#[source] std::io::Error),
    /// Requests were still running when the time to drain was over.
    #[error(
        "requests were still running {drain} after the signal to stop: their senders got no answer and will send again; raise gateway.drain_timeout"
    )]
    DrainTimeout {
        /// The time there was.
        drain: tributary_service::config::Duration,
    },
    /// A task of the gateway ended by a defect.
    #[error("a task of the gateway ended by a defect: {0}")]
    Task(#[from] tokio::task::JoinError),
}
