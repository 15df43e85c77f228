//! Scorecards as a batch over all journeys and decisions, with sets of persons.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::outcome::OutcomeKind;
use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_model::{Decision, DecisionOutcome, Fate, Item, JourneyEvent, Touchpoint, WithheldReason};

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
    tentpole: Option<&'a str>,
    flight: Option<i64>,
    message: Option<&'a str>,
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
            tentpole: event.tentpole_id(),
            flight: event.flight_at(),
            message: touch.message_id.as_deref(),
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
    torn: BTreeSet<usize>,
    /// Whether touches are told by their types, as on the cards of messages.
    tells_types: bool,
}

/// All scorecards that are not zero, of every dimension, and of every window but minutes.
pub(crate) fn scorecards(
    people: &People,
    decisions: &[Decision],
    outcomes: &[DecisionOutcome],
) -> BTreeMap<ScorecardKey, Measures> {
    let mut cards = Cards::default();
    for (person, event) in people.journeys() {
        cards.count(person, event);
        cards.count_categories(person, event);
        cards.count_products(person, event);
        cards.credit(event);
    }
    decisions.iter().for_each(|decision| cards.decide(decision));
    outcomes.iter().for_each(|outcome| cards.hear(outcome));
    let finished = cards.0.into_iter().map(|(key, card)| {
        let mut measures = card.measures;
        // Of hours no persons are counted.
        if key.window != "hour" {
            measures.persons = card.touched.len() as i64;
            measures.reach = card.reached.len() as i64;
            measures.buyers = card.bought.len() as i64;
            measures.several_stories = card.torn.len() as i64;
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
        for team in ["all", owner.team] {
            subjects.extend(owner.tentpole.map(|tentpole| (team, "tentpole", tentpole)));
        }
        subjects.extend(owner.message.map(|message| (owner.team, "creative", message)));
        self.each_of(&subjects, currency, at, &mut change);
        if let (Some(campaign), Some(flight_at)) = (owner.campaign, owner.flight) {
            let subject = (owner.team, "campaign", campaign);
            change(self.0.entry(key(subject, ("campaign", flight_at), currency)).or_default());
        }
    }

    /// The cards of some subjects in each window.
    fn each_of(&mut self, subjects: &[(&str, &str, &str)], currency: &str, at: i64, change: &mut dyn FnMut(&mut Card)) {
        let windows = [
            ("total", 0),
            ("week", at - (at - MONDAY_MS).rem_euclid(7 * DAY_MS)),
            ("day", at - at.rem_euclid(DAY_MS)),
            ("hour", at - at.rem_euclid(HOUR_MS)),
        ];
        for subject in subjects {
            for window in windows {
                let card = self.0.entry(key(*subject, window, currency)).or_default();
                card.tells_types = subject.1 == "creative";
                change(card);
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
        let planned = is_exposure(touch) && (touch.campaign_id.is_some() || touch.message_id.is_some());
        let story = &event.story;
        for currency in currencies {
            self.each(owner, currency, touch.occurred_at, |card| {
                let measures = &mut card.measures;
                measures.planned_exposures += i64::from(planned);
                measures.approved_exposures +=
                    i64::from(planned && event.plan.as_ref().is_some_and(|plan| plan.is_approved));
                measures.second_stories += i64::from(story.is_second_story);
                measures.brand_conversions += i64::from(is_sale(touch) && event.exposure.brand_count_30d > 0);
                for kind in &story.conflicts {
                    *measures.conflicts.entry(kind.clone()).or_default() += 1;
                }
                if let Some(within) = heard_within(touch) {
                    *measures.handover.entry(within.to_owned()).or_default() += 1;
                }
                measures.touches += 1;
                if card.tells_types {
                    *measures.events.entry(touch.event_type.clone()).or_default() += 1;
                }
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
                    card.torn.extend((is_exposure(touch) && story.narrative_count >= 2).then_some(person));
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

    /// Counts what happens with each product, over all teams.
    fn count_products(&mut self, person: usize, event: &JourneyEvent) {
        let touch = &event.touchpoint;
        let sold = money(touch).map(|(currency, ..)| currency);
        let sign = match (sold, is_sale(touch)) {
            (None, _) => 0,
            (_, true) => 1,
            (_, false) => -1,
        };
        let skus: BTreeSet<&str> = touch.items.iter().map(|item| item.sku.as_str()).collect();
        for sku in skus {
            let lines = || touch.items.iter().filter(move |item| item.sku == sku);
            let value = |item: &Item| item.line_value_minor.unwrap_or(0);
            let worth: i64 = lines().map(|item| if sign > 0 { value(item) } else { -value(item).abs() }).sum();
            let goods: i64 = lines().map(|item| item.unit_cost_minor.unwrap_or(0) * item.quantity.abs()).sum();
            for currency in std::iter::once("").chain(sold) {
                self.each_of(&[("all", "product", sku)], currency, touch.occurred_at, &mut |card| {
                    let measures = &mut card.measures;
                    measures.touches += 1;
                    measures.exposures += i64::from(is_exposure(touch));
                    *measures.events.entry(touch.event_type.clone()).or_default() += 1;
                    if let Some(stars) = stars(touch) {
                        measures.ratings += 1;
                        measures.rating_centi += (stars * 100.0).round() as i64;
                    }
                    if sign != 0 {
                        measures.conversions += i64::from(sign > 0);
                        measures.returns += i64::from(sign < 0);
                        measures.lines += lines().count() as i64;
                        measures.pieces += lines().map(|item| sign * item.quantity.abs()).sum::<i64>();
                    }
                    if sign != 0 && !currency.is_empty() {
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
                        card.reached.extend(is_exposure(touch).then_some(person));
                        card.torn.extend((is_exposure(touch) && event.story.narrative_count >= 2).then_some(person));
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
                    tentpole: step.tentpole_id.as_deref(),
                    flight: step.flight_at,
                    message: step.message_id.as_deref(),
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

    /// What came of a decision, to its team; what leaked, to the team that leaked.
    fn hear(&mut self, outcome: &DecisionOutcome) {
        let at = outcome.occurred_at;
        if let Some(team) = outcome.touchpoint_team_id.as_deref().filter(|_| outcome.kind == OutcomeKind::Leaked) {
            self.each(Owner { team, ..Owner::default() }, "", at, |card| card.measures.leaks += 1);
        }
        if outcome.is_ghost {
            return;
        }
        let owner = Owner { team: &outcome.team_id, channel: &outcome.channel, ..Owner::default() };
        let answers = ![OutcomeKind::Leaked, OutcomeKind::OverCap].contains(&outcome.kind);
        self.each(owner, "", at, |card| {
            let measures = &mut card.measures;
            *measures.outcomes.entry(outcome.kind.name().to_owned()).or_default() += 1;
            if answers {
                measures.loops += 1;
                measures.loop_ms += outcome.loop_ms;
            }
        });
    }

    fn decide(&mut self, decision: &Decision) {
        let owner = Owner { team: &decision.team_id, channel: &decision.channel, ..Owner::default() };
        self.each(owner, "", decision.decided_at, |card| match decision.fate {
            Fate::Sent => {
                card.measures.decisions_sent += 1;
                card.measures.suppressions += i64::from(decision.action == "suppress");
            }
            Fate::Withheld => {
                let reason = decision.reason.map_or("unstated", reason_name);
                *card.measures.decisions_withheld.entry(reason.to_owned()).or_default() += 1;
            }
        });
    }
}

fn key(
    (team, dimension, subject): (&str, &str, &str),
    (window, window_start_at): (&str, i64),
    currency: &str,
) -> ScorecardKey {
    ScorecardKey {
        team_id: team.to_owned(),
        dimension: dimension.to_owned(),
        subject: subject.to_owned(),
        window: window.to_owned(),
        window_start_at,
        currency: currency.to_owned(),
    }
}

/// How soon a sale or a complaint was heard of.
fn heard_within(touch: &Touchpoint) -> Option<&'static str> {
    if !is_sale(touch) && touch.event_type != "case.opened" {
        return None;
    }
    let late_ms = touch.received_at - touch.occurred_at;
    Some(match late_ms {
        ..=60_000 => "1m",
        60_001..=300_000 => "5m",
        300_001..=HOUR_MS => "1h",
        _ if late_ms <= DAY_MS => "1d",
        _ => "later",
    })
}

/// The stars of a review.
fn stars(touch: &Touchpoint) -> Option<f64> {
    let is_review = touch.event_type == "product.reviewed";
    let text = touch.properties.get("rating").or(touch.properties.get("stars")).filter(|_| is_review)?;
    text.parse().ok().filter(|stars| (0.0..=100.0).contains(stars))
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
