//! The alias table, folded: what became of every person that was ever issued.

use rustc_hash::FxHashMap;
use tributary_model::PersonId;
use tributary_model::identity::Alias;

/// Merged persons and what they are now. Folded from the compacted `tributary.aliases`, for reading by many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AliasTable {
    winners: FxHashMap<PersonId, PersonId>,
}

impl AliasTable {
    /// Takes over one record of the topic: the key, and the alias or its removal. Keys that are no person ids are
    /// passed over.
    pub fn apply(&mut self, key: &[u8], alias: Option<Alias>) {
        match alias {
            // The sequencer makes no circles; a damaged topic must not make one here.
            Some(alias) if self.resolve(alias.winner) == alias.loser => {}
            Some(alias) => drop(self.winners.insert(alias.loser, alias.winner)),
            None => {
                let loser = std::str::from_utf8(key).ok().and_then(|text| text.parse::<PersonId>().ok());
                if let Some(loser) = loser {
                    self.winners.remove(&loser);
                }
            }
        }
    }

    /// The person that `person` is now; itself when it was never merged.
    #[must_use]
    pub fn resolve(&self, person: PersonId) -> PersonId {
        let mut now = person;
        while let Some(winner) = self.winners.get(&now) {
            now = *winner;
        }
        now
    }

    /// Every id that `person` ever had beside this one, in order.
    #[must_use]
    pub fn ids_of(&self, person: PersonId) -> Vec<PersonId> {
        let mut ids: Vec<PersonId> = self.winners.keys().copied().filter(|id| self.resolve(*id) == person).collect();
        ids.sort_unstable();
        ids
    }

    /// How many persons were merged into others.
    #[must_use]
    pub fn len(&self) -> usize {
        self.winners.len()
    }

    /// True when nobody was merged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.winners.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn person(number: u128) -> PersonId {
        PersonId(Uuid::from_u128(number))
    }

    fn apply(table: &mut AliasTable, loser: u128, winner: u128) {
        let alias = Alias { loser: person(loser), winner: person(winner), sequence: 1 };
        table.apply(&alias.loser.to_key(), Some(alias.clone()));
    }

    #[test]
    fn every_person_of_a_chain_resolves_to_its_end_in_whatever_order_the_records_come() {
        let records = [(1, 2), (2, 3), (3, 4), (5, 3)];
        for start in 0..records.len() {
            let mut table = AliasTable::default();
            for step in 0..records.len() {
                let (loser, winner) = records[(start + step) % records.len()];
                apply(&mut table, loser, winner);
            }
            for number in [1, 2, 3, 4, 5] {
                assert_eq!(table.resolve(person(number)), person(4), "{number} from {start}");
            }
            assert_eq!(table.resolve(person(9)), person(9));
            assert_eq!(table.ids_of(person(4)), [1, 2, 3, 5].map(person));
            assert_eq!(table.ids_of(person(9)), []);
        }
    }

    #[test]
    fn a_removed_alias_is_itself_again_and_a_circle_cannot_be_made() {
        let mut table = AliasTable::default();
        apply(&mut table, 1, 2);
        apply(&mut table, 2, 1);
        apply(&mut table, 3, 3);
        assert_eq!(table.resolve(person(1)), person(2));
        assert_eq!(table.resolve(person(2)), person(2));
        table.apply(&person(1).to_key(), None);
        assert!(table.is_empty());
        assert_eq!(table.resolve(person(1)), person(1));
    }
}
