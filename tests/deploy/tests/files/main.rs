//! What is deployed: the chart for several sets of values, and docker-compose.yml. Both are read by the programs that
//! read them in earnest, and what comes out is held against the hub: its sources, its command line and its binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bed;
mod chart;
mod compose;
mod configuration;
mod image;
mod manifests;
mod rules;
mod scaling;
mod selectors;
mod sources;
