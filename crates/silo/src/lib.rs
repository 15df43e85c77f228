//! How far apart the silos are, computed from what the hub's topics say.
//!
//! In come the records of `tributary.journeys`, `tributary.decisions` and `tributary.outcomes`, one after the other,
//! and the tombstones of those who were erased ([`SiloFold`]). Out comes a [`SiloReport`]: the match rate between
//! every pair of domains, the latency of hand-overs, identity coverage, consistency, suppression leakage and loop
//! time, a grade per dimension with its evidence, and what to repair first; as data, as Markdown ([`markdown()`]) and
//! as a page of HTML with pictures ([`html()`]).
//!
//! It keeps for each person its distinct facts, each with how often, and for each decision what it came to; it
//! promises that the report is that of the statements that stand, in whatever order they and their corrections came,
//! and that it holds numbers of persons and never a person. No I/O, no clock.

mod delays;
mod escape;
mod fact;
mod fold;
pub mod grade;
mod grading;
mod html;
mod journeys;
mod ledger;
mod loops;
mod markdown;
mod names;
mod persons;
mod pictures;
mod repair;
pub mod report;
mod share;
mod tables;
mod tally;
mod words;

pub use delays::{Quantiles, RELATIVE_ERROR};
pub use fact::LATE_AFTER_MS;
pub use fold::SiloFold;
pub use html::html;
pub use markdown::markdown;
pub use report::SiloReport;
pub use share::Share;
