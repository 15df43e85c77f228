//! Experiments together, such as those of all triggers of a campaign.

use crate::contrast::welch_satterthwaite;
use crate::student;
use crate::{Alpha, Comparison, Estimate, Interval, LiftError};

/// What a pool takes of an experiment. The experiments have no persons in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// How many persons were treated.
    pub treated: i64,
    /// The average treatment effect.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The degrees of freedom of the standard error.
    pub degrees_of_freedom: f64,
}

impl From<&Comparison> for Part {
    fn from(comparison: &Comparison) -> Self {
        Self {
            treated: comparison.treated,
            effect: comparison.effect,
            standard_error: comparison.standard_error,
            degrees_of_freedom: comparison.fixed.degrees_of_freedom,
        }
    }
}

/// What several experiments come to. Its intervals are for a reader who looks once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// How many experiments there are.
    pub experiments: usize,
    /// How many persons were treated in all.
    pub treated: f64,
    /// What all treated persons brought that they would not have: the sum, over the experiments, of effect × treated
    /// persons, with the variance of the sum, `Σ treated² × standard error²`. The interval is of Student's t with
    /// degrees of freedom by Satterthwaite.
    pub incremental: Estimate,
    /// The total for each treated person: the mean of the effects as the treated met them.
    pub per_treated: Estimate,
    /// The effect if it is the same everywhere.
    pub common: CommonEffect,
}

/// The effect that fits all experiments best, if there is one that is the same in all of them.
///
/// Each counts with the reciprocal of its variance. This is the sharpest estimate of a common effect, and for totals
/// the wrong one: where effects differ, it follows the experiments with little noise, not those with many persons.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommonEffect {
    /// The effect for each person, with an interval of the normal distribution.
    pub effect: Estimate,
    /// Its standard error.
    pub standard_error: f64,
    /// Cochran's Q: how far the experiments are from it, in squared standard errors. About one less than there are
    /// experiments when the effect is the same.
    pub heterogeneity: f64,
    /// I² of Higgins and Thompson (2002): what part of the differences between the effects is not chance, from 0 to 1.
    pub inconsistency: f64,
}

/// Pools experiments.
///
/// # Errors
/// [`LiftError::EmptyPool`], and [`LiftError::BadPart`] for an experiment without treated persons, without a finite
/// effect, or without a positive and finite standard error.
pub fn pool(parts: &[Part], alpha: Alpha) -> Result<Pooled, LiftError> {
    if parts.is_empty() {
        return Err(LiftError::EmptyPool);
    }
    for (position, part) in parts.iter().enumerate() {
        part.check(position)?;
    }
    let treated: f64 = parts.iter().map(|part| part.treated as f64).sum();
    let incremental = incremental(parts, alpha);
    Ok(Pooled {
        experiments: parts.len(),
        treated,
        incremental,
        per_treated: incremental.scaled(1.0 / treated),
        common: common(parts, alpha),
    })
}

impl Part {
    fn check(&self, position: usize) -> Result<(), LiftError> {
        let refuse = |what, value| Err(LiftError::BadPart { position, what, value });
        if self.treated < 1 {
            return refuse("treated persons", self.treated as f64);
        }
        if !self.effect.is_finite() {
            return refuse("an effect of", self.effect);
        }
        for (what, value) in
            [("a standard error of", self.standard_error), ("degrees of freedom of", self.degrees_of_freedom)]
        {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(what, value);
            }
        }
        Ok(())
    }
}

fn incremental(parts: &[Part], alpha: Alpha) -> Estimate {
    let value = parts.iter().map(|part| part.effect * part.treated as f64).sum();
    let variances =
        parts.iter().map(|part| ((part.treated as f64 * part.standard_error).powi(2), part.degrees_of_freedom));
    let variance: f64 = variances.clone().map(|(variance, _)| variance).sum();
    let critical = student::critical(alpha.get(), welch_satterthwaite(variances));
    Estimate { value, interval: Interval::around(value, critical * variance.sqrt()) }
}

fn common(parts: &[Part], alpha: Alpha) -> CommonEffect {
    let weight = |part: &Part| part.standard_error.powi(-2);
    let weights: f64 = parts.iter().map(weight).sum();
    let value = parts.iter().map(|part| weight(part) * part.effect).sum::<f64>() / weights;
    let heterogeneity: f64 = parts.iter().map(|part| weight(part) * (part.effect - value).powi(2)).sum();
    let expected = (parts.len() - 1) as f64;
    let standard_error = weights.powf(-0.5);
    let radius = student::critical(alpha.get(), f64::INFINITY) * standard_error;
    CommonEffect {
        effect: Estimate { value, interval: Interval::around(value, radius) },
        standard_error,
        heterogeneity,
        inconsistency: if heterogeneity > expected { 1.0 - expected / heterogeneity } else { 0.0 },
    }
}
