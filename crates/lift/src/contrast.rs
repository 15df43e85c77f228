//! Two means, their variances, and so their difference: what every interval is computed from.

use crate::centred::Centred;

/// Means of both arms with the variances of these means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contrast {
    pub(crate) treated: f64,
    pub(crate) held_out: f64,
    pub(crate) treated_variance: f64,
    pub(crate) held_out_variance: f64,
    pub(crate) covariance: f64,
    /// What each arm adds to the variance of the difference, with its degrees of freedom.
    pub(crate) noise: [(f64, f64); 2],
}

impl Contrast {
    /// The means as they are; `None` while an arm has a single person or no outcome differs.
    pub(crate) fn plain(treated: &Centred, held_out: &Centred) -> Option<Self> {
        let variance = |arm: &Centred| arm.outcome_squares / (arm.persons - 1.0) / arm.persons;
        let (treated_variance, held_out_variance) = (variance(treated), variance(held_out));
        let contrast = Self {
            treated: treated.outcome,
            held_out: held_out.outcome,
            treated_variance,
            held_out_variance,
            covariance: 0.0,
            noise: [(treated_variance, treated.persons - 1.0), (held_out_variance, held_out.persons - 1.0)],
        };
        (treated.persons > 1.0 && held_out.persons > 1.0 && contrast.variance() > 0.0).then_some(contrast)
    }

    pub(crate) fn difference(&self) -> f64 {
        self.treated - self.held_out
    }

    /// Of the difference.
    pub(crate) fn variance(&self) -> f64 {
        self.noise.iter().map(|(variance, _)| variance).sum()
    }

    /// Of the difference.
    pub(crate) fn standard_error(&self) -> f64 {
        self.variance().sqrt()
    }

    /// How many degrees of freedom the standard error has: Welch (1947) and Satterthwaite (1946).
    pub(crate) fn degrees_of_freedom(&self) -> f64 {
        welch_satterthwaite(self.noise)
    }
}

/// The degrees of freedom of a sum of variances, from those of each.
pub(crate) fn welch_satterthwaite(variances: impl IntoIterator<Item = (f64, f64)> + Clone) -> f64 {
    let sum: f64 = variances.clone().into_iter().map(|(variance, _)| variance).sum();
    // Shares of the sum, so that tiny variances do not vanish when they are squared.
    let share = |(variance, freedom): (f64, f64)| (variance / sum).powi(2) / freedom;
    1.0 / variances.into_iter().map(share).sum::<f64>()
}
