//! What a person tells accounts of its membership, as touches come and go.

use tributary_model::account::AccountCommand;
use tributary_model::step::PersonStep;
use tributary_model::{AccountId, JourneyEvent, PersonId, topics};
use tributary_stream::{Effects, Failure};

use super::JourneyProcessor;
use crate::account::delta::Delta;
use crate::base::Base;
use crate::membership::{MemberStatement, Memberships, Statements, ToldMemberships};
use crate::timeline::is_first_statement;

impl<T: PersonStep> JourneyProcessor<T> {
    /// Takes in what new touches say, and tells the accounts what that changes.
    pub(super) fn heed_accounts(
        &mut self,
        person_id: PersonId,
        changes: &[JourneyEvent],
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let is_told = |event: &&JourneyEvent| is_first_statement(event) && !event.account_ids.is_empty();
        let new: Vec<&JourneyEvent> = changes.iter().filter(is_told).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut memberships = self.memberships_of(person_id);
        for event in new {
            memberships.add(&self.rules.accounts, &self.rules.realm, event);
        }
        self.tell_memberships(person_id, memberships, effects)
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
        self.tell_memberships(person_id, memberships, effects)
    }

    /// Takes back all that was told: the person has become another.
    pub(super) fn leave_accounts(&mut self, person_id: PersonId, effects: &mut Effects) -> Result<(), Failure> {
        self.tell_memberships(person_id, Memberships::default(), effects)
    }

    /// Finds the memberships anew by the touches that are left.
    pub(super) fn recount_accounts(
        &mut self,
        person_id: PersonId,
        base: &Base,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let mut left = base.memberships.clone();
        for (_, touch) in self.touches.list(&person_id) {
            left.add(&self.rules.accounts, &self.rules.realm, &touch.event);
        }
        self.tell_memberships(person_id, left, effects)
    }

    fn memberships_of(&self, person_id: PersonId) -> Memberships {
        self.memberships.get(&person_id).map(|known| known.memberships.clone()).unwrap_or_default()
    }

    fn tell_memberships(
        &mut self,
        person_id: PersonId,
        memberships: Memberships,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let before = self.memberships.get(&person_id);
        if before.map_or(memberships == Memberships::default(), |before| before.memberships == memberships) {
            return Ok(());
        }
        let mut known =
            ToldMemberships { memberships, told: before.map(|known| known.told.clone()).unwrap_or_default() };
        let now: Statements = known.memberships.statements(&self.rules.accounts);
        for (account_id, changes) in known.tell(now) {
            tell(person_id, account_id, changes, effects)?;
        }
        if known == ToldMemberships::default() {
            self.memberships.remove(&person_id);
        } else {
            self.memberships.insert(person_id, known);
        }
        Ok(())
    }
}

fn tell(
    person_id: PersonId,
    account_id: AccountId,
    changes: Vec<(MemberStatement, i64)>,
    effects: &mut Effects,
) -> Result<(), Failure> {
    let delta = Delta::of_member(person_id, changes).encode()?;
    effects.emit(topics::ACCOUNT_COMMANDS, account_id.to_key(), &AccountCommand { account_id, hops: 0, delta })
}
