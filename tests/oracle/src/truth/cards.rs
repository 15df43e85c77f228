//! Scorecards as a batch over all journeys and decisions, with sets of persons.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_model::{Decision, Fate, Item, JourneyEvent, WithheldReason};

use crate::truth::kinds::{is_conversion, is_exposure, is_sale, money};
use crate::truth::people::People;
use crate::truth::shares::{MODELS, Step, shares};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 1970-01-05T00:00:00Z.
const MONDAY_MS: i64 = 4 * DAY_MS;

/// Whose a touch, exposure or decision is.
#[derive(Debug, Clone, Copy, Default)]
struct Owner<'a> {
    team: &'a str,
    channel: &'a str,
    campaign: Option<&'a str>,
    agency: Option<&'a str>,
    partner: Option<&'a str>,
    store: Option<&'a str>,
}

impl<'a> Owner<'a> {
    fn of(event: &'a JourneyEvent) -> Self {
        let touch = &event.touchpoint;
        Self {
            team: &event.team_id,
            channel: &touch.channel,
            campaign: touch.campaign_id.as_deref(),
            agency: touch.agency.as_deref(),
            partner: touch.partner.as_deref(),
            store: touch.location.as_deref(),
        }
    }
}

/// One scorecard with the persons behind its counts.
#[derive(Debug, Default)]
struct Card {
    measures: Measures,
    touched: BTreeSet<usize>,
    reached: BTreeSet<usize>,
    bought: BTreeSet<usize>,
}

/// All scorecards that are not zero, of every dimension, and of every window but minutes.
pub(crate) fn scorecards(people: &People, decisions: &[Decision]) -> BTreeMap<ScorecardKey, Measures> {
    let mut cards = Cards::default();
    for (person, event) in people.journeys() {
        cards.count(person, event);
        cards.count_categories(person, event);
        cards.credit(event);
    }
    decisions.iter().for_each(|decision| cards.decide(decision));
    let finished = cards.0.into_iter().map(|(key, card)| {
        let mut measures = card.measures;
        // Of hours no persons are counted.
        if key.window != "hour" {
            measures.persons = card.touched.len() as i64;
            measures.reach = card.reached.len() as i64;
            measures.buyers = card.bought.len() as i64;
        }
        for amounts in [&mut measures.credit_minor, &mut measures.discounts_minor] {
            amounts.retain(|_, amount| *amount != 0);
        }
        (key, measures)
    });
    finished.filter(|(_, measures)| *measures != Measures::default()).collect()
}

#[derive(Default)]
struct Cards(BTreeMap<ScorecardKey, Card>);

impl Cards {
    /// Every card of an owner, and that of all teams, in each window.
    fn each(&mut self, owner: Owner<'_>, currency: &str, at: i64, mut change: impl FnMut(&mut Card)) {
        let mut subjects = vec![("all", "team", "all"), (owner.team, "team", owner.team)];
        if !owner.channel.is_empty() {
            subjects.push((owner.team, "channel", owner.channel));
        }
        subjects.extend(owner.campaign.map(|campaign| (owner.team, "campaign", campaign)));
        subjects.extend(owner.agency.map(|agency| (owner.team, "agency", agency)));
        subjects.extend(owner.partner.map(|partner| (owner.team, "partner", partner)));
        subjects.extend(owner.store.map(|store| (owner.team, "store", store)));
        self.each_of(&subjects, currency, at, &mut change);
    }

    /// The cards of some subjects in each window.
    fn each_of(&mut self, subjects: &[(&str, &str, &str)], currency: &str, at: i64, change: &mut dyn FnMut(&mut Card)) {
        let windows = [
            ("total", 0),
            ("week", at - (at - MONDAY_MS).rem_euclid(7 * DAY_MS)),
            ("day", at - at.rem_euclid(DAY_MS)),
            ("hour", at - at.rem_euclid(HOUR_MS)),
        ];
        for (team, dimension, subject) in subjects {
            for (window, start) in windows {
                let key = ScorecardKey {
                    team_id: (*team).to_owned(),
                    dimension: (*dimension).to_owned(),
                    subject: (*subject).to_owned(),
                    window: window.to_owned(),
                    window_start_at: start,
                    currency: currency.to_owned(),
                };
                change(self.0.entry(key).or_default());
            }
        }
    }

    /// Counts a touch without a currency, and once for each currency it carries money of.
    fn count(&mut self, person: usize, event: &JourneyEvent) {
        let touch = &event.touchpoint;
        let owner = Owner::of(event);
        let sold = money(touch);
        let cost = touch.cost.as_ref();
        let mut currencies = BTreeSet::from([""]);
        currencies.extend(sold.map(|(currency, ..)| currency));
        currencies.extend(cost.map(|cost| cost.currency.as_str()));
        for currency in currencies {
            self.each(owner, currency, touch.occurred_at, |card| {
                let measures = &mut card.measures;
                measures.touches += 1;
                measures.exposures += i64::from(is_exposure(touch));
                measures.conversions += i64::from(is_sale(touch));
                measures.returns += i64::from(is_conversion(touch) && !is_sale(touch));
                measures.lines += if is_conversion(touch) { touch.items.len() as i64 } else { 0 };
                if let Some(place) = &touch.location {
                    *measures.locations.entry(place.clone()).or_default() += 1;
                }
                if let Some(cost) = cost.filter(|cost| cost.currency == currency) {
                    measures.cost_minor += cost.amount_minor;
                }
                if let Some((_, value, margin)) = sold.filter(|(sold, ..)| *sold == currency) {
                    measures.revenue_minor += value;
                    measures.margin_minor += margin;
                    for discount in touch.items.iter().flat_map(|item| &item.discounts) {
                        let amount = discount.amount_minor;
                        let signed = if is_sale(touch) { amount } else { -amount.abs() };
                        *measures.discounts_minor.entry(discount.kind.clone()).or_default() += signed;
                    }
                }
                // A touch that names nobody has no person.
                if !touch.identifiers.is_empty() {
                    card.touched.insert(person);
                    card.reached.extend(is_exposure(touch).then_some(person));
                    card.bought.extend(is_sale(touch).then_some(person));
                }
            });
        }
    }

    /// Counts the lines of a sale or return by category.
    fn count_categories(&mut self, person: usize, event: &JourneyEvent) {
        let touch = &event.touchpoint;
        let Some((money, ..)) = money(touch) else { return };
        let sign = if is_sale(touch) { 1 } else { -1 };
        let categories: BTreeSet<&str> = touch.items.iter().filter_map(|item| item.category.as_deref()).collect();
        for category in categories {
            let lines = || touch.items.iter().filter(move |item| item.category.as_deref() == Some(category));
            let value = |item: &Item| item.line_value_minor.unwrap_or(0);
            let worth: i64 = lines().map(|item| if sign > 0 { value(item) } else { -value(item).abs() }).sum();
            let goods: i64 = lines().map(|item| item.unit_cost_minor.unwrap_or(0) * item.quantity.abs()).sum();
            for currency in ["", money] {
                let subject = (event.team_id.as_str(), "category", category);
                self.each_of(&[subject], currency, touch.occurred_at, &mut |card| {
                    let measures = &mut card.measures;
                    measures.touches += 1;
                    measures.conversions += i64::from(sign > 0);
                    measures.returns += i64::from(sign < 0);
                    measures.lines += lines().count() as i64;
                    if !currency.is_empty() {
                        measures.revenue_minor += worth;
                        measures.margin_minor += worth - sign * goods;
                        for discount in lines().flat_map(|item| &item.discounts) {
                            let amount = if sign > 0 { discount.amount_minor } else { -discount.amount_minor.abs() };
                            *measures.discounts_minor.entry(discount.kind.clone()).or_default() += amount;
                        }
                    }
                    if !touch.identifiers.is_empty() {
                        card.touched.insert(person);
                        card.bought.extend((sign > 0).then_some(person));
                    }
                });
            }
        }
    }

    /// Credit for a conversion to those on its path, else to its own owner, in the window of the conversion.
    fn credit(&mut self, event: &JourneyEvent) {
        let touch = &event.touchpoint;
        let Some((currency, value, _)) = money(touch) else { return };
        let mut steps: Vec<(Owner<'_>, i64)> = event
            .path
            .iter()
            .map(|step| {
                let owner = Owner {
                    team: &step.team_id,
                    channel: &step.channel,
                    campaign: step.campaign_id.as_deref(),
                    agency: step.agency.as_deref(),
                    partner: step.partner.as_deref(),
                    store: None,
                };
                (owner, step.occurred_at)
            })
            .collect();
        if steps.is_empty() {
            steps.push((Owner::of(event), touch.occurred_at));
        }
        let seen: Vec<Step<'_>> = steps.iter().map(|(owner, at)| (owner.channel, *at)).collect();
        for model in MODELS {
            for ((step, _), amount) in steps.iter().zip(shares(model, value, &seen)) {
                self.each(*step, currency, touch.occurred_at, |card| {
                    *card.measures.credit_minor.entry(model.to_owned()).or_default() += amount;
                });
            }
        }
    }

    fn decide(&mut self, decision: &Decision) {
        let owner = Owner { team: &decision.team_id, channel: &decision.channel, ..Owner::default() };
        self.each(owner, "", decision.decided_at, |card| match decision.fate {
            Fate::Sent => card.measures.decisions_sent += 1,
            Fate::Withheld => {
                let reason = decision.reason.map_or("unstated", reason_name);
                *card.measures.decisions_withheld.entry(reason.to_owned()).or_default() += 1;
            }
        });
    }
}

fn reason_name(reason: WithheldReason) -> &'static str {
    match reason {
        WithheldReason::HeldOut => "held_out",
        WithheldReason::Capped => "capped",
        WithheldReason::QuietHours => "quiet_hours",
        WithheldReason::NoConsent => "no_consent",
        WithheldReason::LostArbitration => "lost_arbitration",
        WithheldReason::Suppressed => "suppressed",
        WithheldReason::Expired => "expired",
        WithheldReason::Contaminated => "contaminated",
    }
}
