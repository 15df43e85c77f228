//! Attribution held against lift: what each model credits a team with, beside what experiments say its messages caused.
//!
//! A model divides what was sold; an experiment says what would not have been sold. Where a team has experiments whose lift can be
//! trusted, the *factor* is what they say was caused, over what the model credits: multiply the model's credit by it to get what the
//! experiments found. It is a lower bound of what the team causes if only some of its messages are in experiments, since the
//! others' effects are in the credit and not in the lift.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_model::experiment::LiftMetric;

use crate::read_lift::{Limited, PooledLift};
use crate::read_paths::PathCredit;

/// One team's revenue by experiments, and by every model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The team.
    pub team_id: String,
    /// How many experiments there are.
    pub experiments: usize,
    /// The revenue that its messages caused, in minor units, with the limits of one look.
    pub caused_minor: Limited,
    /// What each model says.
    pub models: Vec<ModelCheck>,
}

/// What one model says of a team.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCheck {
    /// The model.
    pub model: &'static str,
    /// The revenue it credits the team with, in minor units.
    pub credit_minor: f64,
    /// Caused over credited; nothing where nothing is credited.
    pub factor: Option<f64>,
    /// Whether the credit is within the limits of what was caused.
    pub is_within: bool,
}

/// Holds the credit of every model in one currency against the lift of teams; teams without trusted experiments are left out.
#[must_use]
pub fn calibrate(lifts: &[PooledLift], models: &[(&'static str, &[PathCredit])], currency: &str) -> Vec<Calibration> {
    let of_revenue = lifts.iter().filter(|lift| lift.metric == LiftMetric::Revenue && lift.currency == currency);
    let calibrated = of_revenue.map(|lift| {
        let caused = lift.incremental;
        let check = |(model, credits): &(&'static str, &[PathCredit])| {
            let credit = credits.iter().find(|credit| credit.subject == lift.subject);
            let credit_minor = credit.map_or(0.0, |credit| credit.value_minor);
            ModelCheck {
                model,
                credit_minor,
                factor: (credit_minor > 0.0).then(|| caused.value / credit_minor),
                is_within: (caused.low..=caused.high).contains(&credit_minor),
            }
        };
        Calibration {
            team_id: lift.subject.clone(),
            experiments: lift.experiments,
            caused_minor: caused,
            models: models.iter().map(check).collect(),
        }
    });
    calibrated.collect()
}

/// The model whose credit is nearest to what was caused, over all teams with experiments: distances count by the width of the
/// limits, so that an experiment that says little decides little. Nothing without experiments.
#[must_use]
pub fn nearest(calibrations: &[Calibration]) -> Option<&'static str> {
    let mut distances: BTreeMap<&'static str, f64> = BTreeMap::new();
    for calibration in calibrations {
        let Limited { value, low, high } = calibration.caused_minor;
        let width = high - low;
        if !(width.is_finite() && width > 0.0) {
            continue;
        }
        for check in &calibration.models {
            *distances.entry(check.model).or_insert(0.0) += ((check.credit_minor - value) / width).powi(2);
        }
    }
    distances.into_iter().min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(model, _)| model)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lift(team_id: &str, value: f64, width: f64) -> PooledLift {
        let incremental = Limited { value, low: value - width / 2.0, high: value + width / 2.0 };
        PooledLift {
            dimension: "team",
            subject: team_id.to_owned(),
            metric: LiftMetric::Revenue,
            currency: "USD".to_owned(),
            experiments: 2,
            treated: 100.0,
            incremental,
            per_treated: incremental,
            inconsistency: 0.0,
        }
    }

    fn credit(subject: &str, value_minor: f64) -> PathCredit {
        PathCredit {
            subject: subject.to_owned(),
            conversions: 1.0,
            value_minor,
            removal_effect: None,
            conversions_error: None,
            value_error_minor: None,
        }
    }

    #[test]
    fn the_factor_turns_credit_into_what_was_caused_and_what_is_sure_decides() {
        let lifts = [lift("email", 500.0, 100.0), lift("social", 900.0, 10_000.0)];
        let last = [credit("email", 2_000.0), credit("social", 900.0)];
        let linear = [credit("email", 520.0)];
        let all = calibrate(&lifts, &[("last", &last), ("linear", &linear)], "USD");
        let email = &all[0].models;
        assert_eq!((email[0].factor, email[0].is_within), (Some(0.25), false));
        assert!(email[1].is_within && email[1].factor.unwrap() < 1.0);
        assert_eq!(
            (all[1].models[1].credit_minor, all[1].models[1].factor),
            (0.0, None),
            "linear gives social nothing"
        );
        assert_eq!(nearest(&all), Some("linear"));
        assert_eq!(calibrate(&lifts, &[("last", &last)], "EUR"), []);
        assert_eq!(nearest(&[]), None);
    }
}
