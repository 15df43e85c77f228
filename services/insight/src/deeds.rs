//! What persons did, as far as it says what a message was good for: sales and what was taken back of them, what messages
//! cost, and visits.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use tributary_lift::MAX_VALUE;
use tributary_model::experiment::LiftMetric;
use tributary_model::time::MINUTE_MS;
use tributary_model::{JourneyEvent, Money};

/// One thing a person did, or that was spent on it. Ordered by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Deed {
    /// When; of visits the minute, so that those of one minute are one.
    pub(crate) occurred_at: i64,
    /// The touch; empty for visits.
    touchpoint_id: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum What {
    Visited,
    /// Orders are negative for those that were none after all, value and margin for what was taken back.
    Sold {
        orders: i64,
        currency: String,
        value_minor: i64,
        margin_minor: i64,
    },
    Cost {
        currency: String,
        amount_minor: i64,
    },
    /// A message of a campaign for demand was received, with or without a brand message in the window before.
    Asked {
        campaign_id: String,
        team_id: String,
        with_brand: bool,
    },
}

/// Campaigns from this share of demand on ask for something; those below build the brand.
const DEMAND_PERCENT: i32 = 50;

impl Deed {
    /// What a statement of the journey tells of deeds.
    pub(crate) fn of(event: &JourneyEvent, counts_visits: bool) -> Vec<Self> {
        let touchpoint = &event.touchpoint;
        let (occurred_at, touchpoint_id) = (touchpoint.occurred_at, touchpoint.touchpoint_id.clone());
        let mut deeds = Vec::new();
        if let Some(Money { currency, amount_minor }) = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion())
        {
            let what = What::Sold {
                orders: touchpoint.order_delta(),
                currency: currency.clone(),
                value_minor: *amount_minor,
                margin_minor: touchpoint.margin_minor(),
            };
            deeds.push(Self { occurred_at, touchpoint_id: touchpoint_id.clone(), what });
        }
        if let Some(Money { currency, amount_minor }) = touchpoint.cost.clone().filter(|cost| cost.amount_minor != 0) {
            deeds.push(Self { occurred_at, touchpoint_id, what: What::Cost { currency, amount_minor } });
        }
        if counts_visits && touchpoint.is_visit() {
            let occurred_at = occurred_at.div_euclid(MINUTE_MS) * MINUTE_MS;
            deeds.push(Self { occurred_at, touchpoint_id: String::new(), what: What::Visited });
        }
        deeds
    }

    /// That a campaign for demand asked the person for something, when it did.
    pub(crate) fn asked(event: &JourneyEvent) -> Option<Self> {
        let touchpoint = &event.touchpoint;
        let demand_percent = event.plan.as_ref().and_then(|plan| plan.demand_percent)?;
        let campaign_id = touchpoint.campaign_id.clone()?;
        (touchpoint.is_exposure() && demand_percent >= DEMAND_PERCENT).then(|| Self {
            occurred_at: touchpoint.occurred_at,
            touchpoint_id: touchpoint.touchpoint_id.clone(),
            what: What::Asked {
                campaign_id,
                team_id: event.team_id.clone(),
                with_brand: event.exposure.brand_count_30d > 0,
            },
        })
    }

    /// Orders less cancelled ones.
    pub(crate) fn orders(&self) -> i64 {
        if let What::Sold { orders, .. } = &self.what { *orders } else { 0 }
    }

    /// The campaign that asked, its team, and whether a brand message came before.
    pub(crate) fn asking(&self) -> Option<(&str, &str, bool)> {
        match &self.what {
            What::Asked { campaign_id, team_id, with_brand } => Some((campaign_id, team_id, *with_brand)),
            _ => None,
        }
    }
}

/// What one person came to in one experiment: for each metric and currency the outcome, and the covariate from before.
/// What is zero is left out.
pub(crate) type Outcome = BTreeMap<(LiftMetric, String), (i64, i64)>;

/// What a person's deeds come to for who was first exposed at `enrolled_at`: those of `before_ms` up to that instant, and
/// those of `outcome_ms` after it. Deeds come with how often they are stated at present.
///
/// Conversion is 1 or 0, whatever the number of orders. Visits count from the minute after on: earlier ones of the same
/// minute may have been what led to the message. They are not counted before, since there is no need to keep them so long.
pub(crate) fn outcome<'d>(
    deeds: impl Iterator<Item = (&'d Deed, i32)>,
    enrolled_at: i64,
    (before_ms, outcome_ms): (i64, i64),
) -> Outcome {
    let before: Range<i64> = enrolled_at.saturating_sub(before_ms).saturating_add(1)..enrolled_at.saturating_add(1);
    let after = enrolled_at.saturating_add(1)..enrolled_at.saturating_add(outcome_ms).saturating_add(1);
    let mut sums: Outcome = BTreeMap::new();
    let mut orders = (0, 0);
    for (deed, count) in deeds.filter(|(_, count)| *count > 0) {
        let times = i64::from(count);
        let is_after = after.contains(&deed.occurred_at);
        if !is_after && !before.contains(&deed.occurred_at) {
            continue;
        }
        let mut add = |metric, currency: &str, amount: i64| {
            let (outcome, covariate) = sums.entry((metric, currency.to_owned())).or_default();
            let sum = if is_after { outcome } else { covariate };
            *sum = sum.saturating_add(amount.saturating_mul(times));
        };
        match &deed.what {
            What::Visited if is_after => add(LiftMetric::Visit, "", 1),
            What::Visited | What::Asked { .. } => {}
            What::Sold { orders: by, currency, value_minor, margin_minor } => {
                add(LiftMetric::Revenue, currency, *value_minor);
                add(LiftMetric::Margin, currency, *margin_minor);
                let sum = if is_after { &mut orders.0 } else { &mut orders.1 };
                *sum += by * times;
            }
            What::Cost { currency, amount_minor } => add(LiftMetric::Cost, currency, *amount_minor),
        }
    }
    if let Some((visits, _)) = sums.get_mut(&(LiftMetric::Visit, String::new())) {
        *visits = 1;
    }
    sums.insert((LiftMetric::Conversion, String::new()), (i64::from(orders.0 > 0), i64::from(orders.1 > 0)));
    for (outcome, covariate) in sums.values_mut() {
        // Beyond this no sum of squares is kept; no person spends so much.
        *outcome = (*outcome).clamp(-MAX_VALUE, MAX_VALUE);
        *covariate = (*covariate).clamp(-MAX_VALUE, MAX_VALUE);
    }
    sums.retain(|_, sum| *sum != (0, 0));
    sums
}

#[cfg(test)]
mod tests {
    use tributary_model::time::{DAY_MS, HOUR_MS};

    use super::*;

    const AT: i64 = 1_000 * DAY_MS;

    fn sold(after_ms: i64, orders: i64, value_minor: i64) -> Deed {
        let what = What::Sold { orders, currency: "USD".to_owned(), value_minor, margin_minor: value_minor / 2 };
        Deed { occurred_at: AT + after_ms, touchpoint_id: after_ms.to_string(), what }
    }

    fn visited(after_ms: i64) -> Deed {
        Deed { occurred_at: AT + after_ms, touchpoint_id: String::new(), what: What::Visited }
    }

    fn of(deeds: &[Deed]) -> BTreeMap<(&'static str, String), (i64, i64)> {
        let all = outcome(deeds.iter().map(|deed| (deed, 1)), AT, (30 * DAY_MS, 10 * DAY_MS));
        all.into_iter().map(|((metric, currency), sum)| ((metric.name(), currency), sum)).collect()
    }

    fn usd(name: &'static str) -> (&'static str, String) {
        (name, "USD".to_owned())
    }

    #[test]
    fn what_is_before_and_what_is_after_is_told_to_the_millisecond() {
        let edges = [
            sold(-30 * DAY_MS, 1, 1),
            sold(0, 1, 20),
            sold(1, 1, 300),
            sold(10 * DAY_MS, 1, 4_000),
            sold(10 * DAY_MS + 1, 1, 5),
        ];
        let found = of(&edges);
        assert_eq!(found[&usd("revenue")], (4_300, 20));
        assert_eq!(found[&usd("margin")], (2_150, 10));
        assert_eq!(found[&("conversion", String::new())], (1, 1), "however many");
    }

    #[test]
    fn what_is_taken_back_is_no_conversion_and_a_return_leaves_it() {
        let cancelled = of(&[sold(HOUR_MS, 1, 100), sold(2 * HOUR_MS, -1, -100)]);
        assert_eq!(cancelled, BTreeMap::new());
        let returned = of(&[sold(HOUR_MS, 1, 100), sold(2 * HOUR_MS, 0, -100)]);
        assert_eq!(returned.into_iter().collect::<Vec<_>>(), [(("conversion", String::new()), (1, 0))]);
    }

    #[test]
    fn many_visits_are_one_and_those_before_are_none() {
        assert_eq!(of(&[visited(0), visited(-HOUR_MS)]), BTreeMap::new());
        assert_eq!(of(&[visited(HOUR_MS), visited(2 * HOUR_MS)])[&("visit", String::new())], (1, 0));
    }
}
