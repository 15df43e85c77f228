//! Contenders side by side: the same events, the same work, the same measure, each on a fresh broker.
//!
//! A contender is a process that reads [`INPUT`] and writes [`OUTPUT`]. It is watched from outside: how many records stand on
//! its output when, and how much CPU it has used by then. What it wrote is read back and held against what has to be
//! there before its figures count.

mod check;
mod contender;
mod copy;
mod enrichment;
mod events;
mod peers;
mod race;
mod usage;

pub use check::{Fault, check};
pub use contender::{Contender, Work};
pub use copy::copy;
pub use enrichment::enrich;
pub use events::{Event, Events, Expected};
pub use peers::{Peer, peers};
pub use race::{Race, Run, directory};
pub use usage::Usage;

/// Where the events are.
pub const INPUT: &str = "bench.events";
/// Where contenders write.
pub const OUTPUT: &str = "bench.enriched";
/// Partitions of both.
pub const PARTITIONS: u32 = 4;
