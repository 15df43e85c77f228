//! The sums of an experiment, as they are added up and as they are written.

use std::collections::BTreeMap;

use tributary_lift::{Moments, Person};
use tributary_model::Arm;
use tributary_model::experiment::{ArmSums, ExperimentSums, LiftMetric, MetricSums};

use crate::deeds::Outcome;
use crate::trials::Counted;

/// One arm: how many persons, and the moments of those who did something, by metric and currency. Persons who did nothing
/// add nothing to a sum but themselves, so they are counted once for all metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ArmMoments {
    persons: i64,
    metrics: BTreeMap<(LiftMetric, String), Moments>,
}

/// The sums of an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    treated: ArmMoments,
    held_out: ArmMoments,
    contaminated: i64,
    late: i64,
}

impl ArmMoments {
    fn count(&mut self, outcome: &Outcome, sign: i64) {
        self.persons += sign;
        for ((metric, currency), (outcome, covariate)) in outcome {
            // Outcomes are cut to what a person may be.
            let Ok(person) = Person::new(*outcome, *covariate) else { continue };
            let moments = self.metrics.entry((*metric, currency.clone())).or_default();
            if sign > 0 {
                moments.add(person)
            } else {
                moments.remove(person)
            }
            moments.persons = 0;
        }
        self.metrics.retain(|_, moments| *moments != Moments::default());
    }

    fn add(&mut self, other: Self) {
        self.persons += other.persons;
        for (name, moments) in other.metrics {
            self.metrics.entry(name).or_default().merge(&moments);
        }
        self.metrics.retain(|_, moments| *moments != Moments::default());
    }

    /// The moments of all persons of the arm for one metric.
    pub(crate) fn moments(&self, metric: LiftMetric, currency: &str) -> Moments {
        let moments = self.metrics.get(&(metric, currency.to_owned())).copied().unwrap_or_default();
        Moments { persons: self.persons, ..moments }
    }

    fn to_record(&self) -> ArmSums {
        let metrics = self.metrics.iter().map(|((metric, currency), moments)| MetricSums {
            metric: *metric,
            currency: currency.clone(),
            nonzero: moments.nonzero,
            outcomes: moments.outcomes,
            outcome_squares: moments.outcome_squares,
            covariates: moments.covariates,
            covariate_squares: moments.covariate_squares,
            products: moments.products,
        });
        ArmSums { persons: self.persons, metrics: metrics.collect() }
    }
}

impl From<ArmSums> for ArmMoments {
    fn from(sums: ArmSums) -> Self {
        let metrics = sums.metrics.into_iter().map(|sums| {
            let moments = Moments {
                persons: 0,
                nonzero: sums.nonzero,
                outcomes: sums.outcomes,
                outcome_squares: sums.outcome_squares,
                covariates: sums.covariates,
                covariate_squares: sums.covariate_squares,
                products: sums.products,
            };
            ((sums.metric, sums.currency), moments)
        });
        Self { persons: sums.persons, metrics: metrics.collect() }
    }
}

impl Sums {
    /// Counts a person once, or takes it back.
    pub(crate) fn count(&mut self, arm: Arm, counted: &Counted, sign: i64) {
        match (counted, arm) {
            (Counted::Outcome(outcome), Arm::Treated) => self.treated.count(outcome, sign),
            (Counted::Outcome(outcome), Arm::HeldOut) => self.held_out.count(outcome, sign),
            (Counted::Contaminated, _) => self.contaminated += sign,
            (Counted::Late, _) => self.late += sign,
        }
    }

    /// Adds other persons.
    pub(crate) fn add(&mut self, other: Self) {
        self.treated.add(other.treated);
        self.held_out.add(other.held_out);
        self.contaminated += other.contaminated;
        self.late += other.late;
    }

    /// The arms, treated first.
    pub(crate) fn arms(&self) -> [&ArmMoments; 2] {
        [&self.treated, &self.held_out]
    }

    /// The metrics and currencies in which anybody did anything.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = (LiftMetric, &str)> {
        let arms = self.arms().map(|arm| arm.metrics.keys().map(|(metric, currency)| (*metric, currency.as_str())));
        let all: std::collections::BTreeSet<_> = arms.into_iter().flatten().collect();
        all.into_iter()
    }

    /// As they are written.
    pub(crate) fn to_record(&self) -> ExperimentSums {
        ExperimentSums {
            treated: self.treated.to_record(),
            held_out: self.held_out.to_record(),
            contaminated: self.contaminated,
            late: self.late,
        }
    }
}

impl From<ExperimentSums> for Sums {
    fn from(sums: ExperimentSums) -> Self {
        Self {
            treated: sums.treated.into(),
            held_out: sums.held_out.into(),
            contaminated: sums.contaminated,
            late: sums.late,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(value: i64, before: i64) -> Counted {
        Counted::Outcome([((LiftMetric::Revenue, "USD".to_owned()), (value, before))].into())
    }

    #[test]
    fn who_did_nothing_counts_as_a_person_and_what_is_taken_back_leaves_nothing() {
        let mut sums = Sums::default();
        sums.count(Arm::Treated, &outcome(300, -20), 1);
        sums.count(Arm::Treated, &Counted::Outcome(Outcome::new()), 1);
        sums.count(Arm::HeldOut, &Counted::Contaminated, 1);
        sums.count(Arm::HeldOut, &Counted::Late, 1);
        let moments = sums.treated.moments(LiftMetric::Revenue, "USD");
        let mut expected = Moments::default();
        [(300, -20), (0, 0)].into_iter().for_each(|(value, before)| expected.add(Person::new(value, before).unwrap()));
        assert_eq!(moments, expected);
        assert_eq!(Sums::from(sums.to_record()), sums);
        let mut twice = sums.clone();
        twice.add(sums.clone());
        for _ in 0..2 {
            twice.count(Arm::Treated, &outcome(300, -20), -1);
            twice.count(Arm::Treated, &Counted::Outcome(Outcome::new()), -1);
            twice.count(Arm::HeldOut, &Counted::Contaminated, -1);
            twice.count(Arm::HeldOut, &Counted::Late, -1);
        }
        assert_eq!(twice, Sums::default());
    }
}
