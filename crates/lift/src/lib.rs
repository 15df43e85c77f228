//! What marketing caused: the lift of treated persons over held-out ones, and how far it is from chance.
//!
//! In come the [`Moments`] of two arms, which are integer sums over persons: what was added can be taken back without a
//! trace, in any order. With them comes the [`Design`]: which share was to be treated and how many persons were
//! planned. Out comes a [`Lift`] with the difference of means as it stands, for a reader who looks once
//! ([`FixedHorizon`]) and for one who looks at any time ([`Anytime`]), both also with the noise removed that the time
//! before explains ([`Adjusted`]). A [`RatioCheck`] says whether the arms have the sizes that chance allows; where they
//! do not, the lift is not to be trusted, and says so. [`pool`] adds experiments up, [`returns`] and [`wasted_spend`]
//! hold them against their cost.
//!
//! Nothing is remembered from look to look: the same sums give the same answer. Outcomes are integers, so that money
//! comes in minor units and a conversion is 1; all results are in the unit of the outcome.

mod adjusted;
mod anytime;
mod centred;
mod comparison;
mod contrast;
mod design;
mod error;
mod estimate;
mod fixed;
mod lift;
mod moments;
mod pool;
mod ratio;
mod relative;
mod returns;
mod student;

pub use adjusted::Adjusted;
pub use anytime::{Anytime, MIN_PERSONS, MIN_RARER};
pub use comparison::{Comparison, Limits};
pub use design::{Alpha, Design};
pub use error::{Arm, LiftError};
pub use estimate::{Estimate, Interval};
pub use fixed::FixedHorizon;
pub use lift::{Lift, lift};
pub use moments::{MAX_VALUE, Moments, Person};
pub use pool::{CommonEffect, Part, Pooled, pool};
pub use ratio::{RatioCheck, RatioVerdict, check_ratio};
pub use returns::{Returns, WastedSpend, returns, wasted_spend};
