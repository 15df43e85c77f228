//! What messages caused, by the hub's experiments and by the truth.
//!
//! Of the simulation's own experiment the effect is known. Nobody in the simulation acts on what the hub's triggers ask for,
//! so that their true effect is none.

use serde::Serialize;
use tributary_insight::read_lift::Experiments;
use tributary_model::experiment::{ExperimentLift, LiftEstimate, LiftMetric};

use crate::simulate::{Letter, VOUCHER_LETTER};

/// With fewer persons in an arm nothing is said.
const MIN_PERSONS: i64 = 30;

/// An experiment, in revenue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiftLine {
    /// The experiment.
    pub experiment: String,
    /// The team whose messages they are.
    pub team: String,
    /// Persons treated.
    pub treated: i64,
    /// Persons held out.
    pub held_out: i64,
    /// The currency.
    pub currency: String,
    /// What the messages caused; nothing while an arm has too few persons.
    pub caused: Option<CausedLine>,
    /// What was truly caused, in minor units; nothing for real data.
    pub truth_minor: Option<i64>,
}

/// What messages caused, all treated persons together, in minor units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CausedLine {
    /// The best guess.
    pub value_minor: i64,
    /// Its lower limit, 95 %.
    pub low_minor: i64,
    /// Its upper limit.
    pub high_minor: i64,
    /// Whether the limits hold for a reader who looks at any time; else, while it is too early for these, for one look.
    pub is_anytime: bool,
}

impl LiftLine {
    /// Whether the truth is within the limits. In one of twenty cases it may rightly not be.
    #[must_use]
    pub fn holds_truth(&self) -> Option<bool> {
        let (truth, caused) = self.truth_minor.zip(self.caused.as_ref())?;
        Some((caused.low_minor..=caused.high_minor).contains(&truth))
    }
}

/// The experiments that say anything about revenue, in their order; `letter` is what is true of the simulated one.
#[must_use]
pub fn lines(experiments: &Experiments, letter: Option<&Letter>) -> Vec<LiftLine> {
    experiments.iter().filter(|one| one.is_trusted).filter_map(|one| line(one, letter)).collect()
}

fn line(lift: &ExperimentLift, letter: Option<&Letter>) -> Option<LiftLine> {
    let revenue = lift.estimates.iter().filter(|one| one.metric == LiftMetric::Revenue);
    let best = revenue.max_by_key(|one| one.is_adjusted)?;
    let (treated, held_out) = (lift.sums.treated.persons, lift.sums.held_out.persons);
    let in_all = |each: f64| (each * treated as f64).round() as i64;
    let (low, high) = limits(best);
    let caused = CausedLine {
        value_minor: in_all(best.effect),
        low_minor: in_all(low),
        high_minor: in_all(high),
        is_anytime: best.anytime_low.is_some(),
    };
    let is_letter = lift.key.experiment == format!("external:{VOUCHER_LETTER}");
    Some(LiftLine {
        experiment: lift.key.experiment.clone(),
        team: lift.key.team_id.clone(),
        treated,
        held_out,
        currency: best.currency.clone(),
        caused: Some(caused).filter(|_| treated.min(held_out) >= MIN_PERSONS),
        truth_minor: letter.map(|letter| if is_letter { letter.caused_minor } else { 0 }),
    })
}

fn limits(one: &LiftEstimate) -> (f64, f64) {
    one.anytime_low.zip(one.anytime_high).unwrap_or((one.fixed_low, one.fixed_high))
}
