#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bed;
mod damage;
mod model;
mod room;
mod takeovers;
mod trust;
