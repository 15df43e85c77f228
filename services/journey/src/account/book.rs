//! The stores of the accounts, and how a delta is entered in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::path::PathDelta;
use tributary_model::{AccountId, PersonId};
use tributary_stream::{KeyedStore, OrderedStore, StateStore};

use super::delta::{Delta, OpportunityStatement, Sums, Time};
use super::ways::{PASSED, WayLimits, Ways};
use crate::membership::MemberStatement;

pub(crate) const STORES: [&str; 6] = ["accounts", "members", "opportunities", "times", "days", PASSED];
const STATE_VERSION: u8 = 3;

/// What is kept of one account in one piece.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The namespace of the identifier that it is named after.
    pub(crate) namespace: String,
    /// Counts what was told to it.
    pub(crate) revision: i64,
    pub(crate) sums: Sums,
    pub(crate) open_opportunities: i64,
    /// The newest touch of each team.
    pub(crate) last_touches: BTreeMap<String, i64>,
    /// The accounts of higher kinds that touches named together with it: their namespace, and how many.
    pub(crate) evidence: BTreeMap<AccountId, (String, i64)>,
    /// The account that it turned out to be.
    pub(crate) survivor: Option<AccountId>,
    /// Its paths to conversions before this are closed.
    pub(crate) closed_before: Option<i64>,
}

impl Account {
    /// Whether it stands for itself, and is not merged into another.
    fn is_standing(&self) -> bool {
        self.survivor.is_none()
    }
}

/// What is known of one person at an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// What was said, with how often it was said more than taken back.
    pub(crate) said: BTreeMap<MemberStatement, i64>,
    pub(crate) last_at: Option<i64>,
}

/// What was said about one opportunity, with how often it was said more than taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opportunity {
    said: BTreeMap<OpportunityStatement, i64>,
}

impl Opportunity {
    pub(crate) fn is_open(&self) -> bool {
        let count = |closes: bool| self.said.iter().filter(|(said, _)| said.closes == closes).map(|(_, n)| *n).sum();
        let (opened, closed): (i64, i64) = (count(false), count(true));
        opened > 0 && closed <= 0
    }

    /// What was said of it, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &OpportunityStatement> {
        self.said.iter().rev().filter(|(_, count)| **count > 0).map(|(said, _)| said)
    }
}

/// The accounts of one partition.
#[derive(Debug)]
pub(crate) struct Book {
    max_times: usize,
    pub(crate) accounts: KeyedStore<AccountId, Account>,
    pub(crate) members: OrderedStore<AccountId, PersonId, Member>,
    pub(crate) opportunities: OrderedStore<AccountId, String, Opportunity>,
    /// Touches by time, team and person, the newest of them.
    pub(crate) times: OrderedStore<AccountId, Time, i64>,
    /// Points of engagement by day, the newest of them.
    pub(crate) days: OrderedStore<AccountId, i64, i64>,
    /// What they passed, and the paths that this makes.
    pub(crate) ways: Ways,
}

impl Book {
    /// Without accounts; the newest `max_times` times and days are kept for each.
    pub(crate) fn new(max_times: usize, limits: WayLimits) -> Self {
        let [accounts, members, opportunities, times, days, _] = STORES;
        Self {
            max_times,
            accounts: KeyedStore::new(accounts, STATE_VERSION),
            members: OrderedStore::new(members, STATE_VERSION),
            opportunities: OrderedStore::new(opportunities, STATE_VERSION),
            times: OrderedStore::new(times, STATE_VERSION),
            days: OrderedStore::new(days, STATE_VERSION),
            ways: Ways::new(limits),
        }
    }

    pub(crate) fn account(&mut self, account_id: AccountId) -> &mut Account {
        self.accounts.get_or_insert_with(&account_id, Account::default)
    }

    /// Notes how an account is before it is changed.
    pub(crate) fn note(&mut self, account_id: AccountId) {
        self.ways.note(account_id, self.accounts.get(&account_id).is_none_or(Account::is_standing));
    }

    /// What the open transaction has changed about the paths of accounts.
    pub(crate) fn drain_paths(&mut self) -> Vec<PathDelta> {
        let accounts = &self.accounts;
        for account_id in self.ways.settle(|account_id| accounts.get(&account_id).is_none_or(Account::is_standing)) {
            if let Some(closed_before) = self.ways.trim(account_id) {
                let account = self.account(account_id);
                account.closed_before = account.closed_before.max(Some(closed_before));
            }
        }
        self.ways.drain()
    }

    /// Enters a delta.
    pub(crate) fn enter(&mut self, account_id: AccountId, delta: &Delta) {
        let account = self.account(account_id);
        account.sums.add(&delta.sums);
        let (closed_before, is_standing) = (account.closed_before, account.is_standing());
        for passed in &delta.passed {
            self.ways.enter(account_id, passed, closed_before, is_standing);
        }
        for (person_id, statement, count) in &delta.members {
            let mut member = self.members.get(&account_id, person_id).cloned().unwrap_or_default();
            add(&mut member.said, statement, *count);
            put(&mut self.members, account_id, *person_id, member);
        }
        for (id, statement, count) in &delta.opportunities {
            self.enter_opportunity(account_id, id, statement, *count);
        }
        for (day, weight) in &delta.days {
            let before = self.days.get(&account_id, day).copied().unwrap_or(0);
            put(&mut self.days, account_id, *day, before + weight);
        }
        keep_newest(&mut self.days, account_id, self.max_times);
        for (time, count) in &delta.times {
            let before = self.times.get(&account_id, time).copied().unwrap_or(0);
            put(&mut self.times, account_id, time.clone(), before + count);
        }
        keep_newest(&mut self.times, account_id, self.max_times);
        for person_id in &delta.erased {
            self.forget(account_id, *person_id);
        }
        match delta.times.as_slice() {
            [] => {}
            [((at, team, person_id), _)] => self.find_last(account_id, *at, team, *person_id),
            _ => self.find_all_last(account_id, delta),
        }
    }

    fn enter_opportunity(&mut self, account_id: AccountId, id: &str, statement: &OpportunityStatement, count: i64) {
        let id = id.to_owned();
        let mut opportunity = self.opportunities.get(&account_id, &id).cloned().unwrap_or_default();
        let was_open = opportunity.is_open();
        add(&mut opportunity.said, statement, count);
        let change = i64::from(opportunity.is_open()) - i64::from(was_open);
        put(&mut self.opportunities, account_id, id, opportunity);
        self.account(account_id).open_opportunities += change;
    }

    /// When the team and the person of a touch at `at` last touched the account: usually then, or as known; only taking
    /// back the newest touch has to look for the one before.
    fn find_last(&mut self, account_id: AccountId, at: i64, team: &str, person_id: PersonId) {
        let is_newer = |known: Option<i64>| known.is_some_and(|known| known > at);
        let newest_first = || self.times.list(&account_id).rev().filter(|(_, count)| **count > 0);
        let known = self.accounts.get(&account_id).and_then(|account| account.last_touches.get(team)).copied();
        if !is_newer(known) {
            let last = newest_first().find(|((_, of, _), _)| of == team).map(|((at, ..), _)| *at);
            let last_touches = &mut self.accounts.get_or_insert_with(&account_id, Account::default).last_touches;
            match last {
                Some(last) => drop(last_touches.insert(team.to_owned(), last)),
                None => drop(last_touches.remove(team)),
            }
        }
        let member = self.members.get(&account_id, &person_id);
        if !is_newer(member.and_then(|member| member.last_at)) {
            let mut member = member.cloned().unwrap_or_default();
            let newest_first = self.times.list(&account_id).rev().filter(|(_, count)| **count > 0);
            member.last_at =
                newest_first.map(|((at, _, of), _)| (at, of)).find(|(_, of)| **of == person_id).map(|(at, _)| *at);
            put(&mut self.members, account_id, person_id, member);
        }
    }

    /// The same after many touches at once. What lies before the times that are kept stays as it is known.
    fn find_all_last(&mut self, account_id: AccountId, delta: &Delta) {
        let oldest = self.times.list(&account_id).next().map(|((at, ..), _)| *at);
        let oldest = oldest.filter(|_| self.times.list_len(&account_id) >= self.max_times);
        let is_before = |at: i64| oldest.is_some_and(|oldest| at < oldest);
        let mut of_teams = std::mem::take(&mut self.account(account_id).last_touches);
        of_teams.retain(|_, at| is_before(*at));
        let mut of_persons: BTreeMap<PersonId, i64> = BTreeMap::new();
        for ((at, team, person_id), _) in self.times.list(&account_id).filter(|(_, count)| **count > 0) {
            of_teams.insert(team.clone(), *at);
            of_persons.insert(*person_id, *at);
        }
        self.account(account_id).last_touches = of_teams;
        let mut persons: Vec<PersonId> = delta.times.iter().map(|((_, _, person_id), _)| *person_id).collect();
        persons.sort_unstable();
        persons.dedup();
        for person_id in persons {
            let mut member = self.members.get(&account_id, &person_id).cloned().unwrap_or_default();
            member.last_at = of_persons.get(&person_id).copied().or(member.last_at.filter(|at| is_before(*at)));
            put(&mut self.members, account_id, person_id, member);
        }
    }

    /// All that is the account's, as a delta.
    pub(crate) fn everything(&self, account_id: AccountId) -> Delta {
        let mut sums = self.accounts.get(&account_id).map(|account| account.sums.clone()).unwrap_or_default();
        sums.merged.insert(account_id, 1);
        let members = self.members.list(&account_id);
        let members = members.flat_map(|(person_id, member)| member.said.iter().map(move |said| (*person_id, said)));
        let opportunities = self.opportunities.list(&account_id);
        let opportunities =
            opportunities.flat_map(|(id, opportunity)| opportunity.said.iter().map(move |said| (id, said)));
        Delta {
            sums,
            members: members.map(|(person_id, (said, count))| (person_id, said.clone(), *count)).collect(),
            opportunities: opportunities.map(|(id, (said, count))| (id.clone(), said.clone(), *count)).collect(),
            times: self.times.list(&account_id).map(|(time, count)| (time.clone(), *count)).collect(),
            days: self.days.list(&account_id).map(|(day, weight)| (*day, *weight)).collect(),
            passed: self.ways.passed.list(&account_id).map(|(passed, count)| (passed.clone(), *count)).collect(),
            ..Delta::default()
        }
    }

    /// Sets what is known of a person, or removes it when that is nothing.
    pub(super) fn put_member(&mut self, account_id: AccountId, person_id: PersonId, member: Member) {
        put(&mut self.members, account_id, person_id, member);
    }

    pub(crate) fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let Self { accounts, members, opportunities, times, days, ways, .. } = self;
        vec![accounts, members, opportunities, times, days, &mut ways.passed]
    }
}

fn add<T: Ord + Clone>(said: &mut BTreeMap<T, i64>, statement: &T, count: i64) {
    let sum = said.entry(statement.clone()).or_default();
    *sum += count;
    if *sum == 0 {
        said.remove(statement);
    }
}

fn keep_newest<S, V>(store: &mut OrderedStore<AccountId, S, V>, account_id: AccountId, most: usize)
where
    S: std::hash::Hash + Ord + Clone,
    V: Clone + PartialEq,
{
    while store.list_len(&account_id) > most {
        let Some(oldest) = store.list(&account_id).next().map(|(oldest, _)| oldest.clone()) else { break };
        store.remove(&account_id, &oldest);
    }
}

/// Sets an entry, or removes it when there is nothing in it.
pub(super) fn put<S, V>(store: &mut OrderedStore<AccountId, S, V>, account_id: AccountId, sort: S, value: V)
where
    S: std::hash::Hash + Ord + Clone,
    V: Clone + PartialEq + Default,
{
    if value == V::default() {
        store.remove(&account_id, &sort);
    } else {
        store.insert(&account_id, sort, value);
    }
}
