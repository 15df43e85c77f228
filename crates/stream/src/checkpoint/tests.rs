#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod damage;
mod directory;
mod memory;
mod passes;
mod trust;
