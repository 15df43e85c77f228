//! The hub as the engineer on call meets it: dead letters, accounts, and a broker that is slow or gone.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod accounts;
mod attribution;
mod bed;
mod canvas;
mod dashboards;
mod delivery;
mod identity;
mod letters;
mod lift;
mod measures;
mod outage;
mod poison;
mod privacy;
mod silo_report;
mod triggers;
