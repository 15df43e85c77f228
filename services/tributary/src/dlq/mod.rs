//! Dead letters: reading them, choosing among them, correcting them, and writing them back exactly once.
//!
//! A letter's **place** is its partition and offset on the dead-letter topic; it never changes. Which letters were replayed
//! stands on a topic of its own, written in the transactions that write the events back.

pub mod args;
mod correction;
mod filter;
mod ledger;
mod letter;
mod remedy;
mod replay;
mod summary;

pub use correction::Correction;
pub use filter::{Filter, parse_instant};
pub use ledger::Ledger;
pub use letter::{Letter, Place, read_letters};
pub use remedy::remedy;
pub use replay::{Replayed, Skipped, replay};
pub use summary::{Group, summarise};
