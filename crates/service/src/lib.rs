//! What every binary needs and no domain knows of: configuration, logs, metrics, health, shutdown, admin HTTP.
//!
//! - [`config`]: one typed struct from file < environment < flags, with all problems reported at once.
//! - [`logging`] and [`metrics`]: `tracing` to standard error, `metrics` to Prometheus.
//! - [`Health`] and [`admin`]: `/livez`, `/readyz`, `/metrics` on a port of their own.
//! - [`ProblemDetails`]: errors over HTTP as RFC 9457 has them.
//! - [`Shutdown`]: one signal for threads and tasks.

pub mod admin;
pub mod config;
mod error;
mod health;
pub mod logging;
pub mod metrics;
mod problem_details;
mod shutdown;

pub use error::ServiceError;
pub use health::{Component, ComponentReport, Health, HealthReport};
pub use problem_details::ProblemDetails;
pub use shutdown::Shutdown;
