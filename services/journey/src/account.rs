//! The roll-up of each account: a sum over the touches of its persons.
//!
//! Everything is a sum, or the greatest of what is counted, so the result is the same for any order of statements and
//! retractions. A retraction may even come before what it takes back, when two persons of an account are merged on
//! different partitions: counts are negative for that moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_model::account::{AccountEvent, LastTouch};
use tributary_model::{AccountId, Direction, JourneyEvent, PersonId, Touchpoint};
use tributary_stream::{KeyedStore, OrderedStore, StateStore};

use crate::context::order_delta;
use crate::stage::{Facts, StageDefinitions};

pub(crate) const STORES: [&str; 4] = ["accounts", "persons", "opportunities", "times"];
const STATE_VERSION: u8 = 1;
/// The most persons that an account event names.
const MAX_NAMED_PERSONS: usize = 100;
/// The property by which events of one opportunity belong together.
const OPPORTUNITY_ID: &str = "opportunity_id";

/// The sums of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sums {
    revision: i64,
    touches: i64,
    inbound: i64,
    exposures: i64,
    orders: i64,
    /// Conversions by currency: how many, and their value in minor units.
    values: BTreeMap<String, (i64, i64)>,
    /// How often the types occurred that stages ask for.
    seen: BTreeMap<String, i64>,
    /// Persons with a touch.
    persons: i64,
    open_opportunities: i64,
    /// The newest touch of each team.
    last_touches: BTreeMap<String, i64>,
}

/// What was said about one opportunity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Opportunity {
    /// Times it was created or moved.
    opened: i64,
    /// Times it was won or lost.
    closed: i64,
}

impl Opportunity {
    fn is_open(self) -> bool {
        self.opened > 0 && self.closed <= 0
    }
}

/// The roll-ups of one partition's accounts.
#[derive(Debug)]
pub struct AccountRollups {
    stages: Arc<StageDefinitions>,
    max_touch_times: usize,
    sums: KeyedStore<AccountId, Sums>,
    /// Touches by person.
    persons: OrderedStore<AccountId, PersonId, i64>,
    opportunities: OrderedStore<AccountId, String, Opportunity>,
    /// Touches by time and team, the newest of them.
    times: OrderedStore<AccountId, (i64, String), i64>,
}

impl AccountRollups {
    /// Without accounts; the newest `max_touch_times` times of touches are kept for each.
    #[must_use]
    pub fn new(stages: Arc<StageDefinitions>, max_touch_times: usize) -> Self {
        let [sums, persons, opportunities, times] = STORES;
        Self {
            stages,
            max_touch_times,
            sums: KeyedStore::new(sums, STATE_VERSION),
            persons: OrderedStore::new(persons, STATE_VERSION),
            opportunities: OrderedStore::new(opportunities, STATE_VERSION),
            times: OrderedStore::new(times, STATE_VERSION),
        }
    }

    /// Adds a statement to `account_id`, or takes one back; gives the account as it is now.
    pub fn apply(&mut self, account_id: AccountId, event: &JourneyEvent) -> AccountEvent {
        let sign = if event.retracted { -1 } else { 1 };
        let persons = self.count_person(account_id, event.person_id, sign);
        let open_opportunities = self.count_opportunity(account_id, &event.touchpoint, sign);
        self.count_time(account_id, event, sign);
        let last_of_team = self.last_of_team(account_id, event);
        let stages = Arc::clone(&self.stages);
        let sums = self.sums.get_or_insert_with(&account_id, Sums::default);
        sums.revision += 1;
        sums.persons += persons;
        sums.open_opportunities += open_opportunities;
        sums.add(&event.touchpoint, sign, &stages);
        match last_of_team {
            Some(at) => drop(sums.last_touches.insert(event.team_id.clone(), at)),
            None => drop(sums.last_touches.remove(&event.team_id)),
        }
        self.describe(account_id)
    }

    /// The change in the number of persons.
    fn count_person(&mut self, account_id: AccountId, person_id: PersonId, sign: i64) -> i64 {
        let before = self.persons.get(&account_id, &person_id).copied().unwrap_or(0);
        put(&mut self.persons, account_id, person_id, before + sign, 0);
        i64::from(before + sign > 0) - i64::from(before > 0)
    }

    /// The change in the number of open opportunities.
    fn count_opportunity(&mut self, account_id: AccountId, touchpoint: &Touchpoint, sign: i64) -> i64 {
        let (opened, closed) = match touchpoint.event_type.as_str() {
            "opportunity.created" | "opportunity.stage_changed" => (sign, 0),
            "opportunity.won" | "opportunity.lost" => (0, sign),
            _ => return 0,
        };
        let by_property = touchpoint.properties.get(OPPORTUNITY_ID);
        let id = by_property.or(touchpoint.order_id.as_ref()).unwrap_or(&touchpoint.touchpoint_id);
        let before = self.opportunities.get(&account_id, id).copied().unwrap_or_default();
        let after = Opportunity { opened: before.opened + opened, closed: before.closed + closed };
        put(&mut self.opportunities, account_id, id.clone(), after, Opportunity::default());
        i64::from(after.is_open()) - i64::from(before.is_open())
    }

    fn count_time(&mut self, account_id: AccountId, event: &JourneyEvent, sign: i64) {
        let time = (event.touchpoint.occurred_at, event.team_id.clone());
        let before = self.times.get(&account_id, &time).copied().unwrap_or(0);
        put(&mut self.times, account_id, time, before + sign, 0);
        while self.times.list_len(&account_id) > self.max_touch_times {
            let Some(oldest) = self.times.list(&account_id).next().map(|(time, _)| time.clone()) else { break };
            self.times.remove(&account_id, &oldest);
        }
    }

    /// When the team of `event` last touched the account: usually with this event, or as known; only taking back its
    /// newest touch has to look for the one before.
    fn last_of_team(&self, account_id: AccountId, event: &JourneyEvent) -> Option<i64> {
        let at = event.touchpoint.occurred_at;
        let known = self.sums.get(&account_id).and_then(|sums| sums.last_touches.get(&event.team_id)).copied();
        if known.is_some_and(|known| known > at) {
            return known;
        }
        let mut newest_first = self.times.list(&account_id).rev();
        newest_first.find(|((_, team), count)| **count > 0 && *team == event.team_id).map(|((at, _), _)| *at)
    }

    fn describe(&mut self, account_id: AccountId) -> AccountEvent {
        let sums = self.sums.get_or_insert_with(&account_id, Sums::default);
        let (currency, value_minor) = sums.main_value();
        let facts = Facts {
            touches: sums.touches,
            inbound: sums.inbound,
            exposures: sums.exposures,
            orders: sums.orders,
            value_minor,
            days_since_order: None,
            persons: sums.persons,
            open_opportunities: sums.open_opportunities,
            seen: sums.seen.iter().filter(|(_, count)| **count > 0).map(|(kind, _)| kind.as_str()).collect(),
        };
        let present = self.persons.list(&account_id).filter(|(_, count)| **count > 0);
        let last_touch = |(team_id, at): (&String, &i64)| LastTouch { team_id: team_id.clone(), occurred_at: *at };
        AccountEvent {
            account_id,
            revision: sums.revision,
            persons: present.take(MAX_NAMED_PERSONS).map(|(person_id, _)| *person_id).collect(),
            person_count: sums.persons,
            touch_count: sums.touches,
            order_count: sums.orders,
            value_minor,
            open_opportunity_count: sums.open_opportunities,
            stage: self.stages.account.stage(&facts).to_owned(),
            last_touches: sums.last_touches.iter().map(last_touch).collect(),
            last_at: sums.last_touches.values().copied().max().unwrap_or_default(),
            currency,
        }
    }

    pub(crate) fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.sums, &mut self.persons, &mut self.opportunities, &mut self.times]
    }
}

impl Sums {
    fn add(&mut self, touchpoint: &Touchpoint, sign: i64, stages: &StageDefinitions) {
        self.touches += sign;
        self.inbound += sign * i64::from(touchpoint.direction == Direction::Inbound);
        self.exposures += sign * i64::from(touchpoint.is_exposure());
        self.orders += sign * order_delta(touchpoint);
        if touchpoint.is_conversion()
            && let Some(value) = &touchpoint.value
        {
            let sum = self.values.entry(value.currency.clone()).or_default();
            *sum = (sum.0 + sign, sum.1.wrapping_add(value.amount_minor.wrapping_mul(sign)));
            if *sum == (0, 0) {
                self.values.remove(&value.currency);
            }
        }
        if stages.account.watches(&touchpoint.event_type) {
            let count = self.seen.entry(touchpoint.event_type.clone()).or_default();
            *count += sign;
            if *count == 0 {
                self.seen.remove(&touchpoint.event_type);
            }
        }
    }

    /// The currency of most conversions, the first by name among equals, and the net value in it.
    fn main_value(&self) -> (Option<String>, i64) {
        let mut main: Option<(&String, &(i64, i64))> = None;
        for (currency, sum) in &self.values {
            if main.is_none_or(|(_, most)| sum.0 > most.0) {
                main = Some((currency, sum));
            }
        }
        main.map_or((None, 0), |(currency, sum)| (Some(currency.clone()), sum.1))
    }
}

/// Sets an entry, or removes it when it is `nothing`.
fn put<S, V>(store: &mut OrderedStore<AccountId, S, V>, account_id: AccountId, sort: S, value: V, nothing: V)
where
    S: std::hash::Hash + Ord + Clone,
    V: Clone + PartialEq,
{
    if value == nothing {
        store.remove(&account_id, &sort);
    } else {
        store.insert(&account_id, sort, value);
    }
}

mod erasure;
#[cfg(test)]
mod tests;
