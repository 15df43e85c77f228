//! An account whose person is erased.

use tributary_model::account::AccountEvent;
use tributary_model::{AccountId, PersonId};

use super::{AccountRollups, Sums};

impl AccountRollups {
    /// `person_id` is no longer among the persons of the account; gives the account as it is now, or `None` when it was not.
    /// The account's sums stay: they are of the account, and tell nothing of one person.
    pub fn forget(&mut self, account_id: AccountId, person_id: PersonId) -> Option<AccountEvent> {
        let count = self.persons.remove(&account_id, &person_id)?;
        let sums = self.sums.get_or_insert_with(&account_id, Sums::default);
        sums.revision += 1;
        sums.persons -= i64::from(count > 0);
        Some(self.describe(account_id))
    }
}
