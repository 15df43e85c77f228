//! Takes events over HTTP and answers 200 only when the broker has them.
//!
//! In: Segment-compatible calls (`POST /v1/{identify,track,page,screen,group,alias,batch}`) and raw JSON, arrays and NDJSON
//! (`POST /v1/sources/{source}`), plain or gzip. Out: one [`RawEvent`](tributary_model::RawEvent) an event on the raw topic of
//! its source's domain, keyed `<source>:<event id>` so that repetitions of an event meet on one partition. State: none.
//!
//! It promises that
//! - what was answered with 200 is on the broker (`acks=all`); without that answer the sender has to send again, and the
//!   hub drops what it has twice;
//! - a request with an event that breaks a limit publishes nothing and names every such event, field, value, limit and remedy
//!   (with `?partial=true` the good events are published, and the answer says which were not);
//! - it holds no more than [`Config::in_flight`] bytes of requests, and says 503 beyond that.
//!
//! What is *not* here: mapping, deduplication and pseudonyms; the normalizer has them.

mod app;
mod auth;
mod body;
mod config;
mod directory;
mod error;
mod event;
mod handlers;
mod instant;
mod json;
mod limits;
pub mod metrics;
pub mod openapi;
mod publish;
mod raw;
mod refusal;
mod routes;
mod segment;
mod server;

pub use config::{Config, Limits};
pub use directory::{SourceDirectory, SourceEntry};
pub use error::GatewayError;
pub use publish::Publish;
pub use server::{router, serve};
