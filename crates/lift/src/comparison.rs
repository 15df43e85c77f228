//! Two arms held against each other.

use crate::contrast::Contrast;
use crate::relative;
use crate::{Anytime, Design, Estimate, FixedHorizon, Interval, Moments};

/// What the treatment did. Means and effect are in the outcome's unit for each person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How many persons were treated.
    pub treated: i64,
    /// How many were held out.
    pub held_out: i64,
    /// Mean outcome of the treated.
    pub treated_mean: f64,
    /// Mean outcome of the held-out.
    pub held_out_mean: f64,
    /// The average treatment effect: treated mean less held-out mean.
    pub effect: f64,
    /// Standard error of the effect: square root of the sum, over the arms, of sample variance (with n − 1) over n.
    pub standard_error: f64,
    /// The effect over the held-out mean; `None` unless that is positive.
    pub relative: Option<f64>,
    /// What all treated persons together brought that they would not have: effect times treated persons.
    pub incremental: f64,
    /// For a reader who looks once.
    pub fixed: FixedHorizon,
    /// For one who looks at any time; `None` while it is too early to say.
    pub anytime: Option<Anytime>,
}

/// Where the results may be instead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Of the effect.
    pub effect: Interval,
    /// Of the relative lift; `None` where the held-out mean is not clear of zero.
    pub relative: Option<Interval>,
    /// Of the total.
    pub incremental: Interval,
}

impl Limits {
    /// So many standard errors to each side.
    pub(crate) fn of(contrast: &Contrast, standard_errors: f64, treated: i64) -> Self {
        let effect = Interval::around(contrast.difference(), standard_errors * contrast.standard_error());
        Self {
            effect,
            relative: relative::interval(contrast, standard_errors),
            incremental: effect.scaled(treated as f64),
        }
    }
}

impl Comparison {
    pub(crate) fn of(contrast: &Contrast, treated: &Moments, held_out: &Moments, design: &Design) -> Self {
        let effect = contrast.difference();
        Self {
            treated: treated.persons,
            held_out: held_out.persons,
            treated_mean: contrast.treated,
            held_out_mean: contrast.held_out,
            effect,
            standard_error: contrast.standard_error(),
            relative: relative::relative(contrast),
            incremental: effect * treated.persons as f64,
            fixed: FixedHorizon::of(contrast, treated.persons, design.alpha()),
            anytime: Anytime::of(contrast, treated, held_out, design),
        }
    }

    /// The total with the limits for a reader who looks once.
    #[must_use]
    pub fn incremental_fixed(&self) -> Estimate {
        Estimate { value: self.incremental, interval: self.fixed.limits.incremental }
    }

    /// The total with the limits for a reader who looks at any time; `None` while it is too early to say.
    #[must_use]
    pub fn incremental_anytime(&self) -> Option<Estimate> {
        let anytime = self.anytime?;
        Some(Estimate { value: self.incremental, interval: anytime.limits.incremental })
    }
}
