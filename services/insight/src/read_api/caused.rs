//! What experiments say, beside the scorecards of the teams and campaigns whose they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_lift::LiftError;
use tributary_model::Scorecard;
use tributary_model::experiment::ExperimentLift;
use tributary_model::scorecard::{DIMENSION_CAMPAIGN, WINDOW_TOTAL};

use crate::estimates::Plan;
use crate::read_lift::{Experiments, PooledLift, wasted};

/// A scorecard, and of all time for teams and campaigns what their experiments say.
#[derive(Serialize)]
pub(super) struct CardRow<'a> {
    #[serde(flatten)]
    card: &'a Scorecard,
    /// What messages caused, by metric, in the card's currency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lift: Vec<&'a PooledLift>,
    /// The part of the experiments' cost that was spent on persons who would have bought anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    wasted_spend_minor: Option<i64>,
}

/// What the experiments of teams and campaigns say, to stand beside their scorecards.
pub(super) struct Caused {
    pooled: Vec<PooledLift>,
    /// By dimension, subject and currency.
    wasted: BTreeMap<(&'static str, String, String), i64>,
}

impl Caused {
    /// Adds the experiments up.
    ///
    /// # Errors
    /// [`LiftError`] when they cannot be.
    pub(super) fn of(experiments: &Experiments, plan: Plan) -> Result<Self, LiftError> {
        let mut pooled = experiments.teams()?;
        pooled.extend(experiments.campaigns()?);
        let subjects: BTreeSet<(&'static str, String)> =
            pooled.iter().map(|one| (one.dimension, one.subject.clone())).collect();
        let mut wasted_of = BTreeMap::new();
        for (dimension, subject) in subjects {
            let is_its = |one: &&ExperimentLift| match dimension {
                DIMENSION_CAMPAIGN => one.key.campaign_id.as_ref() == Some(&subject),
                _ => one.key.team_id == subject,
            };
            for (currency, minor) in wasted(experiments.iter().filter(is_its), plan)? {
                wasted_of.insert((dimension, subject.clone(), currency), minor);
            }
        }
        Ok(Self { pooled, wasted: wasted_of })
    }

    /// The scorecard with what belongs beside it.
    pub(super) fn beside<'a>(&'a self, card: &'a Scorecard) -> CardRow<'a> {
        let key = &card.key;
        let is_of_all_time = key.window == WINDOW_TOTAL;
        let is_its = |one: &&PooledLift| {
            is_of_all_time
                && (one.dimension, &one.subject, &one.currency) == (key.dimension.as_str(), &key.subject, &key.currency)
        };
        let wasted = self.wasted.iter().find(|((dimension, subject, currency), _)| {
            is_of_all_time && (*dimension, subject, currency) == (key.dimension.as_str(), &key.subject, &key.currency)
        });
        CardRow {
            card,
            lift: self.pooled.iter().filter(is_its).collect(),
            wasted_spend_minor: wasted.map(|(_, minor)| *minor),
        }
    }
}
