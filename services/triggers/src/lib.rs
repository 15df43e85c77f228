//! Triggers: rules that teams own, decided on the journey of one person, or on the record of one account.
//!
//! In: every change of the journey, and timers that were asked for, through [`tributary_model::step::PersonStep`];
//! the journey task calls [`TriggerEngine`] in the same transaction that writes the journey. Every change of an account,
//! through [`tributary_model::step::AccountStep`]: the accounts' task calls [`AccountTriggers`].
//!
//! Out: for every eligible trigger one [`Decision`](tributary_model::Decision), sent or withheld with its reason, and
//! for those sent an intent for the team; for every experiment that a person begins to take part in an
//! [`Enrolment`](tributary_model::Enrolment). State, by person: [`TriggerState`], which holds what has fired, what was
//! sent, arms, suppressions, consents, and what is waited for; by account: [`AccountTriggerState`].
//!
//! Promise: one decision for each trigger and re-entry key, whatever the order of arrival, replays and merges; no cap
//! exceeded by what is sent from here; held-out persons run through every check before they are held out; the same
//! input gives the same output.

mod account;
mod applied;
mod arbitrate;
pub mod arms;
pub mod caps;
mod checks;
pub mod condition;
pub mod config;
pub mod consent;
pub mod contact;
mod context;
pub mod definition;
mod engine;
mod enrolled;
mod error;
pub mod experiment;
mod fields;
pub mod filter;
pub mod finding;
mod index;
mod ledger;
mod load;
pub mod metrics;
mod misspelt;
mod needs;
pub mod outcome;
pub mod pattern;
pub mod payload;
mod payload_schema;
mod place;
pub mod preference;
mod pressure;
mod problem;
pub mod quiet;
mod recheck;
pub mod reentry;
mod search;
pub mod send_time;
pub mod span;
pub mod state;
pub mod suppression;
#[cfg(test)]
mod tests;
mod viewed;
pub mod zone;

pub use account::{AccountTrigger, AccountTriggerState, AccountTriggers};
pub use applied::{InForce, LiveDefinitions, Origin};
pub use config::TriggersConfig;
pub use definition::Definition;
pub use engine::TriggerEngine;
pub use engine::explain::Taken;
pub use enrolled::{Enrolled, FirstExposure};
pub use error::TriggersError;
pub use ledger::decision_id;
pub use load::{Definitions, Summary, check};
pub use place::Place;
pub use problem::Problem;
pub use state::TriggerState;
