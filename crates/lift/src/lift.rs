//! All that can be said of an experiment as it stands.

use crate::centred::Centred;
use crate::contrast::Contrast;
use crate::ratio::{RatioCheck, RatioVerdict, check_ratio};
use crate::{Adjusted, Arm, Comparison, Design, LiftError, Moments};

/// The state of an experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// False when the arms' sizes are out of what chance allows: whatever else is said here is then not to be trusted.
    pub is_trusted: bool,
    /// The check of the arms' sizes.
    pub ratio: RatioCheck,
    /// The comparison as it is; `None` before each arm has two persons and some outcome differs.
    pub plain: Option<Comparison>,
    /// The comparison adjusted for the covariate; `None` where there is no plain one, where the covariate does not
    /// vary, or where it leaves nothing to chance.
    pub adjusted: Option<Adjusted>,
}

/// Compares the arms. Each person counts in the arm she was put in, whether or not the treatment reached her.
///
/// # Errors
/// [`LiftError::ImpossibleSums`] while more was taken back from an arm than was added.
pub fn lift(treated: &Moments, held_out: &Moments, design: &Design) -> Result<Lift, LiftError> {
    let arms = (Centred::of(treated, Arm::Treated)?, Centred::of(held_out, Arm::HeldOut)?);
    let ratio = check_ratio(treated.persons, held_out.persons, design);
    let mut lift = Lift { is_trusted: ratio.verdict != RatioVerdict::Mismatch, ratio, plain: None, adjusted: None };
    if let (Some(one), Some(other)) = arms
        && let Some(contrast) = Contrast::plain(&one, &other)
    {
        lift.plain = Some(Comparison::of(&contrast, treated, held_out, design));
        lift.adjusted = Adjusted::of([&one, &other], &contrast, [treated, held_out], design);
    }
    Ok(lift)
}
