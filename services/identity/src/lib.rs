//! Who is who: identifier owners, claims and the merge sequencer.
//!
//! **In**: touchpoints, keyed by their first identifier. **Out**: the same touchpoints with their person
//! (`tributary.resolved`), the alias table, commands to persons, and the public log of changes. **State**: of each
//! identifier its person and partners (owners, by identifier); of all persons who was merged into whom, and what the
//! rules go by (sequencer, one partition). **Promise**: no touchpoint waits for anything; every person id ever issued
//! resolves through the alias table; the same evidence gives the same persons, whatever the order and the number of
//! partitions as long as no rule refuses a link, and in the order of the sequencer's input where one does.
//!
//! The protocol stands in `docs/identity.md`.

mod aliases;
mod config;
mod error;
mod evidence;
mod metrics;
mod names;
mod output;
mod owner;
mod processor;
mod rules;
mod sequencer;
#[cfg(test)]
mod testing;

pub use aliases::AliasTable;
pub use config::Config;
pub use error::IdentityError;
pub use evidence::{Evidence, Link};
pub use metrics::METRICS;
pub use names::Names;
pub use output::Output;
pub use owner::{Owner, Owners, Seldom};
pub use processor::{owners_stage, sequencer_stage};
pub use rules::{BUILT_IN_YAML, NamespaceRule, Rules, TOUCHPOINT_NAMESPACE};
pub use sequencer::Sequencer;
