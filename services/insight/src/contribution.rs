//! What one statement of the journeys stream, or one decision, adds to the scorecards.
//!
//! A touch counts on the cards of its team, channel and campaign, on those of its agency, partner and store where they are
//! asked for, and on the card over all teams. It counts there once without a currency, where everything counts and no money
//! stands, and once for each currency it carries money of. The lines of a sale count on the cards of their categories.
//! Credit counts in the window of the conversion, on the cards of those who are credited.
//!
//! Team, channel and campaign are those of the statement, not looked up again: the journey has asked the canvas when it
//! made the statement, and a retraction repeats it word for word. So a retraction is the exact negative of what it takes
//! back, also when the canvas has changed in between.

use std::collections::BTreeMap;

use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_CREATIVE, Measures};
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_model::{Decision, Fate, JourneyEvent, Touchpoint};

use crate::card::{Card, Owner};
use crate::credit::{credit, owner_of};
use crate::credit_model::CreditModel;
use crate::error::{InsightError, MAX_AMOUNT_MINOR};
use crate::lines::lines;
use crate::reach::Counts;
use crate::views::{Dimension, Views};

/// What one statement adds; windows are left to the caller, who adds it in each of [`Views::windows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution<'a> {
    /// Event time.
    pub occurred_at: i64,
    owner: Owner<'a>,
    slices: Vec<Slice<'a>>,
    credits: Vec<(Credited<'a>, &'a str, Measures)>,
    /// What the lines add to the cards of their categories and products.
    lines: Vec<(Card<'a>, Measures)>,
    counts: Counts,
}

/// On whose cards credit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credited<'a> {
    AllTeams,
    Owner(Owner<'a>),
}

/// What is added to each of the owner's cards of one currency, and to the card over all teams.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slice<'a> {
    currency: &'a str,
    measures: Measures,
    /// What the card of the message gets instead: the same, with the type of the touch.
    on_creative: Option<Measures>,
}

impl<'a> Contribution<'a> {
    /// Calls `add` for each card of `views`, which have to be those it was made for, with what is added to it, and with the
    /// person's touches, exposures and sales where distinct persons are counted.
    pub fn for_each(&self, views: &Views, mut add: impl FnMut(Card<'a>, &Measures, Option<Counts>)) {
        let counts = (self.counts != Counts::default()).then_some(self.counts);
        for slice in &self.slices {
            add(Card::all_teams(slice.currency), &slice.measures, counts);
            self.owner.cards(views, slice.currency).for_each(|card| match &slice.on_creative {
                Some(on_creative) if card.dimension == DIMENSION_CREATIVE => add(card, on_creative, counts),
                _ => add(card, &slice.measures, counts),
            });
        }
        for (card, measures) in &self.lines {
            add(*card, measures, counts);
        }
        for (credited, currency, measures) in &self.credits {
            match credited {
                Credited::AllTeams => add(Card::all_teams(currency), measures, None),
                Credited::Owner(owner) => owner.cards(views, currency).for_each(|card| add(card, measures, None)),
            }
        }
    }

    /// What adds the same to all cards of an owner, in no currency and for no person.
    pub(crate) fn counted(occurred_at: i64, owner: Owner<'a>, measures: Measures) -> Self {
        let slices = vec![Slice { currency: "", measures, on_creative: None }];
        Self { occurred_at, owner, slices, credits: Vec::new(), lines: Vec::new(), counts: Counts::default() }
    }

    fn negate(&mut self) {
        let slices = self.slices.iter_mut();
        let slices = slices.flat_map(|slice| std::iter::once(&mut slice.measures).chain(&mut slice.on_creative));
        let credits = self.credits.iter_mut().map(|(_, _, measures)| measures);
        for measures in slices.chain(credits).chain(self.lines.iter_mut().map(|(_, measures)| measures)) {
            *measures = measures.negated();
        }
        self.counts = self.counts.negated();
    }
}

/// What a journey event adds to the cards of `views`; the negative of it when the event is retracted.
///
/// # Errors
/// [`InsightError`] when an amount is too large to be summed exactly, or a team has a reserved name.
pub fn of_journey_event<'a>(event: &'a JourneyEvent, views: &Views) -> Result<Contribution<'a>, InsightError> {
    let touchpoint = &event.touchpoint;
    check_amounts(touchpoint)?;
    let mut teams = std::iter::once(&event.team_id).chain(event.path.iter().map(|step| &step.team_id));
    if teams.any(|team_id| team_id == ALL_TEAMS) {
        return Err(InsightError::ReservedTeam { subject: format!("touchpoint {}", touchpoint.touchpoint_id) });
    }
    let mut contribution = Contribution {
        occurred_at: touchpoint.occurred_at,
        slices: slices(event, views),
        credits: credits(event),
        lines: lines(event, views),
        owner: owner_of(event),
        counts: counts(event),
    };
    if event.retracted {
        contribution.negate();
    }
    Ok(contribution)
}

/// What counts for the distinct persons. A touchpoint that names nobody (an anonymous till sale, a display in a store) has
/// only a stand-in for a person, which is none.
fn counts(event: &JourneyEvent) -> Counts {
    let touchpoint = &event.touchpoint;
    if touchpoint.identifiers.is_empty() {
        return Counts::default();
    }
    let is_exposure = touchpoint.is_exposure();
    Counts {
        touches: 1,
        exposures: i32::from(is_exposure),
        sales: i32::from(touchpoint.is_sale()),
        several: i32::from(is_exposure && event.story.narrative_count > 1),
    }
}

/// What a decision adds to the scorecards of its team; decisions are never taken back.
///
/// # Errors
/// [`InsightError`] when the team has a reserved name.
pub fn of_decision(decision: &Decision) -> Result<Contribution<'_>, InsightError> {
    if decision.team_id == ALL_TEAMS {
        return Err(InsightError::ReservedTeam { subject: format!("decision {}", decision.decision_id) });
    }
    let mut measures = Measures::default();
    match decision.fate {
        Fate::Sent => {
            measures.decisions_sent = 1;
            measures.suppressions = i64::from(decision.action == "suppress");
        }
        Fate::Withheld => {
            let reason = decision.reason.map_or("unstated", |reason| reason.name());
            measures.decisions_withheld.insert(reason.to_owned(), 1);
        }
    }
    let owner = Owner { team_id: &decision.team_id, channel: &decision.channel, ..Owner::default() };
    Ok(Contribution::counted(decision.decided_at, owner, measures))
}

/// The slice without a currency, and one for each currency the touch carries money of.
fn slices<'a>(event: &'a JourneyEvent, views: &Views) -> Vec<Slice<'a>> {
    let touchpoint = &event.touchpoint;
    let counted = count(event);
    let by_type = views.has(Dimension::Creative) && touchpoint.message_id.is_some();
    let slice = |currency, measures: Measures| {
        let events = BTreeMap::from([(touchpoint.event_type.clone(), 1)]);
        let on_creative = by_type.then(|| Measures { events, ..measures.clone() });
        Slice { currency, measures, on_creative }
    };
    let value = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion());
    let cost = touchpoint.cost.as_ref();
    let mut slices: Vec<Slice<'_>> = Vec::with_capacity(2);
    for currency in [value, cost].into_iter().flatten().map(|money| money.currency.as_str()) {
        if slices.iter().any(|slice| slice.currency == currency) {
            continue;
        }
        let mut measures = counted.clone();
        if let Some(value) = value.filter(|value| value.currency == currency) {
            measures.revenue_minor = value.amount_minor;
            measures.margin_minor = touchpoint.margin_minor();
            measures.discounts_minor = discounts(touchpoint);
        }
        if let Some(cost) = cost.filter(|cost| cost.currency == currency) {
            measures.cost_minor = cost.amount_minor;
        }
        slices.push(slice(currency, measures));
    }
    slices.push(slice("", counted));
    slices
}

/// The counts of one touch, without money.
fn count(event: &JourneyEvent) -> Measures {
    let touchpoint = &event.touchpoint;
    let (sale, conversion) = (touchpoint.is_sale(), touchpoint.is_conversion());
    let is_exposure = touchpoint.is_exposure();
    let is_planned = is_exposure && (touchpoint.campaign_id.is_some() || touchpoint.message_id.is_some());
    Measures {
        touches: 1,
        exposures: i64::from(is_exposure),
        conversions: i64::from(sale),
        returns: i64::from(conversion && !sale),
        lines: if conversion { touchpoint.items.len() as i64 } else { 0 },
        locations: touchpoint.location.iter().map(|location| (location.clone(), 1)).collect(),
        planned_exposures: i64::from(is_planned),
        approved_exposures: i64::from(is_planned && event.plan.as_ref().is_some_and(|plan| plan.is_approved)),
        second_stories: i64::from(event.story.is_second_story),
        brand_conversions: i64::from(sale && event.exposure.brand_count_30d > 0),
        conflicts: event.story.conflicts.iter().map(|kind| (kind.clone(), 1)).collect(),
        handover: handover(touchpoint).map(|within| (within.to_owned(), 1)).into_iter().collect(),
        ..Measures::default()
    }
}

/// Within which time after the event the hub heard of a sale or of a complaint; `None` for other touches.
fn handover(touchpoint: &Touchpoint) -> Option<&'static str> {
    if !touchpoint.is_sale() && touchpoint.event_type != "case.opened" {
        return None;
    }
    let late_ms = touchpoint.received_at.saturating_sub(touchpoint.occurred_at);
    let within = [("1m", MINUTE_MS), ("5m", 5 * MINUTE_MS), ("1h", HOUR_MS), ("1d", DAY_MS)];
    Some(within.into_iter().find(|(_, bound_ms)| late_ms <= *bound_ms).map_or("later", |(name, _)| name))
}

/// Reductions by kind; what is taken back counts against them, whichever sign the source gave it.
fn discounts(touchpoint: &Touchpoint) -> BTreeMap<String, i64> {
    let mut by_kind = BTreeMap::new();
    for discount in touchpoint.items.iter().flat_map(|item| &item.discounts) {
        let amount_minor = if touchpoint.is_sale() { discount.amount_minor } else { -discount.amount_minor.abs() };
        *by_kind.entry(discount.kind.clone()).or_insert(0) += amount_minor;
    }
    by_kind.retain(|_, amount_minor| *amount_minor != 0);
    by_kind
}

/// Credit for a conversion: to those on its path, and the same sum to the card over all teams.
fn credits(event: &JourneyEvent) -> Vec<(Credited<'_>, &str, Measures)> {
    let Some(value) = event.touchpoint.value.as_ref().filter(|value| value.amount_minor != 0) else {
        return Vec::new();
    };
    let shares = credit(event);
    let currency = value.currency.as_str();
    let whole = (Credited::AllTeams, currency, credited([value.amount_minor; CreditModel::COUNT]));
    let mut credits: Vec<_> = (!shares.is_empty()).then_some(whole).into_iter().collect();
    credits.extend(shares.iter().map(|share| (Credited::Owner(share.owner), currency, credited(share.by_model))));
    credits
}

fn credited(by_model: [i64; CreditModel::COUNT]) -> Measures {
    let named = CreditModel::ALL.into_iter().zip(by_model).filter(|(_, amount_minor)| *amount_minor != 0);
    let credit_minor = named.map(|(model, amount_minor)| (model.name().to_owned(), amount_minor)).collect();
    Measures { credit_minor, ..Measures::default() }
}

fn check_amounts(touchpoint: &Touchpoint) -> Result<(), InsightError> {
    let refuse = |field| InsightError::AmountOutOfRange { touchpoint_id: touchpoint.touchpoint_id.clone(), field };
    let in_range = |amount: i128| amount.unsigned_abs() <= MAX_AMOUNT_MINOR.unsigned_abs().into();
    for (field, money) in [("value", &touchpoint.value), ("cost", &touchpoint.cost)] {
        if !money.iter().all(|money| in_range(money.amount_minor.into())) {
            return Err(refuse(field));
        }
    }
    let (mut cost, mut discount, mut lines) = (0_i128, 0_i128, 0_i128);
    for item in &touchpoint.items {
        let quantity = i128::from(item.quantity);
        if !in_range(quantity) {
            return Err(refuse("items.quantity"));
        }
        cost += (quantity * i128::from(item.unit_cost_minor.unwrap_or(0))).abs();
        lines += i128::from(item.line_value_minor.unwrap_or(0)).abs();
        discount += item.discounts.iter().map(|discount| i128::from(discount.amount_minor).abs()).sum::<i128>();
    }
    let sums = [("items.unit_cost_minor", cost), ("items.discounts", discount), ("items.line_value_minor", lines)];
    sums.into_iter().find(|(_, sum)| !in_range(*sum)).map_or(Ok(()), |(field, _)| Err(refuse(field)))
}
