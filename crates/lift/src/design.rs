//! What was decided before the experiment began.

use crate::LiftError;

/// The probability of error that is allowed: 0.05 gives intervals of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Alpha(f64);

impl Alpha {
    /// A level above 0 and up to 0.5.
    ///
    /// # Errors
    /// [`LiftError::BadAlpha`] for any other.
    pub fn new(value: f64) -> Result<Self, LiftError> {
        if value > 0.0 && value <= 0.5 { Ok(Self(value)) } else { Err(LiftError::BadAlpha { value }) }
    }

    /// The probability.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// How the experiment was set up. All of it has to be decided before the outcomes are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    treated_share: f64,
    planned_persons: i64,
    alpha: Alpha,
    ratio_alpha: Alpha,
}

impl Design {
    /// An experiment that treats this share of its persons and is to have so many in the end, both arms together.
    ///
    /// The levels are 0.05 for the lift and 0.001 for the arms' sizes: a mismatch condemns the whole experiment, so
    /// that false alarms have to be rare, and is seldom a matter of chance, so that they can be.
    ///
    /// # Errors
    /// [`LiftError::BadShare`] and [`LiftError::BadPlan`].
    pub fn new(treated_share: f64, planned_persons: i64) -> Result<Self, LiftError> {
        if !(treated_share > 0.0 && treated_share < 1.0) {
            return Err(LiftError::BadShare { value: treated_share });
        }
        if planned_persons < 1 {
            return Err(LiftError::BadPlan { value: planned_persons });
        }
        Ok(Self { treated_share, planned_persons, alpha: Alpha(0.05), ratio_alpha: Alpha(0.001) })
    }

    /// The same with another level for the lift.
    #[must_use]
    pub fn with_alpha(self, alpha: Alpha) -> Self {
        Self { alpha, ..self }
    }

    /// The same with another level for the check of the arms' sizes.
    #[must_use]
    pub fn with_ratio_alpha(self, ratio_alpha: Alpha) -> Self {
        Self { ratio_alpha, ..self }
    }

    /// The share of persons to be treated.
    #[must_use]
    pub fn treated_share(&self) -> f64 {
        self.treated_share
    }

    /// How many persons both arms should have in the end.
    #[must_use]
    pub fn planned_persons(&self) -> i64 {
        self.planned_persons
    }

    /// The level of the lift.
    #[must_use]
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The level of the check of the arms' sizes.
    #[must_use]
    pub fn ratio_alpha(&self) -> Alpha {
        self.ratio_alpha
    }

    /// The square of the tuning parameter rho of the confidence sequence, by which it is narrowest at the planned
    /// number of persons.
    ///
    /// With `u = persons × rho²` the square of the sequence's width is, in standard errors,
    /// `(1 + 1/u) (ln(1 + u) − 2 ln alpha)`. Its derivative is zero where `u = ln(1 + u) − 2 ln alpha`, which the paper
    /// named at [`crate::Anytime`] writes with Lambert's function as `u = −W₋₁(−alpha²/e) − 1`. Iterating it converges,
    /// since the right side grows by less than `1 / (1 + u)`. At 0.05 this is `u = 8.21` and a width of 3.03 standard
    /// errors to each side, where a reader who looks once has 1.96.
    ///
    /// A plan that was wrong costs width, not validity: 7 % when a quarter of the persons come, 3 % when four times as
    /// many do.
    #[must_use]
    pub fn rho_squared(&self) -> f64 {
        let evidence = -2.0 * self.alpha.get().ln();
        let mut u = evidence;
        loop {
            let next = u.ln_1p() + evidence;
            if next <= u {
                return u / self.planned_persons as f64;
            }
            u = next;
        }
    }
}
