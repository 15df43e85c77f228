//! What the sums of an experiment say.

use tributary_lift::{Comparison, Design, Lift, LiftError, check_ratio, lift};
use tributary_model::experiment::{BUCKETS, ExperimentKey, ExperimentLift, ExperimentSums, LiftEstimate, LiftMetric};

use crate::experiment_sums::Sums;

/// What is decided before an experiment begins and is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many persons an experiment is to have: limits for a reader who looks at any time are narrowest then.
    pub planned_persons: i64,
}

/// The experiment with all that its sums say.
#[must_use]
pub fn estimate(key: ExperimentKey, written: ExperimentSums, plan: Plan) -> ExperimentLift {
    if key.is_observed {
        // Nobody drew arms, so that no stratum says anything by itself: `read_brand` adds them up.
        return ExperimentLift { key, sums: written, is_trusted: false, ratio_p_value: 1.0, estimates: Vec::new() };
    }
    let sums = Sums::from(written.clone());
    let Ok(design) = design(&key, plan) else {
        // Everybody or nobody is held out: there is nothing to compare.
        return ExperimentLift { key, sums: written, is_trusted: false, ratio_p_value: 1.0, estimates: Vec::new() };
    };
    let [treated, held_out] = [&written.treated, &written.held_out].map(|arm| arm.persons);
    let ratio = check_ratio(treated, held_out, &design);
    let mut is_trusted = !key.is_clustered && ratio.verdict != tributary_lift::RatioVerdict::Mismatch;
    let mut estimates = Vec::new();
    for (metric, currency) in sums.metrics().filter(|_| !key.is_clustered) {
        match of_metric(&sums, metric, currency, &design) {
            Ok(Lift { plain, adjusted, .. }) => {
                let adjusted = adjusted.map(|adjusted| (true, adjusted.comparison));
                let all = plain.map(|plain| (false, plain)).into_iter().chain(adjusted);
                estimates.extend(all.map(|(is_adjusted, one)| written_as(metric, currency, is_adjusted, &one)));
            }
            // More was taken back than was stated so far: the rest is on its way.
            Err(_) => is_trusted = false,
        }
    }
    ExperimentLift { key, sums: written, is_trusted, ratio_p_value: ratio.anytime_p_value, estimates }
}

/// How an experiment was set up.
///
/// # Errors
/// [`LiftError`] when everybody or nobody is held out.
pub(crate) fn design(key: &ExperimentKey, plan: Plan) -> Result<Design, LiftError> {
    Design::new(1.0 - f64::from(key.holdout_buckets) / f64::from(BUCKETS), plan.planned_persons)
}

/// The lift of one metric.
///
/// # Errors
/// [`LiftError`] while more was taken back than was stated.
pub(crate) fn of_metric(sums: &Sums, metric: LiftMetric, currency: &str, design: &Design) -> Result<Lift, LiftError> {
    let [treated, held_out] = sums.arms().map(|arm| arm.moments(metric, currency));
    lift(&treated, &held_out, design)
}

fn written_as(metric: LiftMetric, currency: &str, is_adjusted: bool, comparison: &Comparison) -> LiftEstimate {
    let fixed = comparison.fixed.limits.effect;
    let anytime = comparison.anytime;
    LiftEstimate {
        metric,
        currency: currency.to_owned(),
        is_adjusted,
        treated_mean: comparison.treated_mean,
        held_out_mean: comparison.held_out_mean,
        effect: comparison.effect,
        standard_error: comparison.standard_error,
        fixed_low: fixed.low,
        fixed_high: fixed.high,
        fixed_p_value: comparison.fixed.p_value,
        anytime_low: anytime.map(|anytime| anytime.limits.effect.low),
        anytime_high: anytime.map(|anytime| anytime.limits.effect.high),
        anytime_p_value: anytime.map(|anytime| anytime.p_value),
    }
}
