//! What accounts heard and which ways they went, as a batch over the statements that stand, every exposure held against
//! every sale.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::{AccountEvent, AccountStory, HeardNarrative};
use tributary_model::path::{PathCounts, PathKey, Waypoint};
use tributary_model::time::{DAY_MS, month_start};
use tributary_model::{AccountId, JourneyEvent, PersonId};

use super::{canvas, rules};
use crate::config::Config;
use crate::touch::Told;

const WINDOW_MS: i64 = 30 * DAY_MS;
const MAX_STEPS: usize = 50;

/// What each account that stands for itself passed; `accounts` say who is merged into whom.
pub(crate) struct Groups<'a> {
    /// The exposures of its members, oldest first.
    heard: BTreeMap<AccountId, Vec<&'a JourneyEvent>>,
    /// Conversions that name it, and whether they count here.
    sold: BTreeMap<AccountId, Vec<(&'a JourneyEvent, bool)>>,
}

impl<'a> Groups<'a> {
    pub(crate) fn of(told: &'a [JourneyEvent], accounts: &BTreeMap<AccountId, AccountEvent>) -> Self {
        let rules = rules(&Config::default());
        let end = |id: AccountId| {
            let mut end = id;
            while let Some(next) = accounts.get(&end).and_then(|account| account.merged_into) {
                end = next;
            }
            end
        };
        let mut groups = Self { heard: BTreeMap::new(), sold: BTreeMap::new() };
        let mut members: BTreeMap<AccountId, BTreeSet<PersonId>> = BTreeMap::new();
        for event in told {
            let named = rules.accounts.named(&rules.realm, &event.touchpoint.account_identifiers);
            for (place, own) in named.iter().enumerate().filter(|(_, named)| named.is_own) {
                members.entry(end(own.id)).or_default().insert(event.person_id);
                if event.touchpoint.is_conversion() {
                    groups.sold.entry(end(own.id)).or_default().push((event, place == 0));
                }
            }
        }
        for (id, persons) in members {
            let is_heard = |event: &&JourneyEvent| persons.contains(&event.person_id) && event.touchpoint.is_exposure();
            let mut heard: Vec<&JourneyEvent> = told.iter().filter(is_heard).collect();
            heard.sort_by_key(|event| place(event));
            // Two persons of the account were told of one and the same touch.
            heard.dedup_by_key(|event| place(event));
            groups.heard.insert(id, heard);
        }
        groups
    }

    pub(crate) fn story(&self, id: AccountId, last_at: i64) -> AccountStory {
        let canvas = canvas();
        let mut story = AccountStory::default();
        let mut of: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        for event in self.heard.get(&id).into_iter().flatten() {
            let at = event.touchpoint.occurred_at;
            let Some(told) =
                Told::by(&canvas, &event.touchpoint).filter(|_| at <= last_at && last_at - at <= WINDOW_MS)
            else {
                continue;
            };
            story.exposure_count += 1;
            story.approved_count += i64::from(told.is_approved);
            if let Some(narrative) = told.narrative_id {
                let heard = of.entry(narrative).or_default();
                heard.0 += 1;
                heard.1.insert(event.team_id.clone());
            }
        }
        story.narrative_count = of.len() as i64;
        let mut narratives: Vec<_> = of.into_iter().collect();
        narratives.sort_by_key(|(name, (count, _))| (-count, name.clone()));
        let narrative = |(narrative_id, (exposure_count, teams)): (String, (i64, BTreeSet<String>))| HeardNarrative {
            narrative_id,
            exposure_count,
            team_ids: teams.into_iter().collect(),
        };
        story.narratives = narratives.into_iter().map(narrative).collect();
        story
    }

    pub(crate) fn paths(&self) -> BTreeMap<PathKey, PathCounts> {
        let mut paths: BTreeMap<PathKey, PathCounts> = BTreeMap::new();
        let none = Vec::new();
        for (id, sold) in &self.sold {
            let heard = self.heard.get(id).unwrap_or(&none);
            // The same conversion at two persons of the account is counted twice, as it is in the account's value.
            for (event, _) in sold.iter().filter(|(_, counts)| *counts) {
                let is_before = |other: &&&JourneyEvent| place(other) < place(event) && is_within(other, event);
                let way: Vec<&JourneyEvent> = heard.iter().filter(is_before).copied().collect();
                let way = &way[way.len().saturating_sub(MAX_STEPS)..];
                let way = if way.is_empty() { &[*event][..] } else { way };
                let counts = paths.entry(key(event.touchpoint.occurred_at, way)).or_default();
                let value = event.touchpoint.value.as_ref().unwrap();
                counts.conversions += i64::from(event.touchpoint.is_sale());
                *counts.value_minor.entry(value.currency.clone()).or_default() += value.amount_minor;
            }
        }
        for (id, heard) in &self.heard {
            let sold = self.sold.get(id).into_iter().flatten().map(|(event, _)| *event);
            let sales: Vec<&JourneyEvent> = sold.filter(|event| event.touchpoint.is_sale()).collect();
            let is_sold =
                |event: &JourneyEvent| sales.iter().any(|sale| place(sale) > place(event) && is_within(event, sale));
            let mut way: Vec<&JourneyEvent> = Vec::new();
            for event in heard.iter().copied().filter(|event| !is_sold(event)) {
                if way.first().is_some_and(|first| !is_within(first, event)) || way.len() == MAX_STEPS {
                    paths.entry(key(way[0].touchpoint.occurred_at, &way)).or_default().nulls += 1;
                    way.clear();
                }
                way.push(event);
            }
            if let Some(first) = way.first() {
                paths.entry(key(first.touchpoint.occurred_at, &way)).or_default().nulls += 1;
            }
        }
        paths.values_mut().for_each(|counts| counts.value_minor.retain(|_, value| *value != 0));
        paths.retain(|_, counts| *counts != PathCounts::default());
        paths
    }
}

fn is_within(earlier: &JourneyEvent, later: &JourneyEvent) -> bool {
    later.touchpoint.occurred_at - earlier.touchpoint.occurred_at <= WINDOW_MS
}

fn place(event: &JourneyEvent) -> (i64, String) {
    (event.touchpoint.occurred_at, event.touchpoint.touchpoint_id.clone())
}

fn key(at: i64, way: &[&JourneyEvent]) -> PathKey {
    let waypoint =
        |event: &&JourneyEvent| Waypoint { team_id: event.team_id.clone(), channel: event.touchpoint.channel.clone() };
    PathKey { month_start_at: month_start(at), waypoints: way.iter().map(waypoint).collect(), is_account: true }
}
