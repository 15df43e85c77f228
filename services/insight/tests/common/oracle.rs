//! Scorecards as a batch over the statements that stand: written for clearness, with sets of persons, and sharing no
//! code with the service but the key.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::journey::PathStep;
use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_model::{JourneyEvent, PersonId};

#[derive(Default)]
struct Card {
    measures: Measures,
    touched: BTreeSet<PersonId>,
    exposed: BTreeSet<PersonId>,
    torn: BTreeSet<PersonId>,
    bought: BTreeSet<PersonId>,
}

/// The scorecards that are not all zero.
pub(crate) fn scorecards(standing: &[JourneyEvent]) -> BTreeMap<ScorecardKey, Measures> {
    let mut cards: BTreeMap<ScorecardKey, Card> = BTreeMap::new();
    for event in standing {
        let touchpoint = &event.touchpoint;
        let is_return = touchpoint.event_type == "order.refunded";
        let is_sale = touchpoint.value.is_some() && !is_return;
        let value = touchpoint.value.as_ref();
        let cost = touchpoint.cost.as_ref();
        let mut currencies = BTreeSet::from([""]);
        currencies.extend(value.iter().chain(cost.iter()).map(|money| money.currency.as_str()));
        for currency in currencies {
            let owner = Owner {
                team: &event.team_id,
                channel: &touchpoint.channel,
                campaign: touchpoint.campaign_id.as_deref(),
                agency: touchpoint.agency.as_deref(),
                partner: touchpoint.partner.as_deref(),
                store: touchpoint.location.as_deref(),
                tentpole: event.plan.as_ref().and_then(|plan| plan.tentpole_id.as_deref()),
                flight: event.plan.as_ref().and_then(|plan| plan.flight_at),
                message: touchpoint.message_id.as_deref(),
            };
            for key in keys(owner, currency, touchpoint.occurred_at) {
                let is_creative = key.dimension == "creative";
                let card = cards.entry(key).or_default();
                told(event, card, is_creative);
                let exposure = touchpoint.event_type.ends_with(".sent") || touchpoint.event_type.ends_with(".shown");
                card.touched.insert(event.person_id);
                card.measures.touches += 1;
                if exposure {
                    card.exposed.insert(event.person_id);
                    card.measures.exposures += 1;
                }
                if exposure && event.story.narrative_count >= 2 {
                    card.torn.insert(event.person_id);
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
        categories(event, &mut cards);
        products(event, &mut cards);
    }
    let finished = cards.into_iter().map(|(key, mut card)| {
        if ["minute", "hour"].contains(&key.window.as_str()) {
            card = Card { measures: card.measures, ..Card::default() };
        }
        card.measures.persons = card.touched.len() as i64;
        card.measures.reach = card.exposed.len() as i64;
        card.measures.buyers = card.bought.len() as i64;
        card.measures.several_stories = card.torn.len() as i64;
        card.measures.credit_minor.retain(|_, amount| *amount != 0);
        card.measures.discounts_minor.retain(|_, amount| *amount != 0);
        (key, card.measures)
    });
    finished.filter(|(_, measures)| *measures != Measures::default()).collect()
}

/// Whose something is.
#[derive(Clone, Copy)]
struct Owner<'a> {
    team: &'a str,
    channel: &'a str,
    campaign: Option<&'a str>,
    agency: Option<&'a str>,
    partner: Option<&'a str>,
    store: Option<&'a str>,
    tentpole: Option<&'a str>,
    flight: Option<i64>,
    message: Option<&'a str>,
}

/// What a touch says of the story that is told.
fn told(event: &JourneyEvent, card: &mut Card, is_creative: bool) {
    let (touchpoint, measures) = (&event.touchpoint, &mut card.measures);
    let exposure = touchpoint.event_type.ends_with(".sent") || touchpoint.event_type.ends_with(".shown");
    if exposure && (touchpoint.campaign_id.is_some() || touchpoint.message_id.is_some()) {
        measures.planned_exposures += 1;
        if event.plan.as_ref().is_some_and(|plan| plan.is_approved) {
            measures.approved_exposures += 1;
        }
    }
    if event.story.is_second_story {
        measures.second_stories += 1;
    }
    let sold = touchpoint.value.is_some() && touchpoint.event_type != "order.refunded";
    measures.brand_conversions += i64::from(sold && event.exposure.brand_count_30d > 0);
    for conflict in &event.story.conflicts {
        *measures.conflicts.entry(conflict.clone()).or_insert(0) += 1;
    }
    if touchpoint.value.is_some() && touchpoint.event_type != "order.refunded" {
        let within = match (touchpoint.received_at - touchpoint.occurred_at) / 1_000 {
            ..=59 => "1m",
            60..=299 => "5m",
            300..=3_600 => "1h",
            3_601..=86_400 => "1d",
            _ => "later",
        };
        *measures.handover.entry(within.to_owned()).or_insert(0) += 1;
    }
    if is_creative {
        *measures.events.entry(touchpoint.event_type.clone()).or_insert(0) += 1;
    }
}

/// What happened with each product.
fn products(event: &JourneyEvent, cards: &mut BTreeMap<ScorecardKey, Card>) {
    let touchpoint = &event.touchpoint;
    let kind = touchpoint.event_type.as_str();
    let (back, sold) = (kind == "order.refunded", touchpoint.value.is_some() && kind != "order.refunded");
    let skus: BTreeSet<&str> = touchpoint.items.iter().map(|item| item.sku.as_str()).collect();
    for sku in skus {
        let of_it: Vec<_> = touchpoint.items.iter().filter(|item| item.sku == sku).collect();
        for currency in std::iter::once("").chain(touchpoint.value.as_ref().map(|value| value.currency.as_str())) {
            for key in in_windows("all", "product", sku, currency, touchpoint.occurred_at) {
                let card = cards.entry(key).or_default();
                card.touched.insert(event.person_id);
                card.measures.touches += 1;
                *card.measures.events.entry(kind.to_owned()).or_insert(0) += 1;
                if kind.ends_with(".sent") || kind.ends_with(".shown") {
                    card.exposed.insert(event.person_id);
                    card.measures.exposures += 1;
                    if event.story.narrative_count >= 2 {
                        card.torn.insert(event.person_id);
                    }
                }
                if sold {
                    card.bought.insert(event.person_id);
                    card.measures.conversions += 1;
                }
                card.measures.returns += i64::from(back);
                if let Some(stars) = touchpoint.properties.get("stars").filter(|_| kind == "product.reviewed") {
                    card.measures.ratings += 1;
                    card.measures.rating_centi += stars.replace('.', "").parse::<i64>().unwrap() * 10;
                }
                if !sold && !back {
                    continue;
                }
                let sign = if back { -1 } else { 1 };
                for item in &of_it {
                    card.measures.lines += 1;
                    card.measures.pieces += sign * item.quantity;
                    if currency.is_empty() {
                        continue;
                    }
                    let worth = sign * item.line_value_minor.unwrap_or(0);
                    card.measures.revenue_minor += worth;
                    card.measures.margin_minor += worth - sign * 2 * item.unit_cost_minor.unwrap_or(0);
                    for discount in &item.discounts {
                        *card.measures.discounts_minor.entry(discount.kind.clone()).or_insert(0) +=
                            sign * discount.amount_minor;
                    }
                }
            }
        }
    }
}

fn keys(owner: Owner<'_>, currency: &str, at: i64) -> Vec<ScorecardKey> {
    let named = [
        ("campaign", owner.campaign),
        ("agency", owner.agency),
        ("partner", owner.partner),
        ("store", owner.store),
        ("tentpole", owner.tentpole),
        ("creative", owner.message),
    ];
    let mut subjects = vec![(owner.team, "team", owner.team), (owner.team, "channel", owner.channel)];
    subjects.extend(named.iter().filter_map(|(dimension, subject)| Some((owner.team, *dimension, (*subject)?))));
    subjects.push(("all", "team", "all"));
    subjects.extend(owner.tentpole.map(|tentpole| ("all", "tentpole", tentpole)));
    let in_all = |(team, dimension, subject): &(&str, &str, &str)| in_windows(team, dimension, subject, currency, at);
    let mut keys: Vec<ScorecardKey> = subjects.iter().flat_map(in_all).collect();
    if let (Some(campaign), Some(window_start_at)) = (owner.campaign, owner.flight) {
        let window = "campaign".to_owned();
        let of_campaign = in_windows(owner.team, "campaign", campaign, currency, at);
        keys.push(ScorecardKey { window, window_start_at, ..of_campaign[0].clone() });
    }
    keys
}

fn in_windows(team: &str, dimension: &str, subject: &str, currency: &str, at: i64) -> Vec<ScorecardKey> {
    let since = |span: i64, first: i64| at - (at - first).rem_euclid(span);
    // 1970-01-05 was a Monday.
    let monday = 4 * 86_400_000;
    let windows = [
        ("total", 0),
        ("week", since(7 * 86_400_000, monday)),
        ("day", since(86_400_000, 0)),
        ("hour", since(3_600_000, 0)),
        ("minute", since(60_000, 0)),
    ];
    let key = |(window, window_start_at): (&str, i64)| ScorecardKey {
        team_id: team.to_owned(),
        dimension: dimension.to_owned(),
        subject: subject.to_owned(),
        window: window.to_owned(),
        window_start_at,
        currency: currency.to_owned(),
    };
    windows.map(key).into()
}

/// What was sold of each category, one line after the other.
fn categories(event: &JourneyEvent, cards: &mut BTreeMap<ScorecardKey, Card>) {
    let touchpoint = &event.touchpoint;
    let Some(value) = &touchpoint.value else { return };
    let sign = if touchpoint.event_type == "order.refunded" { -1 } else { 1 };
    let named: BTreeSet<&str> = touchpoint.items.iter().filter_map(|item| item.category.as_deref()).collect();
    for category in named {
        for currency in ["", value.currency.as_str()] {
            for key in in_windows(&event.team_id, "category", category, currency, touchpoint.occurred_at) {
                let card = cards.entry(key).or_default();
                card.touched.insert(event.person_id);
                card.measures.touches += 1;
                if sign > 0 {
                    card.bought.insert(event.person_id);
                    card.measures.conversions += 1;
                } else {
                    card.measures.returns += 1;
                }
                for item in touchpoint.items.iter().filter(|item| item.category.as_deref() == Some(category)) {
                    card.measures.lines += 1;
                    if currency.is_empty() {
                        continue;
                    }
                    let worth = sign * item.line_value_minor.unwrap_or(0);
                    card.measures.revenue_minor += worth;
                    card.measures.margin_minor += worth - sign * 2 * item.unit_cost_minor.unwrap_or(0);
                    for discount in &item.discounts {
                        let amount = sign * discount.amount_minor;
                        *card.measures.discounts_minor.entry(discount.kind.clone()).or_insert(0) += amount;
                    }
                }
            }
        }
    }
}

fn credit(event: &JourneyEvent, cards: &mut BTreeMap<ScorecardKey, Card>) {
    let touchpoint = &event.touchpoint;
    let Some(value) = &touchpoint.value else { return };
    let step = |step: &'_ PathStep| (step.clone(), None);
    let mut steps: Vec<(PathStep, Option<&str>)> = event.path.iter().map(step).collect();
    if steps.is_empty() {
        let own = PathStep {
            touchpoint_id: String::new(),
            occurred_at: touchpoint.occurred_at,
            channel: touchpoint.channel.clone(),
            campaign_id: touchpoint.campaign_id.clone(),
            team_id: event.team_id.clone(),
            agency: touchpoint.agency.clone(),
            partner: touchpoint.partner.clone(),
            tentpole_id: event.plan.as_ref().and_then(|plan| plan.tentpole_id.clone()),
            flight_at: event.plan.as_ref().and_then(|plan| plan.flight_at),
            message_id: touchpoint.message_id.clone(),
        };
        steps.push((own, touchpoint.location.as_deref()));
    }
    let seen: Vec<(&str, i64)> = steps.iter().map(|(step, _)| (step.channel.as_str(), step.occurred_at)).collect();
    for (model, weights) in weights(&seen) {
        for ((step, store), amount) in steps.iter().zip(divide(value.amount_minor, &weights)) {
            let owner = Owner {
                team: &step.team_id,
                channel: &step.channel,
                campaign: step.campaign_id.as_deref(),
                agency: step.agency.as_deref(),
                partner: step.partner.as_deref(),
                store: *store,
                tentpole: step.tentpole_id.as_deref(),
                flight: step.flight_at,
                message: step.message_id.as_deref(),
            };
            for key in keys(owner, &value.currency, touchpoint.occurred_at) {
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
