//! The counted paths of the stage `scorecards`: changes in, the counts they made different out.

use std::collections::BTreeMap;

use tributary_model::path::{PathCounts, PathDelta, PathKey};
use tributary_stream::{KeyedStore, StateStore};

/// Name of the store of the counts.
pub const PATHS_STORE: &str = "paths";
const VERSION: u8 = 2;

/// The counted paths of one task, and those that the open transaction has touched.
#[derive(Debug)]
pub struct PathBook {
    counts: KeyedStore<PathKey, PathCounts>,
    /// What was there before the open transaction.
    before: BTreeMap<PathKey, Option<PathCounts>>,
}

impl Default for PathBook {
    fn default() -> Self {
        Self::new()
    }
}

impl PathBook {
    /// No paths.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: KeyedStore::new(PATHS_STORE, VERSION), before: BTreeMap::new() }
    }

    /// Folds a change into its path. A path without counts goes.
    pub fn apply(&mut self, change: PathDelta) {
        let PathDelta { key, delta } = change;
        if !self.before.contains_key(&key) {
            self.before.insert(key.clone(), self.counts.get(&key).cloned());
        }
        let counts = self.counts.get_or_insert_with(&key, PathCounts::default);
        counts.add(&delta);
        if counts.is_zero() {
            self.counts.remove(&key);
        }
    }

    /// Hands over what has changed, in order of key; `None` for a path that is gone.
    pub fn drain(&mut self) -> Vec<(PathKey, Option<PathCounts>)> {
        let touched = std::mem::take(&mut self.before).into_iter();
        let now = touched.map(|(key, before)| (self.counts.get(&key).cloned(), before, key));
        now.filter(|(now, before, _)| now != before).map(|(now, _, key)| (key, now)).collect()
    }

    /// Hands all paths to `each`, in no order.
    pub fn for_each(&self, each: impl FnMut(&PathKey, &PathCounts)) {
        self.counts.for_each(each);
    }

    /// Forgets which paths have changed: their transaction was aborted.
    pub fn forget(&mut self) {
        self.before.clear();
    }

    /// The store.
    pub fn store(&mut self) -> &mut dyn StateStore {
        &mut self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(month_start_at: i64, conversions: i64) -> PathDelta {
        let key = PathKey { month_start_at, waypoints: Vec::new(), is_account: false };
        PathDelta { key, delta: PathCounts { conversions, ..PathCounts::default() } }
    }

    #[test]
    fn what_has_changed_is_handed_over_once_and_what_is_gone_as_gone() {
        let mut book = PathBook::new();
        book.apply(change(1, 2));
        book.apply(change(2, 1));
        book.apply(change(1, 1));
        let counts = |drained: Vec<(PathKey, Option<PathCounts>)>| -> Vec<(i64, Option<i64>)> {
            drained.into_iter().map(|(key, counts)| (key.month_start_at, counts.map(|c| c.conversions))).collect()
        };
        assert_eq!(counts(book.drain()), [(1, Some(3)), (2, Some(1))]);
        book.store().commit();
        book.apply(change(2, -1));
        assert_eq!(counts(book.drain()), [(2, None)]);
        assert_eq!(book.store().changes().len(), 1, "a tombstone");
        book.store().abort();
        assert_eq!(book.store().len(), 2);
        assert_eq!(book.drain(), []);
        // There and back again: nothing has changed, and nothing comes of a path that was there for a moment.
        for (month, conversions) in [(1, -3), (1, 3), (9, 1), (9, -1)] {
            book.apply(change(month, conversions));
        }
        assert_eq!(book.drain(), []);
    }
}
