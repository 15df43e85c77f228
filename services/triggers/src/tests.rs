//! Tests over more than one module: definitions, reasons, the shipped triggers, and properties.

mod consents;
mod cost;
mod definitions;
mod experiments;
mod harness;
mod merges;
mod outcomes;
mod patterns;
mod payload_schemas;
mod preferences;
mod properties;
mod reasons;
mod rechecks;
mod shipped;
mod shipped_for_teams;
mod waiting;
