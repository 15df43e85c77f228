//! What can go wrong while a service is set up.

use std::net::SocketAddr;

/// Errors of starting logs, metrics, signals and listeners.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The log filter is not one.
    #[error("log filter `{filter}`: {detail}; write it like `info,tributary_stream=debug`")]
    LogFilter {
        /// The configured filter.
        filter: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Something set up logs in this process before.
    #[error("logs are already set up in this process: call logging::init once")]
    LogsAlreadySet,
    /// The metrics recorder could not be installed.
    #[error("metrics recorder: {0}")]
    Recorder(String),
    /// A port could not be opened.
    #[error("cannot listen on {address}: {source}; choose another address with `{key}`")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The configuration key it came from.
        key: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A server stopped by itself.
    #[error("{server} stopped: {source}")]
    Serve {
        /// Which server.
        server: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Signals cannot be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] std::io::Error),
}
