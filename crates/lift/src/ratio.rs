//! Whether the arms have the sizes that chance allows.

use std::f64::consts::SQRT_2;

use crate::Design;

/// How firmly the sequential check expects the designed share before it has seen anybody: as if so many persons had
/// come in it. At a level of 0.001 it is keenest for small shifts when some 17,000 persons have come; with a million it
/// takes a shift of 8 % more standard errors, with 500 one of 55 % more.
const PRIOR_PERSONS: f64 = 1_000.0;

/// What the arms' sizes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatioVerdict {
    /// Nothing is wrong with them.
    Matches,
    /// A reader who looks once would reject them, but among many looks this happens by chance.
    Suspect,
    /// They are out of what chance allows however often one looks: persons were lost, or came twice, in one arm more
    /// than in the other, and those who are left are not alike.
    Mismatch,
}

/// The check for a sample-ratio mismatch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioCheck {
    /// How many persons were treated.
    pub treated: i64,
    /// How many were held out.
    pub held_out: i64,
    /// The share that was to be treated.
    pub designed_share: f64,
    /// Pearson's statistic: the sum, over the arms, of (persons − expected)² / expected.
    pub chi_square: f64,
    /// Its probability, or that of a larger one, for one look at a time that was set beforehand (one degree of
    /// freedom).
    pub p_value: f64,
    /// The natural logarithm of the evidence against the design that may be looked at any time.
    ///
    /// It is the Dirichlet-multinomial mixture of Lindon and Malek, "Anytime-valid inference for multinomial count
    /// data" (NeurIPS 2022, arXiv:2011.03567), with two arms a ratio of beta functions: the mean likelihood of the
    /// persons' arms over shares that are drawn from a beta distribution about the designed one, over the likelihood
    /// with that one.
    pub ln_e_value: f64,
    /// The reciprocal of the evidence, at most 1: a p-value at whatever time one looks.
    pub anytime_p_value: f64,
    /// What follows at the design's level for sizes.
    pub verdict: RatioVerdict,
}

/// Holds the arms' sizes against the design.
///
/// Nothing is remembered between looks: a mismatch that was seen once may be gone when more persons have come, and is
/// still a mismatch to who saw it. Persons who are taken out for reasons that have to do with their arm are what is
/// looked for; those taken out for any other do no harm.
#[must_use]
pub fn check_ratio(treated: i64, held_out: i64, design: &Design) -> RatioCheck {
    let share = design.treated_share();
    let (ones, others) = (treated.max(0) as f64, held_out.max(0) as f64);
    let persons = ones + others;
    let chi_square =
        if persons > 0.0 { (ones - persons * share).powi(2) / (persons * share * (1.0 - share)) } else { 0.0 };
    let p_value = libm::erfc(chi_square.sqrt() / SQRT_2);
    let (a, b) = (PRIOR_PERSONS * share, PRIOR_PERSONS * (1.0 - share));
    let likelihood = ones * share.ln() + others * (-share).ln_1p();
    let ln_e_value = ln_beta(a + ones, b + others) - ln_beta(a, b) - likelihood;
    let anytime_p_value = (-ln_e_value).exp().min(1.0);
    let level = design.ratio_alpha().get();
    let verdict = if anytime_p_value <= level {
        RatioVerdict::Mismatch
    } else if p_value <= level {
        RatioVerdict::Suspect
    } else {
        RatioVerdict::Matches
    };
    RatioCheck { treated, held_out, designed_share: share, chi_square, p_value, ln_e_value, anytime_p_value, verdict }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}
