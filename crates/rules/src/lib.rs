//! Vector Remap Language for mappings, stages and triggers: programs that are data, compiled once and run per event.
//!
//! A [`Program`] makes a value out of a value, a [`Condition`] answers yes or no. Neither can reach out (no network,
//! environment, files or log) or give another answer tomorrow (no clock, no randomness): such functions are refused
//! when the program is compiled. What runs is bounded by [`STEP_BUDGET`].

mod condition;
mod diagnostics;
mod error;
mod functions;
mod program;
mod shape;
#[cfg(test)]
mod tests;
mod value;

pub use condition::Condition;
pub use error::RuleError;
pub use program::{Program, STEP_BUDGET};
pub use shape::Shape;
pub use value::{KeyString, ObjectMap, Value, instant, instant_ms, json_fault, parse_json, to_json};
