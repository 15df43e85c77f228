//! The record of each account: the sum of the touches that are its own and of those of accounts that are one with it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::{AccountEvent, AccountMember, AccountStory, LastTouch, OpenOpportunity};
use tributary_model::{AccountId, Direction, JourneyEvent, PersonId};

use crate::truth::companies::{Companies, owners};
use crate::truth::groups::{groups, story};
use crate::truth::kinds::{money, orders};
use crate::truth::members::{At, coverage, engagement, half_life_days, members, primary};
use crate::truth::people::People;

/// The most persons, and the most opportunities, that an account names.
const MAX_NAMED: usize = 100;

/// The accounts as they have to be, revisions aside, when `ids` are what the persons are called in the end.
pub(crate) fn accounts(people: &People, ids: &[PersonId]) -> BTreeMap<AccountId, AccountEvent> {
    let companies = Companies::of(people);
    let mut touches: BTreeMap<AccountId, Vec<At<'_>>> = BTreeMap::new();
    let primaries: Vec<Option<AccountId>> = people.all.iter().map(primary).collect();
    for (index, event) in people.journeys() {
        for (_, namespace, id) in owners(&event.touchpoint) {
            let at = At { person: ids[index], namespace, is_primary: primaries[index] == Some(id), event };
            touches.entry(companies.end(id)).or_default().push(at);
        }
    }
    let groups = groups(people, &companies);
    let account = |id: &AccountId| {
        let touches = touches.get(id).map(Vec::as_slice).unwrap_or_default();
        let merged = companies.namespaces.keys().filter(|other| *other != id && companies.end(**other) == *id);
        let merged_into = companies.merged_into(*id);
        let rolled_up = roll_up(*id, touches);
        let heard = groups.get(id).map(|group| group.heard.as_slice()).unwrap_or_default();
        AccountEvent {
            namespace: companies.namespaces[id].clone(),
            merged_accounts: merged.copied().collect(),
            merged_into,
            contested_by: companies.contested_by(*id),
            // Of an account that is another now nothing else is said.
            coverage: if merged_into.is_some() { Default::default() } else { rolled_up.coverage.clone() },
            story: story(heard, rolled_up.last_at),
            ..rolled_up
        }
    };
    companies.namespaces.keys().map(|id| (*id, account(id))).collect()
}

fn roll_up(account_id: AccountId, touches: &[At<'_>]) -> AccountEvent {
    let events = || touches.iter().map(|touch| touch.event);
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
    let last_at = last_touches.values().copied().max().unwrap_or_default();
    let members = members(touches);
    let coverage = coverage(&members, last_at);
    let person_count = members.len() as i64;
    let members: Vec<AccountMember> = members.into_iter().take(MAX_NAMED).collect();
    AccountEvent {
        account_id,
        revision: 0,
        person_count,
        persons: members.iter().map(|member| member.person_id).collect(),
        touch_count: touches.len() as i64,
        order_count,
        value_minor,
        currency,
        open_opportunity_count: open.len() as i64,
        stage: stage(events(), order_count >= 1 && value_minor >= 1, open.len() as i64).to_owned(),
        last_at,
        last_touches: last_touches
            .into_iter()
            .map(|(team, at)| LastTouch { team_id: team.to_owned(), occurred_at: at })
            .collect(),
        namespace: String::new(),
        members,
        coverage,
        engagement_milli: engagement(touches, last_at),
        engagement_half_life_days: half_life_days(),
        open_opportunities: open.into_iter().take(MAX_NAMED).collect(),
        merged_accounts: Vec::new(),
        merged_into: None,
        contested_by: Vec::new(),
        story: AccountStory::default(),
    }
}

/// Opportunities that were opened and neither won nor lost, with the newest that was said of each.
fn open_opportunities<'a>(events: impl Iterator<Item = &'a JourneyEvent>) -> Vec<OpenOpportunity> {
    let mut all: BTreeMap<&String, Vec<&JourneyEvent>> = BTreeMap::new();
    let mut closed = BTreeSet::new();
    for event in events {
        let touch = &event.touchpoint;
        let id = touch.properties.get("opportunity_id").or(touch.order_id.as_ref()).unwrap_or(&touch.touchpoint_id);
        match touch.event_type.as_str() {
            "opportunity.created" | "opportunity.stage_changed" => all.entry(id).or_default().push(event),
            "opportunity.won" | "opportunity.lost" => drop(closed.insert(id)),
            _ => {}
        }
    }
    let describe = |(id, mut said): (&String, Vec<&JourneyEvent>)| {
        said.sort_by_key(|event| (event.touchpoint.occurred_at, event.touchpoint.touchpoint_id.as_str()));
        let value = said.iter().rev().find_map(|event| event.touchpoint.value.as_ref());
        OpenOpportunity {
            opportunity_id: id.clone(),
            stage: said.iter().rev().find_map(|event| event.touchpoint.properties.get("opportunity_stage")).cloned(),
            value_minor: value.map(|value| value.amount_minor),
            currency: value.map(|value| value.currency.clone()),
        }
    };
    all.into_iter().filter(|(id, _)| !closed.contains(id)).map(describe).collect()
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
