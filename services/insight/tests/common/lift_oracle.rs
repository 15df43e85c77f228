//! Experiments as a batch over the statements that stand: every person of every experiment against everything it did.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;

use tributary_model::experiment::{ArmSums, ExperimentKey, ExperimentSums, LiftMetric, MetricSums};
use tributary_model::{Arm, Enrolment, EnrolmentStatus, JourneyEvent, PersonId};

const MINUTE_MS: i64 = 60_000;

/// The sums of experiments somebody takes part in.
pub(crate) fn sums(
    standing: &[JourneyEvent],
    enrolments: &[Enrolment],
    (before_ms, outcome_ms): (i64, i64),
) -> BTreeMap<ExperimentKey, ExperimentSums> {
    // The last word on each person and experiment.
    let compared = compared(standing, before_ms);
    let mut last: BTreeMap<(PersonId, &str, Option<&str>), &Enrolment> = BTreeMap::new();
    for one in enrolments.iter().chain(&compared) {
        last.insert((one.person_id, &one.key.experiment, one.key.campaign_id.as_deref()), one);
    }
    let mut all: BTreeMap<ExperimentKey, ExperimentSums> = BTreeMap::new();
    for one in last.into_values().filter(|one| one.status != EnrolmentStatus::Withdrawn) {
        let sums = all.entry(one.key.clone()).or_default();
        if one.status == EnrolmentStatus::Contaminated {
            sums.contaminated += 1;
            continue;
        }
        let arm = if one.arm == Arm::Treated { &mut sums.treated } else { &mut sums.held_out };
        arm.persons += 1;
        let after = one.enrolled_at + 1..=one.enrolled_at + outcome_ms;
        let before = one.enrolled_at - before_ms + 1..=one.enrolled_at;
        let of = |event: &&JourneyEvent| event.person_id == one.person_id && !event.touchpoint.identifiers.is_empty();
        let theirs: Vec<&JourneyEvent> = standing.iter().filter(of).collect();
        let within = |range: &std::ops::RangeInclusive<i64>| {
            theirs.iter().copied().filter(|event| range.contains(&event.touchpoint.occurred_at)).collect::<Vec<_>>()
        };
        for (name, (outcome, covariate)) in join(values(&within(&after)), values(&within(&before))) {
            count(arm, name, outcome, covariate);
        }
        let minute = one.enrolled_at.div_euclid(MINUTE_MS);
        let visited = within(&after).iter().any(|event| {
            let kind = event.touchpoint.event_type.as_str();
            matches!(kind, "page.viewed" | "product.reviewed" | "store.purchased" | "order.placed")
                && event.touchpoint.occurred_at.div_euclid(MINUTE_MS) > minute
        });
        if visited {
            count(arm, (LiftMetric::Visit, String::new()), 1, 0);
        }
    }
    all.values_mut().for_each(|sums| {
        for arm in [&mut sums.treated, &mut sums.held_out] {
            arm.metrics.retain(|one| (one.outcome_squares, one.covariate_squares) != (0, 0));
            arm.metrics.sort_by_key(|one| (one.metric, one.currency.clone()));
        }
    });
    all
}

/// Whoever a campaign for demand asked, from its first message on, by whether a brand message came before.
fn compared(standing: &[JourneyEvent], before_ms: i64) -> Vec<Enrolment> {
    let asks = |event: &&JourneyEvent| {
        let kind = event.touchpoint.event_type.as_str();
        let demand = event.plan.as_ref().and_then(|plan| plan.demand_percent);
        (kind.ends_with(".sent") || kind.ends_with(".shown")) && demand.is_some_and(|percent| percent >= 50)
    };
    let mut first: BTreeMap<(PersonId, &str), &JourneyEvent> = BTreeMap::new();
    for event in standing.iter().filter(asks) {
        let campaign = event.touchpoint.campaign_id.as_deref().unwrap();
        let known = first.entry((event.person_id, campaign)).or_insert(event);
        let place = |event: &JourneyEvent| (event.touchpoint.occurred_at, event.touchpoint.touchpoint_id.clone());
        if place(event) < place(known) {
            *known = event;
        }
    }
    let enrolment = |((person_id, campaign), event): ((PersonId, &str), &JourneyEvent)| {
        let at = event.touchpoint.occurred_at;
        let bought = standing.iter().filter(|other| {
            let kind = other.touchpoint.event_type.as_str();
            other.person_id == person_id
                && ["store.purchased", "order.placed"].contains(&kind)
                && (at - before_ms + 1..=at).contains(&other.touchpoint.occurred_at)
        });
        let experiment = ["no order before", "one order before", "more orders before"][bought.count().min(2)];
        let key = ExperimentKey {
            experiment: experiment.to_owned(),
            team_id: event.team_id.clone(),
            holdout_buckets: 0,
            is_clustered: false,
            campaign_id: Some(campaign.to_owned()),
            is_observed: true,
        };
        let arm = if event.exposure.brand_count_30d > 0 { Arm::Treated } else { Arm::HeldOut };
        Enrolment { person_id, key, arm, status: EnrolmentStatus::Enrolled, enrolled_at: at }
    };
    first.into_iter().map(enrolment).collect()
}

type Named = BTreeMap<(LiftMetric, String), i64>;

fn values(events: &[&JourneyEvent]) -> Named {
    let mut sums = Named::new();
    let mut add = |metric, currency: &str, by: i64| *sums.entry((metric, currency.to_owned())).or_default() += by;
    let mut sales = 0;
    for event in events {
        let touchpoint = &event.touchpoint;
        if let Some(value) = &touchpoint.value {
            let cost: i64 = touchpoint.items.iter().map(|item| item.unit_cost_minor.unwrap() * item.quantity).sum();
            let cost = if value.amount_minor < 0 { -cost } else { cost };
            add(LiftMetric::Revenue, &value.currency, value.amount_minor);
            add(LiftMetric::Margin, &value.currency, value.amount_minor - cost);
            sales += i64::from(touchpoint.event_type != "order.refunded");
        }
        if let Some(cost) = &touchpoint.cost {
            add(LiftMetric::Cost, &cost.currency, cost.amount_minor);
        }
    }
    add(LiftMetric::Conversion, "", i64::from(sales > 0));
    sums
}

fn join(after: Named, before: Named) -> BTreeMap<(LiftMetric, String), (i64, i64)> {
    let mut joined: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    after.into_iter().for_each(|(name, value)| joined.entry(name).or_default().0 = value);
    before.into_iter().for_each(|(name, value)| joined.entry(name).or_default().1 = value);
    joined
}

fn count(arm: &mut ArmSums, (metric, currency): (LiftMetric, String), outcome: i64, covariate: i64) {
    let known = arm.metrics.iter().position(|one| one.metric == metric && one.currency == currency);
    let place = known.unwrap_or_else(|| {
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
    let (outcome, covariate) = (i128::from(outcome), i128::from(covariate));
    sums.nonzero += i64::from(outcome != 0);
    sums.outcomes += outcome;
    sums.outcome_squares += outcome * outcome;
    sums.covariates += covariate;
    sums.covariate_squares += covariate * covariate;
    sums.products += outcome * covariate;
}
