//! Limits for a reader who looks once.

use crate::comparison::Limits;
use crate::contrast::Contrast;
use crate::{Alpha, student};

/// Limits that hold at one look whose time was set beforehand.
///
/// Welch's test of two means with unequal variances ("The generalization of Student's problem when several different
/// population variances are involved", Biometrika 1947). Looking again and again, and
/// stopping when the sight is good, finds effects where there are none: for that there is [`crate::Anytime`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FixedHorizon {
    /// How well the standard error is known: degrees of freedom of Student's t, by Welch and Satterthwaite.
    pub degrees_of_freedom: f64,
    /// Where effect, relative lift and total may be.
    pub limits: Limits,
    /// The probability of a difference like this, or larger, to either side, without an effect.
    pub p_value: f64,
}

impl FixedHorizon {
    pub(crate) fn of(contrast: &Contrast, treated: i64, alpha: Alpha) -> Self {
        let degrees_of_freedom = contrast.degrees_of_freedom();
        let critical = student::critical(alpha.get(), degrees_of_freedom);
        Self {
            degrees_of_freedom,
            limits: Limits::of(contrast, critical, treated),
            p_value: student::two_sided(contrast.difference() / contrast.standard_error(), degrees_of_freedom),
        }
    }
}
