//! The one binary: run one service, run all in one process, demo, check, topics, load, journey, account,
//! scorecard, dlq, reconcile.
//!
//! Only this crate knows all services. It makes their stages ([`compose`]), runs them on threads ([`hub`]), and shows what
//! the topics say ([`commands`], [`demo`]). [`simulate`] makes a retailer whose truth is known; [`load`] reads files.

pub mod accounting;
pub mod canvas;
pub mod cli;
pub mod commands;
pub mod compose;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod dlq;
pub mod error;
pub mod exit;
pub mod gateway;
pub mod hub;
pub mod keys;
pub mod load;
pub mod metrics;
pub mod output;
pub mod pace;
pub mod reads;
pub mod reconcile;
pub mod server;
pub mod simulate;
pub mod timeline;
pub mod topics;
pub mod trigger;
pub mod watch;
