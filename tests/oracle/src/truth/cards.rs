//! Scorecards as a batch over all journeys and decisions, with sets of persons.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_model::{Decision, Fate, JourneyEvent, WithheldReason};

use crate::truth::kinds::{is_conversion, is_exposure, is_sale, money};
use crate::truth::people::People;
use crate::truth::shares::{MODELS, Step, shares};

const DAY_MS: i64 = 86_400_000;

/// Whose a touch, exposure or decision is.
#[derive(Debug, Clone, Copy)]
struct Owner<'a> {
    team: &'a str,
    channel: &'a str,
    campaign: Option<&'a str>,
}

/// One scorecard with the persons behind its counts.
#[derive(Debug, Default)]
struct Card {
    measures: Measures,
    touched: BTreeSet<usize>,
    reached: BTreeSet<usize>,
    bought: BTreeSet<usize>,
}

/// All scorecards that are not zero.
pub(crate) fn scorecards(people: &People, decisions: &[Decision]) -> BTreeMap<ScorecardKey, Measures> {
    let mut cards = Cards::default();
    for (person, event) in people.journeys() {
        cards.count(person, event);
        cards.credit(event);
    }
    decisions.iter().for_each(|decision| cards.decide(decision));
    let finished = cards.0.into_iter().map(|(key, card)| {
        let mut measures = card.measures;
        measures.persons = card.touched.len() as i64;
        measures.reach = card.reached.len() as i64;
        measures.buyers = card.bought.len() as i64;
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
    /// Every card of an owner, and that of all teams, in the day and in all time.
    fn each(&mut self, owner: Owner<'_>, currency: &str, at: i64, mut change: impl FnMut(&mut Card)) {
        let mut subjects = vec![("all", "team", "all"), (owner.team, "team", owner.team)];
        if !owner.channel.is_empty() {
            subjects.push((owner.team, "channel", owner.channel));
        }
        subjects.extend(owner.campaign.map(|campaign| (owner.team, "campaign", campaign)));
        for (team, dimension, subject) in subjects {
            for (window, start) in [("total", 0), ("day", at - at.rem_euclid(DAY_MS))] {
                let key = ScorecardKey {
                    team_id: team.to_owned(),
                    dimension: dimension.to_owned(),
                    subject: subject.to_owned(),
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
        let owner = Owner { team: &event.team_id, channel: &touch.channel, campaign: touch.campaign_id.as_deref() };
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

    /// Credit for a conversion to those on its path, else to its own owner, in the window of the conversion.
    fn credit(&mut self, event: &JourneyEvent) {
        let touch = &event.touchpoint;
        let Some((currency, value, _)) = money(touch) else { return };
        let own = Owner { team: &event.team_id, channel: &touch.channel, campaign: touch.campaign_id.as_deref() };
        let mut steps: Vec<(Owner<'_>, i64)> = event
            .path
            .iter()
            .map(|step| {
                let campaign = step.campaign_id.as_deref();
                (Owner { team: &step.team_id, channel: &step.channel, campaign }, step.occurred_at)
            })
            .collect();
        if steps.is_empty() {
            steps.push((own, touch.occurred_at));
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
        let owner = Owner { team: &decision.team_id, channel: &decision.channel, campaign: None };
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
