//! The gateway over HTTP, with a publisher in memory.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod client;
mod limits;
mod openapi;
mod publishing;
mod raw;
mod segment;
mod serving;
