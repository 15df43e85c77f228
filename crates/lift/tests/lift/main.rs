//! What the lift promises: the numbers of a published experiment, exactness of its sums, and in simulations the error
//! rates that it claims, with looks after every few persons.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod cuped;
mod hillstrom;
mod peeking;
mod pooling;
mod properties;
mod ratio;
mod refused;
mod support;
mod trial;
