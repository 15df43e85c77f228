//! The roll-up of each account over the touches that name it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::{AccountEvent, LastTouch};
use tributary_model::{AccountId, Direction, JourneyEvent, PersonId};

use crate::truth::kinds::{money, orders};
use crate::truth::people::People;

/// The most persons that an account names.
const MAX_NAMED: usize = 100;

/// The accounts as they have to be, revisions aside, when `ids` are what the persons are called in the end.
pub(crate) fn accounts(people: &People, ids: &[PersonId]) -> BTreeMap<AccountId, AccountEvent> {
    let mut touches: BTreeMap<AccountId, Vec<(PersonId, &JourneyEvent)>> = BTreeMap::new();
    for (index, event) in people.journeys() {
        for account in &event.account_ids {
            touches.entry(*account).or_default().push((ids[index], event));
        }
    }
    touches.into_iter().map(|(account, touches)| (account, roll_up(account, &touches))).collect()
}

fn roll_up(account_id: AccountId, touches: &[(PersonId, &JourneyEvent)]) -> AccountEvent {
    let events = || touches.iter().map(|(_, event)| *event);
    let persons: BTreeSet<PersonId> = touches.iter().map(|(person, _)| *person).collect();
    let mut last_touches: BTreeMap<&str, i64> = BTreeMap::new();
    let mut values: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for event in events() {
        let last = last_touches.entry(&event.team_id).or_insert(i64::MIN);
        *last = (*last).max(event.touchpoint.occurred_at);
        if let Some((currency, value, _)) = money(&event.touchpoint) {
            let sum = values.entry(currency).or_default();
            *sum = (sum.0 + 1, sum.1 + value);
        }
    }
    let most = values.values().map(|(count, _)| *count).max();
    let main = values.iter().find(|(_, (count, _))| Some(*count) == most);
    let (currency, value_minor) = main.map_or((None, 0), |(name, (_, value))| (Some((*name).to_owned()), *value));
    let order_count: i64 = events().map(|event| orders(&event.touchpoint)).sum();
    let open = open_opportunities(events());
    AccountEvent {
        account_id,
        revision: 0,
        person_count: persons.len() as i64,
        persons: persons.into_iter().take(MAX_NAMED).collect(),
        touch_count: touches.len() as i64,
        order_count,
        value_minor,
        currency,
        open_opportunity_count: open,
        stage: stage(events(), order_count >= 1 && value_minor >= 1, open).to_owned(),
        last_at: last_touches.values().copied().max().unwrap_or_default(),
        last_touches: last_touches
            .into_iter()
            .map(|(team, at)| LastTouch { team_id: team.to_owned(), occurred_at: at })
            .collect(),
    }
}

/// Opportunities that were opened and neither won nor lost.
fn open_opportunities<'a>(events: impl Iterator<Item = &'a JourneyEvent>) -> i64 {
    let (mut opened, mut closed) = (BTreeSet::new(), BTreeSet::new());
    for event in events {
        let touch = &event.touchpoint;
        let id = touch.properties.get("opportunity_id").or(touch.order_id.as_ref()).unwrap_or(&touch.touchpoint_id);
        match touch.event_type.as_str() {
            "opportunity.created" | "opportunity.stage_changed" => drop(opened.insert(id)),
            "opportunity.won" | "opportunity.lost" => drop(closed.insert(id)),
            _ => {}
        }
    }
    opened.difference(&closed).count() as i64
}

fn stage<'a>(events: impl Iterator<Item = &'a JourneyEvent>, has_bought: bool, open: i64) -> &'static str {
    let (mut is_engaged, mut is_qualified) = (false, false);
    for event in events {
        is_engaged |= event.touchpoint.direction == Direction::Inbound;
        is_qualified |= ["lead.qualified", "meeting.held"].contains(&event.touchpoint.event_type.as_str());
    }
    match (has_bought, open >= 1) {
        (true, true) => "expansion",
        (true, false) => "customer",
        (false, true) => "opportunity",
        _ if is_qualified => "qualified",
        _ if is_engaged => "engaged",
        _ => "target",
    }
}
