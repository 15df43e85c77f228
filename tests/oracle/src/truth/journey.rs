//! The journey of one person: what is known at each touch, by looking at all touches before it.

use tributary_model::journey::{ExposureContext, PathStep, SessionContext, Totals};
use tributary_model::{AccountId, Direction, JourneyEvent, PersonId, Touchpoint};
use uuid::Uuid;

use crate::plan;
use crate::truth::companies::named;
use crate::truth::kinds::{is_conversion, is_exposure, is_sale, money, orders};
use crate::truth::story;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Touches so far apart, or further, are of different sessions.
const SESSION_GAP_MS: i64 = 30 * MINUTE_MS;
/// How far back exposure, story, stage and path look, both ends included.
pub(crate) const WINDOW_MS: i64 = 30 * DAY_MS;
/// The most exposures on the path of a conversion.
const MAX_STEPS: usize = 50;
/// Types that make somebody one who considers, while they are in the window.
const CONSIDERING: [&str; 11] = [
    "cart.updated",
    "checkout.started",
    "form.submitted",
    "lead.created",
    "lead.qualified",
    "meeting.held",
    "opportunity.created",
    "opportunity.stage_changed",
    "product.searched",
    "product.viewed",
    "store.visited",
];

/// Touches in order of time, then id, with the context of each.
pub(crate) fn journey(touches: &[&Touchpoint]) -> Vec<JourneyEvent> {
    let mut events: Vec<JourneyEvent> = Vec::with_capacity(touches.len());
    for (place, touch) in touches.iter().enumerate() {
        let (before, now) = (&touches[..place], &touches[..=place]);
        let totals = totals(now);
        let stage = stage(now, &totals);
        let stage_before = events.last().map_or("unaware", |event| event.stage.as_str());
        events.push(JourneyEvent {
            person_id: PersonId(Uuid::nil()),
            account_ids: accounts(touch),
            revision: 1,
            retracted: false,
            team_id: team(touch).to_owned(),
            touchpoint: (*touch).clone(),
            session: session(before, touch),
            previous_stage: (stage != stage_before).then(|| stage_before.to_owned()),
            stage: stage.to_owned(),
            exposure: exposure(before, touch),
            totals,
            story: story::at(before, touch),
            path: path(before, touch),
            plan: plan::context(touch.campaign_id.as_deref(), touch.message_id.as_deref()).map(Box::new),
        });
    }
    events
}

/// The team that answers for a touch.
pub(crate) fn team(touch: &Touchpoint) -> &'static str {
    plan::team(touch.campaign_id.as_deref(), &touch.channel)
}

/// The accounts a touch names, the highest kind first.
fn accounts(touch: &Touchpoint) -> Vec<AccountId> {
    named(touch).into_iter().map(|(_, _, id)| id).collect()
}

/// The touches of the window before a touch, newest first.
pub(crate) fn recent<'a>(before: &'a [&Touchpoint], touch: &Touchpoint) -> impl Iterator<Item = &'a Touchpoint> {
    let from = touch.occurred_at - WINDOW_MS;
    before.iter().rev().take_while(move |earlier| earlier.occurred_at >= from).copied()
}

fn session(before: &[&Touchpoint], touch: &Touchpoint) -> SessionContext {
    let mut started_at = touch.occurred_at;
    let mut position = 1;
    for earlier in before.iter().rev() {
        if started_at - earlier.occurred_at >= SESSION_GAP_MS {
            break;
        }
        started_at = earlier.occurred_at;
        position += 1;
    }
    SessionContext { session_id: started_at.to_string(), started_at, position }
}

fn exposure(before: &[&Touchpoint], touch: &Touchpoint) -> ExposureContext {
    let heard: Vec<&Touchpoint> = recent(before, touch).filter(|earlier| is_exposure(earlier)).collect();
    let brand = heard.iter().filter(|earlier| story::said(earlier).is_some_and(|said| said.is_brand));
    ExposureContext {
        count_30d: heard.len() as i32,
        brand_count_30d: brand.count() as i32,
        last_at: heard.first().map(|last| last.occurred_at),
        last_channel: heard.first().map(|last| last.channel.clone()),
    }
}

fn totals(now: &[&Touchpoint]) -> Totals {
    let conversions: Vec<(&str, i64, i64)> = now.iter().filter_map(|touch| money(touch)).collect();
    let currency = conversions.first().map(|(currency, ..)| *currency);
    let ours = || conversions.iter().filter(|(other, ..)| Some(*other) == currency);
    Totals {
        touch_count: now.len() as i64,
        order_count: now.iter().map(|touch| orders(touch)).sum(),
        value_minor: ours().map(|(_, value, _)| value).sum(),
        margin_minor: ours().map(|(.., margin)| margin).sum(),
        currency: currency.map(str::to_owned),
        other_currency_count: (conversions.len() - ours().count()) as i64,
        first_at: now.first().map_or(0, |first| first.occurred_at),
        last_order_at: now.iter().rev().find(|touch| is_sale(touch)).map(|sale| sale.occurred_at),
    }
}

/// The last stage of the list whose condition holds.
fn stage(now: &[&Touchpoint], totals: &Totals) -> &'static str {
    let Some((touch, before)) = now.split_last() else { return "unaware" };
    let has_bought = totals.order_count >= 1 && totals.value_minor >= 1;
    let days = totals.last_order_at.map_or(0, |at| (touch.occurred_at - at) / DAY_MS);
    let considers = |touch: &Touchpoint| CONSIDERING.contains(&touch.event_type.as_str());
    let holds = [
        ("lapsed", has_bought && days >= 180),
        ("loyal", has_bought && totals.order_count >= 3),
        ("customer", has_bought),
        ("considering", considers(touch) || recent(before, touch).any(considers)),
        ("engaged", now.iter().any(|touch| touch.direction == Direction::Inbound)),
        ("aware", now.iter().any(|touch| is_exposure(touch))),
    ];
    holds.into_iter().find(|(_, holds)| *holds).map_or("unaware", |(stage, _)| stage)
}

/// The newest exposures before a conversion, oldest first.
fn path(before: &[&Touchpoint], touch: &Touchpoint) -> Vec<PathStep> {
    if !is_conversion(touch) {
        return Vec::new();
    }
    let step = |exposure: &Touchpoint| PathStep {
        touchpoint_id: exposure.touchpoint_id.clone(),
        occurred_at: exposure.occurred_at,
        channel: exposure.channel.clone(),
        campaign_id: exposure.campaign_id.clone(),
        team_id: team(exposure).to_owned(),
        agency: exposure.agency.clone(),
        partner: exposure.partner.clone(),
        tentpole_id: plan::tentpole(exposure.campaign_id.as_deref()).map(str::to_owned),
        flight_at: plan::flight(exposure.campaign_id.as_deref()),
        message_id: exposure.message_id.clone(),
    };
    let newest_first = recent(before, touch).filter(|earlier| is_exposure(earlier)).take(MAX_STEPS);
    let mut steps: Vec<PathStep> = newest_first.map(step).collect();
    steps.reverse();
    steps
}
