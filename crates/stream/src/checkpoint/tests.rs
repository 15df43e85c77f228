#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod damage;
mod directory;
pub(crate) mod memory;
pub(crate) mod passes;
mod trust;
