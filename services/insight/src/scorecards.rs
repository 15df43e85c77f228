//! The pure heart of the stage `scorecards`: changes in, the scorecards they made different out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::Scorecard;
use tributary_model::scorecard::{MeasureDelta, Measures, ScorecardKey};
use tributary_stream::{KeyedStore, StateStore};

use crate::config::Config;

/// Name of the store of the scorecards.
pub const CARDS_STORE: &str = "cards";
const VERSION: u8 = 2;

/// The name under which a scorecard counts what it has no room to name.
pub const OTHER: &str = "other";

/// A scorecard without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    revision: i64,
    measures: Measures,
    updated_at: i64,
}

/// The scorecards of one task, and which of them the open transaction has changed.
#[derive(Debug)]
pub struct Scorecards {
    max_places: usize,
    max_discount_kinds: usize,
    cards: KeyedStore<ScorecardKey, State>,
    changed: BTreeSet<ScorecardKey>,
}

impl Scorecards {
    /// No scorecards.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            max_places: config.max_places,
            max_discount_kinds: config.max_discount_kinds,
            cards: KeyedStore::new(CARDS_STORE, VERSION),
            changed: BTreeSet::new(),
        }
    }

    /// Folds a change into its scorecard.
    ///
    /// A scorecard names the first places and kinds of discount it meets and counts the others as [`OTHER`]; the sums
    /// over all names are exact, whatever does not fit.
    pub fn apply(&mut self, mut change: MeasureDelta) {
        let make = || State { revision: 0, measures: Measures::default(), updated_at: change.occurred_at };
        let state = self.cards.get_or_insert_with(&change.key, make);
        fit(&state.measures.locations, &mut change.delta.locations, self.max_places);
        fit(&state.measures.discounts_minor, &mut change.delta.discounts_minor, self.max_discount_kinds);
        state.measures.add(&change.delta);
        state.revision += change.change_count;
        state.updated_at = state.updated_at.max(change.occurred_at);
        self.changed.insert(change.key);
    }

    /// Hands over the scorecards that have changed, in order of key.
    pub fn drain(&mut self) -> Vec<Scorecard> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().filter_map(|key| self.scorecard(key)).collect()
    }

    /// Forgets which scorecards have changed: their transaction was aborted.
    pub fn forget(&mut self) {
        self.changed.clear();
    }

    /// Hands all scorecards to `each`, in no order.
    pub fn for_each(&self, mut each: impl FnMut(&ScorecardKey, &Measures)) {
        self.cards.for_each(|key, state| each(key, &state.measures));
    }

    /// The stores, always in the same order.
    pub fn stores(&mut self) -> [&mut dyn StateStore; 1] {
        [&mut self.cards]
    }

    fn scorecard(&self, key: ScorecardKey) -> Option<Scorecard> {
        let State { revision, measures, updated_at } = self.cards.get(&key)?.clone();
        Some(Scorecard { key, revision, measures, updated_at })
    }
}

/// Moves the entries of `change` that `named` does not know and has no room for to [`OTHER`].
fn fit(named: &BTreeMap<String, i64>, change: &mut BTreeMap<String, i64>, max_names: usize) {
    if named.len() + change.len() <= max_names {
        return;
    }
    let mut room = max_names.saturating_sub(named.len());
    let mut other = 0;
    change.retain(|name, amount| {
        if named.contains_key(name) || name == OTHER {
            return true;
        }
        if room > 0 {
            room -= 1;
            return true;
        }
        other += *amount;
        false
    });
    if other != 0 {
        *change.entry(OTHER.to_owned()).or_insert(0) += other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(places: &[(&str, i64)]) -> MeasureDelta {
        MeasureDelta {
            key: ScorecardKey {
                team_id: "store".to_owned(),
                dimension: "team".to_owned(),
                subject: "store".to_owned(),
                window: "total".to_owned(),
                window_start_at: 0,
                currency: String::new(),
            },
            delta: Measures {
                touches: 1,
                locations: places.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
                ..Measures::default()
            },
            change_count: 2,
            occurred_at: 5,
        }
    }

    #[test]
    fn a_scorecard_is_handed_over_once_with_all_changes_in_it() {
        let mut scorecards = Scorecards::new(&Config::default());
        scorecards.apply(change(&[("a", 1)]));
        scorecards.apply(MeasureDelta { occurred_at: 3, ..change(&[("a", 1), ("b", 1)]) });
        let drained = scorecards.drain();
        assert_eq!(drained.len(), 1);
        assert_eq!((drained[0].revision, drained[0].updated_at, drained[0].measures.touches), (4, 5, 2));
        assert_eq!(drained[0].measures.locations["a"], 2);
        assert_eq!(scorecards.drain(), Vec::new());
    }

    #[test]
    fn an_aborted_transaction_leaves_nothing_behind() {
        let mut scorecards = Scorecards::new(&Config::default());
        scorecards.apply(change(&[]));
        scorecards.drain();
        scorecards.stores().into_iter().for_each(StateStore::commit);
        scorecards.apply(change(&[("a", 1)]));
        scorecards.stores().into_iter().for_each(StateStore::abort);
        scorecards.forget();
        assert_eq!(scorecards.drain(), Vec::new());
        scorecards.apply(change(&[]));
        let after = &scorecards.drain()[0];
        assert_eq!((after.revision, after.measures.touches, after.measures.locations.len()), (4, 2, 0));
    }

    #[test]
    fn names_beyond_the_bound_are_counted_together_and_nothing_is_lost() {
        let mut scorecards = Scorecards::new(&Config { max_places: 2, ..Config::default() });
        scorecards.apply(change(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]));
        scorecards.apply(change(&[("a", 1), ("c", 1)]));
        let measures = scorecards.drain().remove(0).measures;
        let expected = [("a", 2), ("b", 2), (OTHER, 8)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(measures.locations, BTreeMap::from(expected));
    }
}
