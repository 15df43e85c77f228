//! The lift without the noise that the time before the experiment explains.

use crate::centred::Centred;
use crate::contrast::Contrast;
use crate::{Comparison, Design, Moments};

/// Below this part of the variance there is only rounding.
const ROUNDING: f64 = 1e-12;

/// The comparison adjusted for the covariate: CUPED, by Deng, Xu, Kohavi and Walker, "Improving the sensitivity of
/// online controlled experiments by utilizing pre-experiment data" (WSDM 2013).
///
/// Each outcome is taken less theta times what the covariate is above its mean over all persons. The covariate has to
/// come from before the treatment. Theta is estimated from the same persons, which costs nothing in the limit of many:
/// its error meets the difference of two covariate means, and their product vanishes faster than the limits narrow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// Outcome per unit of the covariate: the covariance of the two over the variance of the covariate, both about the
    /// arms' own means and pooled over both arms, so that the effect itself has no part in it.
    pub theta: f64,
    /// What part of the effect's variance is gone: 0.3 has the worth of 43 % more persons. It may be below zero where
    /// the arms differ both in size and in how the covariate tells on the outcome.
    pub variance_reduction: f64,
    /// The comparison of adjusted outcomes.
    pub comparison: Comparison,
}

impl Adjusted {
    /// `None` where the covariate is the same for all persons of each arm, or leaves nothing of the outcomes to chance.
    pub(crate) fn of(arms: [&Centred; 2], plain: &Contrast, moments: [&Moments; 2], design: &Design) -> Option<Self> {
        let [treated, held_out] = arms;
        let spread = treated.covariate_squares + held_out.covariate_squares;
        if spread <= 0.0 {
            return None;
        }
        let theta = (treated.products + held_out.products) / spread;
        let contrast = contrast(treated, held_out, theta, plain);
        let left = contrast.variance() / plain.variance();
        (left > ROUNDING).then(|| Self {
            theta,
            variance_reduction: 1.0 - left,
            comparison: Comparison::of(&contrast, moments[0], moments[1], design),
        })
    }
}

fn contrast(treated: &Centred, held_out: &Centred, theta: f64, plain: &Contrast) -> Contrast {
    let of_mean = |arm: &Centred, squares: f64| squares / (arm.persons - 1.0) / arm.persons;
    let noise = |arm: &Centred| {
        let squares = arm.outcome_squares - 2.0 * theta * arm.products + theta * theta * arm.covariate_squares;
        (of_mean(arm, squares.max(0.0)), arm.persons - 1.0)
    };
    // The mean over all persons is the treated share of the treated one plus the rest of the held-out one, so that each
    // adjusted mean takes a part of the other arm's covariate in, and the two vary together.
    let share = treated.persons / (treated.persons + held_out.persons);
    let (of_treated, of_held_out) = (theta * (1.0 - share), theta * share);
    let ahead = treated.covariate - held_out.covariate;
    let covariate = of_mean(treated, treated.covariate_squares) + of_mean(held_out, held_out.covariate_squares);
    let (product, other) = (of_mean(treated, treated.products), of_mean(held_out, held_out.products));
    Contrast {
        treated: treated.outcome - of_treated * ahead,
        held_out: held_out.outcome + of_held_out * ahead,
        treated_variance: plain.treated_variance - 2.0 * of_treated * product + of_treated.powi(2) * covariate,
        held_out_variance: plain.held_out_variance - 2.0 * of_held_out * other + of_held_out.powi(2) * covariate,
        covariance: of_held_out * product + of_treated * other - of_treated * of_held_out * covariate,
        noise: [noise(treated), noise(held_out)],
    }
}
