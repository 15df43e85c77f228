//! Holding the accounts of all stages against the topics: what was written, what was read, and what explains the rest.
//!
//! Nothing here trusts a running process. The accounts come from the changelogs with which they are committed, positions
//! from the consumer groups, and what is on its way is counted on the topics. [`gather`] reads the facts, [`judge`] is pure.

mod facts;
mod intents;
mod read;
mod verdict;

pub use facts::{Facts, InputFacts, LetterFacts, PartitionFacts, Scanned};
pub use intents::IntentFacts;
pub use read::{Depth, gather};
pub use verdict::{Audit, Finding, Flow, PartitionFlow, judge};
