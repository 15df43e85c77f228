//! Which channels are credited for conversions, by the usual models, from counted paths.
//!
//! In come [`Paths`]: for each distinct sequence of channels how often it ended in a conversion, what that was worth,
//! and how often it ended without. Out comes an [`Attribution`]: conversions and value for each channel, which add up
//! to the totals of the paths whatever the [`Model`]. Nothing else is kept, and the same paths give the same credits,
//! in whatever order they were added.
//!
//! There is no model with time decay: it weighs a touch by its age at the conversion, and counted paths know the order
//! of the touches but not their times.

mod attribution;
mod census;
mod chain;
mod error;
mod markov;
mod model;
mod paths;
mod rate_game;
mod split;

pub use attribution::{Attribution, Credit, StandardError, attribute};
pub use census::MAX_CHANNELS;
pub use error::AttributionError;
pub use model::Model;
pub use paths::{Counts, Paths};
pub use rate_game::EXACT_CHANNELS;
pub use split::DIRECT;
