//! What the models promise: by hand on small paths, by property on generated ones, against slow computations that share
//! no code with them, and against what another implementation made of a published data set.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod chain_walk;
mod heuristics;
mod markov;
mod published;
mod shapley;
mod statistics;
mod support;
