//! For those who ask what brand messages do for demand: the topic of comparisons, added up by campaign.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_lift::{Alpha, Design, LiftError, Part, lift, pool};
use tributary_model::experiment::LiftMetric;

use crate::experiment_sums::Sums;
use crate::read_lift::{ALPHA, Experiments, Limited, best};

/// How a campaign for demand does with and without brand messages before it, by one metric. Persons are compared as they came,
/// within strata of what they bought before: a difference need not be the brand's doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BrandResponse {
    /// The campaign.
    pub campaign_id: String,
    /// Its team.
    pub team_id: String,
    /// What is compared.
    pub metric: LiftMetric,
    /// The currency of money; empty otherwise.
    pub currency: String,
    /// Persons whom a brand message had reached in the window before the campaign's first.
    pub with_brand: i64,
    /// Persons whom none had reached.
    pub without_brand: i64,
    /// Persons of the first kind in strata in which there is nobody of the second, or too few to tell: left out.
    pub unmatched: i64,
    /// The mean of the first less that of the second, as they came.
    pub unmatched_difference: f64,
    /// The difference within strata, at the strata of those with a brand message; with the limits of one look.
    pub matched_difference: Option<Limited>,
}

/// The comparisons of each campaign, in order of team, campaign, metric and currency.
///
/// # Errors
/// [`LiftError`] when they cannot be added up.
pub fn responses(comparisons: &Experiments) -> Result<Vec<BrandResponse>, LiftError> {
    let mut by_campaign: BTreeMap<(&str, &str), Vec<Sums>> = BTreeMap::new();
    for one in comparisons.iter().filter(|one| one.key.is_observed) {
        let campaign = one.key.campaign_id.as_deref().unwrap_or_default();
        by_campaign.entry((&one.key.team_id, campaign)).or_default().push(Sums::from(one.sums.clone()));
    }
    let mut all = Vec::new();
    for ((team_id, campaign_id), strata) in by_campaign {
        let mut whole = Sums::default();
        strata.iter().for_each(|sums| whole.add(sums.clone()));
        for (metric, currency) in whole.metrics().filter(|(metric, _)| *metric != LiftMetric::Cost) {
            let mut response = BrandResponse {
                campaign_id: campaign_id.to_owned(),
                team_id: team_id.to_owned(),
                metric,
                currency: currency.to_owned(),
                with_brand: 0,
                without_brand: 0,
                unmatched: 0,
                unmatched_difference: difference(&whole, metric, currency),
                matched_difference: None,
            };
            response.match_strata(&strata)?;
            all.push(response);
        }
    }
    Ok(all)
}

impl BrandResponse {
    fn match_strata(&mut self, strata: &[Sums]) -> Result<(), LiftError> {
        // Nobody planned how many there are to be, and nobody looks at limits that hold at any time.
        let design = Design::new(0.5, 1)?;
        let mut parts = Vec::new();
        for sums in strata {
            let [with, without] = sums.arms().map(|arm| arm.moments(self.metric, &self.currency));
            self.with_brand += with.persons;
            self.without_brand += without.persons;
            match best(&lift(&with, &without, &design)?) {
                Some(comparison) => parts.push(Part::from(comparison)),
                None => self.unmatched += with.persons,
            }
        }
        if !parts.is_empty() {
            self.matched_difference = Some(pool(&parts, Alpha::new(ALPHA)?)?.per_treated.into());
        }
        Ok(())
    }
}

fn difference(sums: &Sums, metric: LiftMetric, currency: &str) -> f64 {
    let [with, without] = sums.arms().map(|arm| {
        let moments = arm.moments(metric, currency);
        if moments.persons > 0 { moments.outcomes as f64 / moments.persons as f64 } else { 0.0 }
    });
    with - without
}

#[cfg(test)]
mod tests {
    use tributary_model::experiment::{ArmSums, ExperimentKey, ExperimentLift, ExperimentSums, MetricSums};

    use super::*;

    /// So many persons with and without a brand message, and how many of them bought.
    fn stratum(name: &str, with: (i64, i64), without: (i64, i64)) -> ExperimentLift {
        let arm = |(persons, bought): (i64, i64)| {
            let sums = i128::from(bought);
            let metric = MetricSums {
                metric: LiftMetric::Conversion,
                currency: String::new(),
                nonzero: bought,
                outcomes: sums,
                outcome_squares: sums,
                covariates: 0,
                covariate_squares: 0,
                products: 0,
            };
            ArmSums { persons, metrics: if bought > 0 { vec![metric] } else { Vec::new() } }
        };
        let key = ExperimentKey {
            experiment: name.to_owned(),
            team_id: "email".to_owned(),
            holdout_buckets: 0,
            is_clustered: false,
            campaign_id: Some("weekly".to_owned()),
            is_observed: true,
        };
        let sums = ExperimentSums { treated: arm(with), held_out: arm(without), ..ExperimentSums::default() };
        ExperimentLift { key, sums, is_trusted: false, ratio_p_value: 1.0, estimates: Vec::new() }
    }

    #[test]
    fn who_buys_much_anyway_makes_no_difference_within_a_stratum() {
        let mut comparisons = Experiments::default();
        // Buyers meet more brand messages. In each stratum those with one buy as often as those without.
        for one in [
            stratum("no order before", (200, 20), (800, 80)),
            stratum("more orders before", (800, 400), (200, 100)),
            stratum("one order before", (50, 5), (0, 0)),
        ] {
            comparisons.apply(one.key.experiment.clone().into_bytes(), Some(one));
        }
        let all = responses(&comparisons).unwrap();
        let [response] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((response.with_brand, response.without_brand, response.unmatched), (1_050, 1_000, 50));
        assert!(response.unmatched_difference > 0.2, "as they came it looks like much: {response:?}");
        let matched = response.matched_difference.unwrap();
        assert!(matched.value.abs() < 1e-9 && matched.low < 0.0 && matched.high > 0.0, "{matched:?}");
    }
}
