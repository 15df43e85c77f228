//! Experiments as a batch: who was exposed in which, and what the persons of each arm did before and after.

use std::collections::BTreeMap;

use tributary_model::experiment::{ArmSums, ExperimentKey, ExperimentSums, LiftMetric, MetricSums};
use tributary_model::time::DAY_MS;
use tributary_model::{Arm, Decision, EnrolmentStatus, Fate, JourneyEvent, WithheldReason};

use crate::truth::kinds::{money, orders};
use crate::truth::people::People;

const BEFORE_MS: i64 = 30 * DAY_MS;
const AFTER_MS: i64 = 14 * DAY_MS;

/// How somebody takes part in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) arm: Arm,
    pub(crate) status: EnrolmentStatus,
    pub(crate) enrolled_at: i64,
    pub(crate) team_id: String,
}

/// Who takes part in what, by person and experiment: everybody to whom a message was sent, or would have been.
pub(crate) fn parts(people: &People, decisions: &[Decision]) -> BTreeMap<(usize, String), Part> {
    let mut parts: BTreeMap<(usize, String), Part> = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| decision.account_id.is_none()) {
        let is_exposed = decision.fate == Fate::Sent || decision.reason == Some(WithheldReason::HeldOut);
        let person = decision.evidence.last().and_then(|last| people.of_touch.get(last));
        let (true, Some(person), Some(experiment)) = (is_exposed, person, &decision.experiment) else { continue };
        let at = decision.judged_at.unwrap_or(i64::MIN);
        let new = Part {
            arm: decision.arm,
            status: EnrolmentStatus::Enrolled,
            enrolled_at: at,
            team_id: decision.team_id.clone(),
        };
        let part = parts.entry((*person, experiment.clone())).or_insert(new);
        part.enrolled_at = part.enrolled_at.min(at);
        if part.arm != decision.arm {
            (part.arm, part.status) = (Arm::Treated, EnrolmentStatus::Contaminated);
        }
    }
    parts
}

/// What the experiments come to.
pub(crate) fn sums(
    people: &People,
    parts: &BTreeMap<(usize, ExperimentKey), Part>,
) -> BTreeMap<ExperimentKey, ExperimentSums> {
    let mut all: BTreeMap<ExperimentKey, ExperimentSums> = BTreeMap::new();
    for ((person, key), part) in parts {
        let sums = all.entry(key.clone()).or_default();
        if part.status == EnrolmentStatus::Contaminated {
            sums.contaminated += 1;
            continue;
        }
        let arm = match part.arm {
            Arm::Treated => &mut sums.treated,
            Arm::HeldOut => &mut sums.held_out,
        };
        arm.persons += 1;
        let journey = &people.all[*person].journey;
        let within = |from: i64, until: i64| {
            let of = move |event: &&JourneyEvent| (from + 1..=until).contains(&event.touchpoint.occurred_at);
            did(journey.iter().filter(of).filter(|event| !event.touchpoint.identifiers.is_empty()))
        };
        let after = within(part.enrolled_at, part.enrolled_at + AFTER_MS);
        let before = within(part.enrolled_at - BEFORE_MS, part.enrolled_at);
        let names: std::collections::BTreeSet<_> = after.keys().chain(before.keys()).cloned().collect();
        for name in names {
            let of = |did: &Did| i128::from(did.get(&name).copied().unwrap_or(0));
            add(arm, &name, of(&after), of(&before));
        }
    }
    all.values_mut().for_each(|sums| {
        for arm in [&mut sums.treated, &mut sums.held_out] {
            arm.metrics.retain(|one| one.outcome_squares + one.covariate_squares != 0);
            arm.metrics.sort_by_key(|one| (one.metric, one.currency.clone()));
        }
    });
    all
}

type Did = BTreeMap<(LiftMetric, String), i64>;

fn did<'a>(events: impl Iterator<Item = &'a JourneyEvent>) -> Did {
    let (mut did, mut bought) = (Did::new(), 0);
    for event in events {
        let touchpoint = &event.touchpoint;
        bought += orders(touchpoint);
        if let Some((currency, value, margin)) = money(touchpoint) {
            *did.entry((LiftMetric::Revenue, currency.to_owned())).or_default() += value;
            *did.entry((LiftMetric::Margin, currency.to_owned())).or_default() += margin;
        }
        if let Some(cost) = &touchpoint.cost {
            *did.entry((LiftMetric::Cost, cost.currency.clone())).or_default() += cost.amount_minor;
        }
    }
    did.insert((LiftMetric::Conversion, String::new()), i64::from(bought > 0));
    did
}

fn add(arm: &mut ArmSums, name: &(LiftMetric, String), outcome: i128, covariate: i128) {
    let place = arm.metrics.iter().position(|one| (one.metric, &one.currency) == (name.0, &name.1));
    let place = place.unwrap_or_else(|| {
        let (metric, currency) = name.clone();
        arm.metrics.push(MetricSums {
            metric,
            currency,
            nonzero: 0,
            outcomes: 0,
            outcome_squares: 0,
            covariates: 0,
            covariate_squares: 0,
            products: 0,
        });
        arm.metrics.len() - 1
    });
    let sums = &mut arm.metrics[place];
    sums.nonzero += i64::from(outcome != 0);
    sums.outcomes += outcome;
    sums.outcome_squares += outcome * outcome;
    sums.covariates += covariate;
    sums.covariate_squares += covariate * covariate;
    sums.products += outcome * covariate;
}
