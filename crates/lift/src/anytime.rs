//! Limits for a reader who looks at any time.

use crate::comparison::Limits;
use crate::contrast::Contrast;
use crate::{Design, Moments};

/// The confidence sequence says nothing before each arm has so many persons.
pub const MIN_PERSONS: i64 = 100;

/// The confidence sequence says nothing before each arm has so many persons with the rarer outcome: with any at all
/// where most have none, without where most have the same.
///
/// A sequence that leans on the central limit theorem cannot speak before that does, and where one in fifty buys, it is
/// the buyers who have to be many, not the persons. From here on the simulations in `tests/lift/peeking.rs` keep the
/// level with room to spare, with outcomes as rare and as skewed as those of shops and a held-out arm of a tenth; from
/// 30 on, one of them came close to it.
pub const MIN_RARER: i64 = 50;

/// Limits that hold at all looks together: with a probability of at least 1 − alpha the effect is never outside of
/// them, however often one looks and for whatever reason one stops.
///
/// An asymptotic confidence sequence with the Gaussian mixture boundary of Waudby-Smith, Arbour, Sinha, Kennedy and
/// Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences" (Annals of Statistics, 2024,
/// arXiv:2103.06476), which for means of `t` observations with standard deviation `s` is
///
/// ```text
/// mean ± s √( 2 (t rho² + 1) / (t² rho²) × ln( √(t rho² + 1) / alpha ) )
/// ```
///
/// in the two-sample form, which is the influence-function form: the difference of the arms' means is, but for a
/// remainder that vanishes faster than the boundary, the mean over all `t` persons of
/// `A (Y − m₁) / q − (1 − A) (Y − m₀) / (1 − q)` plus the effect, where `A` is 1 for the treated, `q` their share and
/// `m` the arms' means. This has the variance `v₁ / q + v₀ / (1 − q)`, so that with `q` as it turned out `s / √t` is
/// Welch's standard error. The limits are therefore the effect plus or minus [`Anytime::boundary`] standard errors,
/// with
///
/// ```text
/// boundary² = (1 + 1/u) (ln(1 + u) − 2 ln alpha),    u = t rho²
/// ```
///
/// which is always more than a reader needs who looks once. [`Design::rho_squared`] says how rho is chosen.
///
/// It holds in the limit of many persons, hence [`MIN_PERSONS`] and [`MIN_RARER`], and for outcomes that come as one
/// per person, independent of each other. An outcome that is corrected later moves the limits, as it should.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anytime {
    /// How many standard errors the limits are away.
    pub boundary: f64,
    /// Where effect, relative lift and total may be.
    pub limits: Limits,
    /// The smallest level at which zero is outside of the limits: below alpha it may be acted on at once.
    pub p_value: f64,
    /// The natural logarithm of the evidence against "no effect": what a bet that was fair without one has grown to.
    /// That of experiments without common persons may be added.
    pub ln_e_value: f64,
}

impl Anytime {
    pub(crate) fn of(contrast: &Contrast, treated: &Moments, held_out: &Moments, design: &Design) -> Option<Self> {
        let is_early = |arm: &Moments| arm.persons < MIN_PERSONS || arm.rarer() < MIN_RARER;
        if is_early(treated) || is_early(held_out) {
            return None;
        }
        let u = (treated.persons + held_out.persons) as f64 * design.rho_squared();
        let boundary = ((1.0 + 1.0 / u) * (u.ln_1p() - 2.0 * design.alpha().get().ln())).sqrt();
        let square = contrast.difference().powi(2) / contrast.variance();
        // The boundary's equation, solved for alpha.
        let ln_e_value = square / 2.0 * (u / (1.0 + u)) - u.ln_1p() / 2.0;
        Some(Self {
            boundary,
            limits: Limits::of(contrast, boundary, treated.persons),
            p_value: (-ln_e_value).exp().min(1.0),
            ln_e_value,
        })
    }
}
