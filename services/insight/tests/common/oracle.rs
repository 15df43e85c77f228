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
        .map(|step| (step.team_id.as_str(), step.channel.as_str(), step.campaign_id.as_deref()))
        .collect();
    if steps.is_empty() {
        steps.push(own);
    }
    let count = steps.len() as i64;
    for (index, (team, channel, campaign)) in steps.iter().enumerate() {
        let index = index as i64;
        let sign = if value.amount_minor < 0 { -1 } else { 1 };
        let (each, rest) = (value.amount_minor.abs() / count, value.amount_minor.abs() % count);
        let parts = [
            ("first", if index == 0 { value.amount_minor } else { 0 }),
            ("last", if index == count - 1 { value.amount_minor } else { 0 }),
            ("linear", sign * (each + i64::from(index < rest))),
        ];
        let keys = keys(team, channel, *campaign, &value.currency, touchpoint.occurred_at, true);
        for key in keys {
            let card = cards.entry(key).or_default();
            for (model, amount) in parts {
                *card.measures.credit_minor.entry(model.to_owned()).or_insert(0) += amount;
            }
        }
    }
}
