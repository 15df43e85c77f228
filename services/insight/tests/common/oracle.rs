//! Scorecards as a batch over the statements that stand: written for clearness, with sets of persons, and sharing no
//! code with the service but the key.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_model::{JourneyEvent, PersonId};

#[derive(Default)]
struct Card {
    measures: Measures,
    touched: BTreeSet<PersonId>,
    exposed: BTreeSet<PersonId>,
    bought: BTreeSet<PersonId>,
}

/// The scorecards that are not all zero.
pub(crate) fn scorecards(standing: &[JourneyEvent]) -> BTreeMap<ScorecardKey, Measures> {
    let mut cards: BTreeMap<ScorecardKey, Card> = BTreeMap::new();
    for event in standing {
        let touchpoint = &event.touchpoint;
        let campaign_id = touchpoint.campaign_id.as_deref();
        let is_return = touchpoint.event_type == "order.refunded";
        let is_sale = touchpoint.value.is_some() && !is_return;
        let value = touchpoint.value.as_ref();
        let cost = touchpoint.cost.as_ref();
        let mut currencies = BTreeSet::from([""]);
        currencies.extend(value.iter().chain(cost.iter()).map(|money| money.currency.as_str()));
        for currency in currencies {
            for key in keys(&event.team_id, &touchpoint.channel, campaign_id, currency, touchpoint.occurred_at, true) {
                let card = cards.entry(key).or_default();
                let exposure = touchpoint.event_type.ends_with(".sent") || touchpoint.event_type.ends_with(".shown");
                card.touched.insert(event.person_id);
                card.measures.touches += 1;
                if exposure {
                    card.exposed.insert(event.person_id);
                    card.measures.exposures += 1;
                }
                if is_sale {
                    card.bought.insert(event.person_id);
                    card.measures.conversions += 1;
                }
                if is_return {
                    card.measures.returns += 1;
                }
                if value.is_some() {
                    card.measures.lines += touchpoint.items.len() as i64;
                }
                if let Some(place) = &touchpoint.location {
                    *card.measures.locations.entry(place.clone()).or_insert(0) += 1;
                }
                if let Some(cost) = cost.filter(|cost| cost.currency == currency) {
                    card.measures.cost_minor += cost.amount_minor;
                }
                if let Some(value) = value.filter(|value| value.currency == currency) {
                    card.measures.revenue_minor += value.amount_minor;
                    let goods: i64 = touchpoint.items.iter().map(|item| 2 * item.unit_cost_minor.unwrap()).sum();
                    card.measures.margin_minor +=
                        if value.amount_minor < 0 { value.amount_minor + goods } else { value.amount_minor - goods };
                    for discount in touchpoint.items.iter().flat_map(|item| &item.discounts) {
                        let amount = if is_return { -discount.amount_minor } else { discount.amount_minor };
                        *card.measures.discounts_minor.entry(discount.kind.clone()).or_insert(0) += amount;
                    }
                }
            }
        }
        credit(event, &mut cards);
    }
    let finished = cards.into_iter().map(|(key, mut card)| {
        card.measures.persons = card.touched.len() as i64;
        card.measures.reach = card.exposed.len() as i64;
        card.measures.buyers = card.bought.len() as i64;
        card.measures.credit_minor.retain(|_, amount| *amount != 0);
        card.measures.discounts_minor.retain(|_, amount| *amount != 0);
        (key, card.measures)
    });
    finished.filter(|(_, measures)| *measures != Measures::default()).collect()
}

fn keys(team: &str, channel: &str, campaign: Option<&str>, currency: &str, at: i64, all: bool) -> Vec<ScorecardKey> {
    let mut subjects = vec![(team, "team", team), (team, "channel", channel)];
    subjects.extend(campaign.map(|campaign| (team, "campaign", campaign)));
    if all {
        subjects.push(("all", "team", "all"));
    }
    let midnight = at - at.rem_euclid(86_400_000);
    let windows = [("total", 0), ("day", midnight)];
    let key = |(team, dimension, subject): &(&str, &str, &str), (window, start): (&str, i64)| ScorecardKey {
        team_id: (*team).to_owned(),
        dimension: (*dimension).to_owned(),
        subject: (*subject).to_owned(),
        window: window.to_owned(),
        window_start_at: start,
        currency: currency.to_owned(),
    };
    subjects.iter().flat_map(|subject| windows.map(|window| key(subject, window))).collect()
}

fn credit(event: &JourneyEvent, cards: &mut BTreeMap<ScorecardKey, Card>) {
    let touchpoint = &event.touchpoint;
    let Some(value) = &touchpoint.value else { return };
    let own = (event.team_id.as_str(), touchpoint.channel.as_str(), touchpoint.campaign_id.as_deref());
    let mut steps: Vec<_> = event
        .path
        .iter()
        .map(|step| (step.team_id.as_str(), step.channel.as_str(), step.campaign_id.as_deref(), step.occurred_at))
        .collect();
    if steps.is_empty() {
        steps.push((own.0, own.1, own.2, touchpoint.occurred_at));
    }
    for (model, weights) in weights(&steps.iter().map(|step| (step.1, step.3)).collect::<Vec<_>>()) {
        for ((team, channel, campaign, _), amount) in steps.iter().zip(divide(value.amount_minor, &weights)) {
            for key in keys(team, channel, *campaign, &value.currency, touchpoint.occurred_at, true) {
                *cards.entry(key).or_default().measures.credit_minor.entry(model.to_owned()).or_insert(0) += amount;
            }
        }
    }
}

/// What each step weighs, by model, in whole numbers.
fn weights(steps: &[(&str, i64)]) -> [(&'static str, Vec<i128>); 6] {
    let end = steps.len() - 1;
    let one = |chosen: usize| (0..=end).map(|place| i128::from(place == chosen)).collect::<Vec<_>>();
    let brought = (0..=end).rev().find(|place| steps[*place].0 != "direct").unwrap_or(end);
    let ends = |place: usize| if end > 1 && (place == 0 || place == end) { 2 * (end as i128 - 1) } else { 1 };
    let newest = steps.iter().map(|step| step.1).max().unwrap();
    let decayed = |(_, at): &(&str, i64)| {
        let hours = (newest - at) / 3_600_000;
        ((2_f64.powi(32) * (-(hours % 168) as f64 / 168.0).exp2()).round() as i128) >> (hours / 168).min(100)
    };
    [
        ("first", one(0)),
        ("last", one(end)),
        ("last_non_direct", one(brought)),
        ("linear", vec![1; steps.len()]),
        ("position_based", (0..=end).map(ends).collect()),
        ("time_decay", steps.iter().map(decayed).collect()),
    ]
}

/// The whole units of each share, and one more to those of which most was cut off, earlier ones first.
fn divide(value: i64, weights: &[i128]) -> Vec<i64> {
    let sum: i128 = weights.iter().sum();
    let exact: Vec<i128> = weights.iter().map(|weight| i128::from(value.abs()) * weight).collect();
    let mut parts: Vec<i128> = exact.iter().map(|due| due / sum).collect();
    let left = i128::from(value.abs()) - parts.iter().sum::<i128>();
    let mut by_rest: Vec<usize> = (0..weights.len()).collect();
    by_rest.sort_by_key(|place| (-(exact[*place] % sum), *place));
    by_rest.into_iter().take(left as usize).for_each(|place| parts[place] += 1);
    parts.into_iter().map(|part| value.signum() * part as i64).collect()
}
