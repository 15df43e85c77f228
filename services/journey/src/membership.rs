//! To which accounts a person belongs, by the touches that name them; and which of these is the primary one.
//!
//! A membership is made of extremes (first touch, last day, newest role), so it is the same for any order of arrival. What
//! was told to the accounts is remembered, so that taking it back repeats it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::time::DAY_MS;
use tributary_model::{AccountId, JourneyEvent};
use uuid::Uuid;

use crate::account_rules::AccountRules;
use crate::touch::TouchKey;

/// One person's membership of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    namespace: String,
    first: TouchKey,
    last_day: i64,
    role: Option<(TouchKey, String)>,
}

/// One person's memberships.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memberships {
    of: BTreeMap<AccountId, Membership>,
}

/// What a person tells an account about its membership.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemberStatement {
    /// When the first touch that names the account occurred.
    pub since: i64,
    /// That touch.
    pub evidence: String,
    /// The namespace of the identifier that names the account.
    pub source: String,
    /// The newest role, and when it was told.
    pub role: Option<(i64, String)>,
    /// Whether it is the first of the person's accounts.
    pub is_primary: bool,
}

/// The statements of one person by account.
pub(crate) type Statements = BTreeMap<AccountId, MemberStatement>;

/// Until which day the accounts hear what a person hears.
pub(crate) type HeardUntil = BTreeMap<AccountId, i64>;

/// A person's memberships, and what the accounts were told of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldMemberships {
    pub(crate) memberships: Memberships,
    pub(crate) told: Statements,
    /// Until which day the accounts were told of exposures.
    pub(crate) heard: HeardUntil,
}

impl Membership {
    fn join(&mut self, other: Self) {
        if other.first < self.first {
            self.first = other.first;
        }
        self.last_day = self.last_day.max(other.last_day);
        if other.role > self.role {
            self.role = other.role;
        }
    }
}

impl Memberships {
    /// Takes in a touch.
    pub(crate) fn add(&mut self, rules: &AccountRules, realm: &Uuid, event: &JourneyEvent) {
        let touchpoint = &event.touchpoint;
        if touchpoint.account_identifiers.is_empty() {
            return;
        }
        let key: TouchKey = (touchpoint.occurred_at, touchpoint.touchpoint_id.clone());
        let role = rules.role(touchpoint).map(|role| (key.clone(), role.to_owned()));
        for named in rules.named(realm, &touchpoint.account_identifiers).into_iter().filter(|named| named.is_own) {
            let membership = Membership {
                namespace: named.namespace.to_owned(),
                first: key.clone(),
                last_day: key.0.div_euclid(DAY_MS),
                role: role.clone(),
            };
            self.join_one(named.id, membership);
        }
    }

    /// Takes in those of a person who turned out to be this one.
    pub fn join(&mut self, other: Self) {
        for (account_id, membership) in other.of {
            self.join_one(account_id, membership);
        }
    }

    fn join_one(&mut self, account_id: AccountId, membership: Membership) {
        match self.of.get_mut(&account_id) {
            Some(known) => known.join(membership),
            None => drop(self.of.insert(account_id, membership)),
        }
    }

    /// What is to be told to the accounts. The primary one is that of the highest kind, then the one seen first, then the
    /// one with the least id; a membership that has expired is none.
    pub(crate) fn statements(&self, rules: &AccountRules) -> Statements {
        let newest_day = self.of.values().map(|membership| membership.last_day).max().unwrap_or_default();
        let expires = rules.expires_after_days;
        let counts = |membership: &Membership| expires == 0 || newest_day - membership.last_day <= expires;
        let living = self.of.iter().filter(|(_, membership)| counts(membership));
        let primary =
            living.min_by_key(|(id, membership)| (rules.rank(&membership.namespace), membership.first.0, **id));
        let primary = primary.map(|(id, _)| *id);
        let tell = |(id, membership): (&AccountId, &Membership)| {
            let statement = MemberStatement {
                since: membership.first.0,
                evidence: membership.first.1.clone(),
                source: membership.namespace.clone(),
                role: membership.role.as_ref().map(|((at, _), role)| (*at, role.clone())),
                is_primary: Some(*id) == primary,
            };
            (*id, statement)
        };
        self.of.iter().map(tell).collect()
    }
}

impl Memberships {
    /// Until which day each account hears what the person hears: all that it ever hears, or until the membership expires.
    pub(crate) fn heard_until(&self, rules: &AccountRules) -> HeardUntil {
        let expires = rules.expires_after_days;
        let until = |membership: &Membership| {
            if expires == 0 { i64::MAX } else { membership.last_day.saturating_add(expires) }
        };
        self.of.iter().map(|(id, membership)| (*id, until(membership))).collect()
    }
}

impl ToldMemberships {
    /// What has to be taken back and said to tell the accounts what is so now, account by account.
    pub(crate) fn tell(&mut self, now: Statements) -> Vec<(AccountId, Vec<(MemberStatement, i64)>)> {
        let mut changes: BTreeMap<AccountId, Vec<(MemberStatement, i64)>> = BTreeMap::new();
        for (id, told) in &self.told {
            if now.get(id) != Some(told) {
                changes.entry(*id).or_default().push((told.clone(), -1));
            }
        }
        for (id, statement) in &now {
            if self.told.get(id) != Some(statement) {
                changes.entry(*id).or_default().push((statement.clone(), 1));
            }
        }
        self.told = now;
        changes.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
