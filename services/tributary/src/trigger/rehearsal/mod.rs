//! A rehearsal: the hub's own stages in memory, fed with the events of a file, and what the triggers made of each.
//!
//! In: trigger definitions and events. Out: for each person, in order of time, what every trigger made of every event, and
//! each decision with its payload. Nothing of it is written anywhere, and no broker is asked.

mod bench;
mod cast;
mod events;
mod expect;
mod report;
mod stage;
mod watched;

pub use cast::Cast;
pub use events::{Event, EventsError, read_events};
pub use expect::{Expectation, ExpectationsError, differences, read_expectations};
pub use report::{Scene, decision_line, fate, lines, render};
pub use stage::{Play, Rehearsal, RehearsalError};
