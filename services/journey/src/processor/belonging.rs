//! What a person tells accounts, as touches come and go: of its membership, and what it hears.
//!
//! All accounts of a person hear what it hears, whether an exposure names them or not, and whether it came before the person
//! was known to belong to them or after; only not what comes when the membership has expired. So what is told follows from
//! the exposures within the horizon and from the memberships, and is taken back and told anew when either changes.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::AccountCommand;
use tributary_model::step::PersonStep;
use tributary_model::time::DAY_MS;
use tributary_model::{AccountId, JourneyEvent, PersonId, topics};
use tributary_stream::{Effects, Failure};

use super::JourneyProcessor;
use crate::account::MAX_ENTRIES;
use crate::account::delta::Delta;
use crate::base::Base;
use crate::heard::Passed;
use crate::kept::Kept;
use crate::membership::{HeardUntil, Memberships, Statements, ToldMemberships};
use crate::timeline::is_first_statement;
use crate::touch::{Touch, TouchKey};

/// Which touches have come and gone.
#[derive(Default)]
struct Moved<'a> {
    /// Those that accounts have not been told of.
    new: BTreeSet<TouchKey>,
    /// Those that have left the person.
    gone: &'a [Touch],
}

impl<T: PersonStep> JourneyProcessor<T> {
    /// Takes in what new touches say, and tells the accounts what that changes and what was heard.
    pub(super) fn heed_accounts(
        &mut self,
        person_id: PersonId,
        changes: &[JourneyEvent],
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let is_known = self.memberships.get(&person_id).is_some();
        let is_told = |event: &&JourneyEvent| {
            is_first_statement(event) && (!event.account_ids.is_empty() || (is_known && event.touchpoint.is_exposure()))
        };
        if !changes.iter().any(|event| is_told(&event)) {
            return Ok(());
        }
        let mut memberships = self.memberships_of(person_id);
        let mut moved = Moved::default();
        for event in changes.iter().filter(|event| is_first_statement(event)) {
            memberships.add(&self.rules.accounts, &self.rules.realm, event);
            moved.new.insert((event.touchpoint.occurred_at, event.touchpoint.touchpoint_id.clone()));
        }
        self.tell_all(person_id, memberships, &moved, effects)
    }

    /// Takes in the memberships that another person had by touches beyond the horizon.
    pub(super) fn join_accounts(
        &mut self,
        person_id: PersonId,
        others: Memberships,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let mut memberships = self.memberships_of(person_id);
        memberships.join(others);
        self.tell_all(person_id, memberships, &Moved::default(), effects)
    }

    /// Takes back all that was told: the person has become another, and `gone` are the touches that it had.
    pub(super) fn leave_accounts(
        &mut self,
        person_id: PersonId,
        gone: &[Touch],
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let moved = Moved { gone, ..Moved::default() };
        self.tell_all(person_id, Memberships::default(), &moved, effects)
    }

    /// Finds the memberships anew by the touches that are left when some have `gone`.
    pub(super) fn recount_accounts(
        &mut self,
        person_id: PersonId,
        base: &Base,
        gone: &[Touch],
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let mut left = base.memberships.clone();
        for (key, kept) in self.touches.list(&person_id) {
            let touch = kept.open(person_id, (key.0, &key.1));
            left.add(&self.rules.accounts, &self.rules.realm, &touch.event);
        }
        self.tell_all(person_id, left, &Moved { gone, ..Moved::default() }, effects)
    }

    fn memberships_of(&self, person_id: PersonId) -> Memberships {
        self.memberships.get(&person_id).map(|known| known.memberships.clone()).unwrap_or_default()
    }

    fn tell_all(
        &mut self,
        person_id: PersonId,
        memberships: Memberships,
        moved: &Moved<'_>,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let before = self.memberships.get(&person_id);
        if before.is_none() && memberships == Memberships::default() {
            return Ok(());
        }
        let mut deltas: BTreeMap<AccountId, Delta> = BTreeMap::new();
        let mut known = ToldMemberships { memberships, ..before.cloned().unwrap_or_default() };
        if before.is_none_or(|before| before.memberships != known.memberships) {
            let now: Statements = known.memberships.statements(&self.rules.accounts);
            for (account_id, changes) in known.tell(now) {
                deltas.insert(account_id, Delta::of_member(person_id, changes));
            }
        }
        let heard_until = known.memberships.heard_until(&self.rules.accounts);
        for (account_id, passed) in self.heard(person_id, [&known.heard, &heard_until], moved) {
            deltas.entry(account_id).or_default().passed = passed;
        }
        known.heard = heard_until;
        if known == ToldMemberships::default() {
            self.memberships.remove(&person_id);
        } else if before != Some(&known) {
            self.memberships.insert(person_id, known);
        }
        deltas.into_iter().try_for_each(|(account_id, delta)| tell(account_id, delta, effects))
    }

    /// The exposures that accounts are to be told of, and those that are taken back.
    fn heard(
        &self,
        person_id: PersonId,
        [before, now]: [&HeardUntil; 2],
        moved: &Moved<'_>,
    ) -> BTreeMap<AccountId, Vec<(Passed, i64)>> {
        let mut told: BTreeMap<AccountId, Vec<(Passed, i64)>> = BTreeMap::new();
        let mut tell = |until: &HeardUntil, passed: &Passed, count: i64| {
            for (account_id, _) in until.iter().filter(|(_, until)| day(passed.occurred_at) <= **until) {
                told.entry(*account_id).or_default().push((passed.clone(), count));
            }
        };
        moved.gone.iter().filter_map(Passed::heard).for_each(|passed| tell(before, &passed, -1));
        let heard = |key: &TouchKey, kept: &Kept| {
            let is_heard = kept.is_exposure();
            is_heard.then(|| Passed::heard(&kept.open(person_id, (key.0, &key.1)))).flatten()
        };
        let new = moved.new.iter().filter_map(|key| heard(key, self.touches.get(&person_id, key)?));
        new.for_each(|passed| tell(now, &passed, 1));
        let others = || self.touches.list(&person_id).rev().filter(|(key, _)| !moved.new.contains(*key));
        let accounts: BTreeSet<&AccountId> = before.keys().chain(now.keys()).collect();
        for account_id in accounts {
            let until = |of: &HeardUntil| of.get(account_id).copied().unwrap_or(i64::MIN);
            let (was, is) = (until(before), until(now));
            let between = others().take_while(|((at, _), _)| was != is && day(*at) > was.min(is));
            let between = between.filter(|((at, _), _)| day(*at) <= was.max(is));
            let changed: Vec<Passed> = between.filter_map(|(key, kept)| heard(key, kept)).collect();
            if !changed.is_empty() {
                let count = if is > was { 1 } else { -1 };
                told.entry(*account_id).or_default().extend(changed.into_iter().map(|passed| (passed, count)));
            }
        }
        told
    }
}

fn day(at: i64) -> i64 {
    at.div_euclid(DAY_MS)
}

fn tell(account_id: AccountId, delta: Delta, effects: &mut Effects) -> Result<(), Failure> {
    let parts = if delta.passed.len() > MAX_ENTRIES { delta.parts(MAX_ENTRIES) } else { vec![delta] };
    for part in parts {
        let command = AccountCommand { account_id, hops: 0, delta: part.encode()? };
        effects.emit(topics::ACCOUNT_COMMANDS, account_id.to_key(), &command)?;
    }
    Ok(())
}
