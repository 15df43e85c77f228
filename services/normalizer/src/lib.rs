//! Turns every source's raw events into touchpoints, by mappings that are data.
//!
//! In: `tributary.raw.<domain>`. Out: `tributary.touchpoints`, keyed by the touchpoint's first identifier, and dead
//! letters. State: the ids seen within the deduplication window. Promise: every raw event ends as touchpoints, as a dead
//! letter with a code, or as a drop counted under a named reason; raw identifiers go no further than here.
//!
//! [`stage`] is what a binary runs, [`check`] is what `tributary check` calls, and [`Rulebook::directory`] tells the
//! gateway which sources there are. How a source is written: `docs/adding-a-source.md`.

mod bots;
mod channels;
mod config;
mod contract;
mod dedup;
mod draft;
mod engine;
mod error;
mod identifiers;
pub mod metrics;
mod processor;
mod raw;
mod rulebook;
mod samples;
mod source;
mod yaml;

pub use config::Config;
pub use error::{NormalizerError, Problem};
pub use processor::{STAGE, stage, stage_with};
pub use raw::HEADER_SOURCE;
pub use rulebook::{Rulebook, channel_names, check};
pub use samples::explain;
pub use source::{Auth, SourceInfo};
