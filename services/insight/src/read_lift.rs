//! For those who ask what messages caused: the topic of lifts folded into the latest of each experiment, with what the money
//! brought, and teams' experiments added up.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_lift::{Alpha, Comparison, Estimate, Lift, LiftError, Moments, Part, pool, returns, wasted_spend};
use tributary_model::experiment::{ExperimentKey, ExperimentLift, LiftMetric};
use tributary_model::scorecard::{DIMENSION_CAMPAIGN, DIMENSION_TEAM, DIMENSION_TENTPOLE};

use crate::estimates::{Plan, design, of_metric};
use crate::experiment_sums::{ArmMoments, Sums};

/// The level of all intervals here: they hold in 95 of 100 cases.
pub(crate) const ALPHA: f64 = 0.05;

/// The latest lifts of the topic that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiments {
    /// By record key.
    latest: BTreeMap<Vec<u8>, ExperimentLift>,
}

/// A number and where it may be instead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limited {
    /// The best guess.
    pub value: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

impl From<Estimate> for Limited {
    fn from(estimate: Estimate) -> Self {
        Self { value: estimate.value, low: estimate.interval.low, high: estimate.interval.high }
    }
}

/// What the money for messages brought in an experiment, in one currency. Limits are for a reader who looks at any time; where
/// it is too early for these, for one who looks once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MoneyReturns {
    /// The currency.
    pub currency: String,
    /// Whether the limits are for a reader who looks at any time.
    pub is_anytime: bool,
    /// What the treated cost more than they would have, held out: all of them together, in minor units.
    pub incremental_cost_minor: i64,
    /// What they brought more, in minor units.
    pub incremental_margin_minor: Limited,
    /// Incremental margin over incremental cost; nothing where it cost nothing.
    pub incremental_roas: Option<Limited>,
    /// The share of the held-out who bought.
    pub base_rate: Option<Limited>,
    /// The part of the cost that went to persons who would have bought anyway, in minor units.
    pub wasted_minor: Option<Limited>,
}

/// The experiments of a team, campaign or tentpole added up. Each is drawn by a seed of its own, so that effects may be added
/// though persons take part in several.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PooledLift {
    /// What is added up: those of a `team`, `campaign` or `tentpole`.
    pub dimension: &'static str,
    /// Which team, campaign or tentpole.
    pub subject: String,
    /// The metric.
    pub metric: LiftMetric,
    /// The currency of money; empty otherwise.
    pub currency: String,
    /// How many experiments there are.
    pub experiments: usize,
    /// How often somebody was treated.
    pub treated: f64,
    /// What all treated brought that they would not have, with the limits of one look.
    pub incremental: Limited,
    /// The same for each treated person.
    pub per_treated: Limited,
    /// What part of the differences between the experiments is not chance (I²), from 0 to 1.
    pub inconsistency: f64,
}

impl Experiments {
    /// Takes over a record: what its experiment comes to, or for a tombstone that nobody takes part any more.
    pub fn apply(&mut self, record_key: Vec<u8>, lift: Option<ExperimentLift>) {
        match lift {
            Some(lift) => drop(self.latest.insert(record_key, lift)),
            None => drop(self.latest.remove(&record_key)),
        }
    }

    /// Keeps those that are asked for.
    pub fn retain(&mut self, is_asked: impl Fn(&ExperimentLift) -> bool) {
        self.latest.retain(|_, lift| is_asked(lift));
    }

    /// The experiments in their order.
    pub fn iter(&self) -> impl Iterator<Item = &ExperimentLift> {
        self.latest.values()
    }

    /// The experiments of each team that can be trusted, added up.
    ///
    /// # Errors
    /// [`LiftError`] when they cannot be.
    pub fn teams(&self) -> Result<Vec<PooledLift>, LiftError> {
        self.pooled(DIMENSION_TEAM, |key| Some(key.team_id.as_str()))
    }

    /// The experiments of each campaign that can be trusted, added up.
    ///
    /// # Errors
    /// [`LiftError`] when they cannot be.
    pub fn campaigns(&self) -> Result<Vec<PooledLift>, LiftError> {
        self.pooled(DIMENSION_CAMPAIGN, |key| key.campaign_id.as_deref())
    }

    /// The experiments of each tentpole that can be trusted, added up; `tentpole_of` tells that of a campaign.
    ///
    /// # Errors
    /// [`LiftError`] when they cannot be.
    pub fn tentpoles<'k>(
        &'k self,
        tentpole_of: impl Fn(&str) -> Option<&'k str>,
    ) -> Result<Vec<PooledLift>, LiftError> {
        self.pooled(DIMENSION_TENTPOLE, |key| tentpole_of(key.campaign_id.as_deref()?))
    }

    /// The experiments of the same one of something, added up.
    fn pooled<'k>(
        &'k self,
        dimension: &'static str,
        of: impl Fn(&'k ExperimentKey) -> Option<&'k str>,
    ) -> Result<Vec<PooledLift>, LiftError> {
        let mut parts: BTreeMap<(&'k str, LiftMetric, String), Vec<Part>> = BTreeMap::new();
        // Planned persons tell only on limits that hold at any time, and a pool has none.
        let plan = Plan { planned_persons: 1 };
        for experiment in self.iter().filter(|experiment| experiment.is_trusted) {
            let Some(subject) = of(&experiment.key) else { continue };
            let sums = Sums::from(experiment.sums.clone());
            let design = design(&experiment.key, plan)?;
            for (metric, currency) in sums.metrics() {
                if let Some(best) = best(&of_metric(&sums, metric, currency, &design)?) {
                    parts.entry((subject, metric, currency.to_owned())).or_default().push(Part::from(best));
                }
            }
        }
        let pooled = parts.into_iter().map(|((subject, metric, currency), parts)| {
            let pooled = pool(&parts, Alpha::new(ALPHA)?)?;
            Ok(PooledLift {
                dimension,
                subject: subject.to_owned(),
                metric,
                currency,
                experiments: pooled.experiments,
                treated: pooled.treated,
                incremental: pooled.incremental.into(),
                per_treated: pooled.per_treated.into(),
                inconsistency: pooled.common.inconsistency,
            })
        });
        pooled.collect()
    }
}

/// The part of the cost of experiments that went to persons who would have bought anyway, all of them together, in minor units
/// by currency: what is known of those that can be trusted and have a base rate.
///
/// # Errors
/// [`LiftError`] when the sums of one cannot be compared.
pub fn wasted<'e>(
    experiments: impl Iterator<Item = &'e ExperimentLift>,
    plan: Plan,
) -> Result<BTreeMap<String, i64>, LiftError> {
    let mut by_currency: BTreeMap<String, f64> = BTreeMap::new();
    for experiment in experiments.filter(|experiment| experiment.is_trusted) {
        for money in money(experiment, plan)? {
            if let Some(wasted) = money.wasted_minor {
                *by_currency.entry(money.currency).or_insert(0.0) += wasted.value;
            }
        }
    }
    Ok(by_currency.into_iter().map(|(currency, minor)| (currency, minor.round() as i64)).collect())
}

/// What the money for messages brought in an experiment, by currency.
///
/// # Errors
/// [`LiftError`] when the sums cannot be compared.
pub fn money(experiment: &ExperimentLift, plan: Plan) -> Result<Vec<MoneyReturns>, LiftError> {
    let sums = Sums::from(experiment.sums.clone());
    let design = design(&experiment.key, plan)?;
    let mut all = Vec::new();
    let [_, held_out] = sums.arms();
    for (_, currency) in sums.metrics().filter(|(metric, _)| *metric == LiftMetric::Margin) {
        let margin = of_metric(&sums, LiftMetric::Margin, currency, &design)?;
        let Some(margin) = best(&margin) else { continue };
        let incremental_cost_minor = incremental_cost(sums.arms(), currency);
        let anytime = margin.incremental_anytime();
        let returns = returns(anytime.unwrap_or_else(|| margin.incremental_fixed()), incremental_cost_minor)?;
        let bought = held_out.moments(LiftMetric::Conversion, "");
        let wasted = (bought.persons > 0).then(|| wasted_spend(incremental_cost_minor, &bought, design.alpha()));
        let wasted = wasted.transpose()?;
        all.push(MoneyReturns {
            currency: currency.to_owned(),
            is_anytime: anytime.is_some(),
            incremental_cost_minor,
            incremental_margin_minor: returns.incremental_margin.into(),
            incremental_roas: returns.incremental_roas.map(Limited::from),
            base_rate: wasted.map(|wasted| wasted.base_rate.into()),
            wasted_minor: wasted.map(|wasted| wasted.wasted_minor.into()),
        });
    }
    Ok(all)
}

/// What the treated cost beyond what they would have cost, held out. It was paid and is no estimate of anything else, so it
/// has no limits. Where chance has the held-out cost more, nothing was spent on the experiment's account.
fn incremental_cost(arms: [&ArmMoments; 2], currency: &str) -> i64 {
    let [treated, held_out] = arms.map(|arm| arm.moments(LiftMetric::Cost, currency));
    let mean = |arm: &Moments| if arm.persons > 0 { arm.outcomes as f64 / arm.persons as f64 } else { 0.0 };
    let cost = (mean(&treated) - mean(&held_out)) * treated.persons as f64;
    (cost.round() as i64).max(0)
}

/// The comparison with the least noise.
pub(crate) fn best(lift: &Lift) -> Option<&Comparison> {
    lift.adjusted.as_ref().map(|adjusted| &adjusted.comparison).or(lift.plain.as_ref())
}

#[cfg(test)]
mod tests {
    use tributary_model::experiment::{ArmSums, ExperimentKey, ExperimentSums, MetricSums};

    use super::*;
    use crate::estimates::estimate;

    const PLAN: Plan = Plan { planned_persons: 1_000 };

    fn sums(metric: LiftMetric, persons: i64, each: i64) -> MetricSums {
        let (persons, each) = (i128::from(persons), i128::from(each));
        MetricSums {
            metric,
            currency: if metric == LiftMetric::Conversion { String::new() } else { "USD".to_owned() },
            nonzero: persons as i64,
            outcomes: persons * each,
            outcome_squares: persons * each * each,
            covariates: 0,
            covariate_squares: 0,
            products: 0,
        }
    }

    /// `bought` persons of each arm of 1,000 bought for a margin of 10.00; each treated one cost 0.50.
    fn experiment(name: &str, team: &str, bought: [i64; 2]) -> ExperimentLift {
        let arm = |bought: i64, cost: Option<MetricSums>| ArmSums {
            persons: 1_000,
            metrics: [sums(LiftMetric::Conversion, bought, 1), sums(LiftMetric::Margin, bought, 1_000)]
                .into_iter()
                .chain(cost)
                .collect(),
        };
        let key = ExperimentKey {
            experiment: name.to_owned(),
            team_id: team.to_owned(),
            holdout_buckets: 5_000,
            is_clustered: false,
            campaign_id: None,
            is_observed: false,
        };
        let cost = sums(LiftMetric::Cost, 1_000, 50);
        let sums = ExperimentSums {
            treated: arm(bought[0], Some(cost)),
            held_out: arm(bought[1], None),
            ..ExperimentSums::default()
        };
        estimate(key, sums, PLAN)
    }

    #[test]
    fn margin_and_cost_are_those_beyond_what_the_held_out_had() {
        let money = money(&experiment("a", "crm", [300, 100]), PLAN).unwrap();
        let [of_usd] = money.as_slice() else { panic!("{money:?}") };
        assert_eq!((of_usd.incremental_cost_minor, of_usd.is_anytime), (50_000, true));
        // 200 persons more, each with a margin of 10.00, for 500.00.
        assert!((of_usd.incremental_margin_minor.value - 200_000.0).abs() < 1e-6, "{of_usd:?}");
        let roas = of_usd.incremental_roas.unwrap();
        assert!((roas.value - 4.0).abs() < 1e-9 && roas.low > 1.0 && roas.high < 10.0, "{roas:?}");
        // A tenth of the held-out bought, and so a tenth of the cost was for nothing.
        assert!((of_usd.base_rate.unwrap().value - 0.1).abs() < 1e-12);
        assert!((of_usd.wasted_minor.unwrap().value - 5_000.0).abs() < 1e-9);
    }

    #[test]
    fn teams_are_the_sums_of_their_experiments_and_what_is_not_trusted_is_left_out() {
        let mut experiments = Experiments::default();
        let torn = ExperimentLift { is_trusted: false, ..experiment("c", "crm", [900, 0]) };
        for one in [
            experiment("a", "crm", [300, 100]),
            experiment("b", "crm", [150, 100]),
            torn,
            experiment("d", "web", [5, 5]),
        ] {
            experiments.apply(one.key.to_key(), Some(one));
        }
        let teams = experiments.teams().unwrap();
        let of = |team: &str, metric| teams.iter().find(|one| one.subject == team && one.metric == metric).unwrap();
        let crm = of("crm", LiftMetric::Conversion);
        assert_eq!((crm.experiments, crm.treated), (2, 2_000.0));
        assert!((crm.incremental.value - 250.0).abs() < 1e-9, "{crm:?}");
        assert!((crm.per_treated.value - 0.125).abs() < 1e-12, "{crm:?}");
        assert!(crm.inconsistency > 0.9, "they differ: {crm:?}");
        let web = of("web", LiftMetric::Conversion);
        assert!(web.incremental.low < 0.0 && web.incremental.high > 0.0, "{web:?}");
        let gone = experiment("a", "crm", [1, 1]).key.to_key();
        experiments.apply(gone, None);
        assert_eq!(experiments.iter().count(), 3);
    }
}
