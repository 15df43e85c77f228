//! The silo report, held against histories made by hand, against a naive count, and against readers of its documents.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod history;
mod journeys;
mod ledger;
mod loaded;
mod oracle;
mod pages;
mod repairs;
