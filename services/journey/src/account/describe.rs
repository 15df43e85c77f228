//! The record of an account, made of what its stores hold.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::{AccountEvent, AccountMember, AccountStory, Coverage, LastTouch, OpenOpportunity};
use tributary_model::time::DAY_MS;
use tributary_model::{AccountId, PersonId};

use super::book::{Account, Book, Member};
use crate::account_rules::AccountRules;
use crate::stage::{Facts, StageDefinitions};

/// The account as it is now, with what it heard in the `window_ms` before its newest touch.
pub(crate) fn describe(
    book: &Book,
    rules: &AccountRules,
    stages: &StageDefinitions,
    window_ms: i64,
    account_id: AccountId,
) -> AccountEvent {
    let nothing = Account::default();
    let account = book.accounts.get(&account_id).unwrap_or(&nothing);
    if account.survivor.is_some() {
        return elsewhere(account, rules, stages, account_id);
    }
    let sums = &account.sums;
    let last_at = account.last_touches.values().copied().max().unwrap_or_default();
    let members = members(book, rules, account_id, last_at);
    let (currency, value_minor) = sums.main_value();
    let person_count = count(members.len());
    let facts = Facts {
        touches: sums.touches,
        inbound: sums.inbound,
        exposures: sums.exposures,
        orders: sums.orders,
        value_minor,
        days_since_order: None,
        persons: person_count,
        open_opportunities: account.open_opportunities,
        seen: sums.seen.iter().filter(|(_, count)| **count > 0).map(|(kind, _)| kind.as_str()).collect(),
    };
    let coverage = coverage(rules, &members, last_at);
    let named: Vec<AccountMember> = members.into_iter().take(rules.max_named).collect();
    let last_touch = |(team_id, at): (&String, &i64)| LastTouch { team_id: team_id.clone(), occurred_at: *at };
    AccountEvent {
        revision: account.revision,
        persons: named.iter().map(|member| member.person_id).collect(),
        person_count,
        touch_count: sums.touches,
        order_count: sums.orders,
        value_minor,
        currency,
        open_opportunity_count: account.open_opportunities,
        stage: stages.account.stage(&facts).to_owned(),
        last_touches: account.last_touches.iter().map(last_touch).collect(),
        last_at,
        members: named,
        coverage,
        engagement_milli: rules.decay.score_milli(book.days.list(&account_id), day(last_at)),
        open_opportunities: open_opportunities(book, rules, account, account_id),
        merged_accounts: sums.merged.iter().filter(|(_, count)| **count > 0).map(|(id, _)| *id).collect(),
        story: book.ways.story(account_id, last_at, window_ms, rules.max_named),
        ..elsewhere(account, rules, stages, account_id)
    }
}

/// What is said of an account whose touches are all another's.
fn elsewhere(
    account: &Account,
    rules: &AccountRules,
    stages: &StageDefinitions,
    account_id: AccountId,
) -> AccountEvent {
    AccountEvent {
        account_id,
        revision: account.revision,
        persons: Vec::new(),
        person_count: 0,
        touch_count: 0,
        order_count: 0,
        value_minor: 0,
        currency: None,
        open_opportunity_count: 0,
        stage: stages.account.first().to_owned(),
        last_touches: Vec::new(),
        last_at: 0,
        namespace: account.namespace.clone(),
        members: Vec::new(),
        coverage: Coverage::default(),
        engagement_milli: 0,
        engagement_half_life_days: rules.decay.half_life_days,
        open_opportunities: Vec::new(),
        merged_accounts: Vec::new(),
        merged_into: account.survivor,
        contested_by: account.contested_by(rules),
        story: AccountStory::default(),
    }
}

fn day(at: i64) -> i64 {
    at.div_euclid(DAY_MS)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// All members whose membership has not expired, in order of id.
fn members(book: &Book, rules: &AccountRules, account_id: AccountId, as_of: i64) -> Vec<AccountMember> {
    let expires = rules.expires_after_days;
    let counts = |last_at: Option<i64>| expires == 0 || last_at.is_some_and(|at| day(as_of) - day(at) <= expires);
    let all = book.members.list(&account_id).filter_map(|(person_id, member)| member.describe(*person_id, rules));
    all.filter(|member| counts(member.last_at)).collect()
}

impl Member {
    /// What all standing statements say together: one for each account that turned out to be this one.
    fn describe(&self, person_id: PersonId, rules: &AccountRules) -> Option<AccountMember> {
        let standing = || self.said.iter().filter(|(_, count)| **count > 0).map(|(said, _)| said);
        let first = standing().next()?;
        let highest = standing().min_by_key(|said| (rules.rank(&said.source), &said.source)).unwrap_or(first);
        Some(AccountMember {
            person_id,
            source: highest.source.clone(),
            evidence: first.evidence.clone(),
            since: first.since,
            last_at: self.last_at,
            role: standing().filter_map(|said| said.role.as_ref()).max().map(|(_, role)| role.clone()),
            is_primary: standing().any(|said| said.is_primary),
        })
    }
}

fn coverage(rules: &AccountRules, members: &[AccountMember], as_of: i64) -> Coverage {
    let is_touched =
        |member: &&AccountMember| member.last_at.is_some_and(|at| day(as_of) - day(at) <= rules.window_days);
    let known: BTreeSet<&str> = members.iter().filter_map(|member| member.role.as_deref()).collect();
    let touched: BTreeSet<&str> =
        members.iter().filter(is_touched).filter_map(|member| member.role.as_deref()).collect();
    let of = |there: &BTreeSet<&str>| -> Vec<String> {
        rules.expected_roles().filter(|role| there.contains(role)).map(str::to_owned).collect()
    };
    Coverage {
        expected_roles: rules.expected_roles().map(str::to_owned).collect(),
        known_roles: of(&known),
        touched_roles: of(&touched),
        touched_person_count: count(members.iter().filter(is_touched).count()),
    }
}

fn open_opportunities(
    book: &Book,
    rules: &AccountRules,
    account: &Account,
    account_id: AccountId,
) -> Vec<OpenOpportunity> {
    if account.open_opportunities <= 0 {
        return Vec::new();
    }
    let open = book.opportunities.list(&account_id).filter(|(_, opportunity)| opportunity.is_open());
    let describe = |(id, opportunity): (&String, &super::book::Opportunity)| {
        let value = opportunity.newest_first().find_map(|said| said.value.as_ref());
        OpenOpportunity {
            opportunity_id: id.clone(),
            stage: opportunity.newest_first().find_map(|said| said.stage.clone()),
            value_minor: value.map(|(value_minor, _)| *value_minor),
            currency: value.map(|(_, currency)| currency.clone()),
        }
    };
    open.take(rules.max_named).map(describe).collect()
}

impl Account {
    /// The accounts of the highest kind that were named together with this one.
    pub(crate) fn claims(&self, rules: &AccountRules) -> Vec<AccountId> {
        let standing = || self.evidence.iter().filter(|(_, (_, count))| *count > 0);
        let mut by_rank: BTreeMap<usize, Vec<AccountId>> = BTreeMap::new();
        for (id, (namespace, _)) in standing() {
            by_rank.entry(rules.rank(namespace)).or_default().push(*id);
        }
        by_rank.into_values().next().unwrap_or_default()
    }

    fn contested_by(&self, rules: &AccountRules) -> Vec<AccountId> {
        let claims = self.claims(rules);
        if claims.len() > 1 { claims } else { Vec::new() }
    }
}
