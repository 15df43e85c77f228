//! An account whose person is erased.
//!
//! The person takes its touches and its membership back by itself. What is left is whose those touches were that the person
//! has beyond its horizon, and cannot tell of one by one: the account forgets that, and keeps their sums.

use tributary_model::{AccountId, PersonId};

use super::book::{Book, Member};
use super::delta::{Delta, Time};
use super::{AccountRollups, Told};

impl AccountRollups {
    /// `person_id` is erased. An account that turned out to be another tells that one.
    pub fn forget(&mut self, account_id: AccountId, person_id: PersonId) -> Told {
        self.enter(account_id, Delta::of_erased(person_id))
    }
}

impl Book {
    /// Forgets when the person was touched. Its membership it has taken back by itself, or is about to.
    pub(super) fn forget(&mut self, account_id: AccountId, person_id: PersonId) {
        let times = self.times.list(&account_id).filter(|((_, _, of), _)| *of == person_id);
        let times: Vec<Time> = times.map(|(time, _)| time.clone()).collect();
        for time in &times {
            self.times.remove(&account_id, time);
        }
        if let Some(member) = self.members.get(&account_id, &person_id).cloned() {
            self.put_member(account_id, person_id, Member { last_at: None, ..member });
        }
    }
}
