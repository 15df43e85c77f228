//! Sums about the means, from sums about zero, without losing digits.

use crate::{Arm, LiftError, Moments};

/// An arm in floating-point numbers. The squares are sums, not yet divided by anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Centred {
    pub(crate) persons: f64,
    pub(crate) outcome: f64,
    pub(crate) covariate: f64,
    pub(crate) outcome_squares: f64,
    pub(crate) covariate_squares: f64,
    pub(crate) products: f64,
}

impl Centred {
    /// The arm, unless it has nobody.
    pub(crate) fn of(moments: &Moments, arm: Arm) -> Result<Option<Self>, LiftError> {
        moments.check(arm)?;
        if moments.persons == 0 {
            return Ok(None);
        }
        let outcome = Pivot::of(moments.outcomes, moments.persons);
        let covariate = Pivot::of(moments.covariates, moments.persons);
        let outcome_squares = outcome.squares(moments.outcome_squares, moments.outcomes);
        let covariate_squares = covariate.squares(moments.covariate_squares, moments.covariates);
        let checked = [("outcome squares", outcome_squares), ("covariate squares", covariate_squares)];
        if let Some(&(what, value)) = checked.iter().find(|(_, value)| *value < 0) {
            return Err(LiftError::ImpossibleSums { arm, what, value });
        }
        let products = moments.products - outcome.whole * moments.covariates - covariate.whole * outcome.rest;
        let persons = moments.persons as f64;
        let (left_outcome, left_covariate) = (outcome.rest as f64, covariate.rest as f64);
        Ok(Some(Self {
            persons,
            outcome: outcome.whole as f64 + left_outcome / persons,
            covariate: covariate.whole as f64 + left_covariate / persons,
            outcome_squares: (outcome_squares as f64 - left_outcome * left_outcome / persons).max(0.0),
            covariate_squares: (covariate_squares as f64 - left_covariate * left_covariate / persons).max(0.0),
            products: products as f64 - left_outcome * left_covariate / persons,
        }))
    }
}

/// The integer next to a mean, and what the sum has beyond it.
///
/// The squares about it are exact. What is missing to squares about the mean itself is at most half of them, as an
/// integer is never larger than its square: that one subtraction in floating-point numbers costs a bit, not digits,
/// however far the values are from zero.
#[derive(Debug, Clone, Copy)]
struct Pivot {
    whole: i128,
    rest: i128,
}

impl Pivot {
    fn of(sum: i128, persons: i64) -> Self {
        let persons = i128::from(persons);
        let whole = (2 * sum + persons).div_euclid(2 * persons);
        Self { whole, rest: sum - whole * persons }
    }

    fn squares(&self, about_zero: i128, sum: i128) -> i128 {
        about_zero - self.whole * (sum + self.rest)
    }
}
