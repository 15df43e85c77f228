//! What experiments come to, on Prometheus: so many experiments as are allowed, first come. As with scorecards one worker
//! keeps each up to date.

use metrics::gauge;
use rustc_hash::FxHashSet;
use tributary_model::experiment::{ExperimentKey, ExperimentLift, LiftEstimate};

/// Shows experiments.
pub(crate) struct LiftGauges {
    max_experiments: usize,
    shown: FxHashSet<ExperimentKey>,
}

type Labels = Vec<(&'static str, String)>;

impl LiftGauges {
    pub(crate) fn new(max_experiments: usize) -> Self {
        Self { max_experiments, shown: FxHashSet::default() }
    }

    /// Shows an experiment as it stands, if it is one of those that are shown.
    pub(crate) fn set(&mut self, lift: &ExperimentLift) {
        if !self.shown.contains(&lift.key) {
            if self.shown.len() >= self.max_experiments {
                return;
            }
            self.shown.insert(lift.key.clone());
        }
        show_persons(&lift.key, [lift.sums.treated.persons, lift.sums.held_out.persons]);
        gauge!("tributary_insight_lift_trusted", &labels(&lift.key)).set(f64::from(u8::from(lift.is_trusted)));
        for one in lift.estimates.iter().filter(|one| is_best(&lift.estimates, one)) {
            let mut labels = labels(&lift.key);
            labels.extend([("metric", one.metric.name().to_owned()), ("currency", one.currency.clone())]);
            gauge!("tributary_insight_lift_effect", &labels).set(one.effect);
            // A gauge without a value is none that is zero.
            gauge!("tributary_insight_lift_effect_low", &labels).set(one.anytime_low.unwrap_or(f64::NAN));
            gauge!("tributary_insight_lift_effect_high", &labels).set(one.anytime_high.unwrap_or(f64::NAN));
        }
    }

    /// Nobody takes part in an experiment any more.
    pub(crate) fn gone(&mut self, key: &ExperimentKey) {
        if self.shown.contains(key) {
            show_persons(key, [0, 0]);
        }
    }
}

fn show_persons(key: &ExperimentKey, persons: [i64; 2]) {
    for (arm, persons) in ["treated", "held_out"].into_iter().zip(persons) {
        let mut labels = labels(key);
        labels.push(("arm", arm.to_owned()));
        gauge!("tributary_insight_lift_persons", &labels).set(persons as f64);
    }
}

fn labels(key: &ExperimentKey) -> Labels {
    vec![
        ("experiment", key.experiment.clone()),
        ("team", key.team_id.clone()),
        ("holdout_buckets", key.holdout_buckets.to_string()),
    ]
}

/// The adjusted estimate of a metric where there is one.
fn is_best(estimates: &[LiftEstimate], one: &LiftEstimate) -> bool {
    let of_same = |other: &&LiftEstimate| (other.metric, &other.currency) == (one.metric, &one.currency);
    one.is_adjusted || !estimates.iter().filter(of_same).any(|other| other.is_adjusted)
}
