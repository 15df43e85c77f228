//! Tests over more than one module: definitions, reasons, the shipped triggers, and properties.

mod consents;
mod cost;
mod definitions;
mod harness;
mod merges;
mod patterns;
mod properties;
mod reasons;
mod rechecks;
mod shipped;
