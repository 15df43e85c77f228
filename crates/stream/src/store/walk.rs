//! A walk over a map that goes on changing, a few entries at a time, that misses no entry which stays in it.
//!
//! The map keeps its entries in a list: a new one is appended, and the last one fills the hole of one that is removed. The
//! walk goes through the list from its end, so that everything below a place is still to be visited. What is appended
//! meanwhile lies above and is not visited; what fills a hole comes from above, or from below and stays below: at worst
//! it is visited again. Only what an abort puts back has to be brought below by hand: the transaction may have removed it,
//! or removed it and appended it anew, and the walk would take it for a new one.

use std::hash::Hash;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

/// A map with a list of its entries.
pub(crate) type Map<K, V> = IndexMap<K, V, FxBuildHasher>;

/// Where a walk stands: entries below this place are still to be visited.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Walk {
    below: usize,
}

impl Walk {
    /// Begins a walk over a map of `len` entries.
    pub(crate) fn begin(&mut self, len: usize) {
        self.below = len;
    }

    /// The place of the entry to visit now, in a map that has `len` entries by now.
    pub(crate) fn next(&mut self, len: usize) -> Option<usize> {
        self.below = self.below.min(len);
        self.below = self.below.checked_sub(1)?;
        Some(self.below)
    }

    /// True when nothing is left to visit.
    pub(crate) fn is_over(&self, len: usize) -> bool {
        self.below.min(len) == 0
    }

    /// Has the entry at `place` visited again, or at all.
    pub(crate) fn revisit<K: Hash + Eq, V>(&mut self, map: &mut Map<K, V>, place: usize) {
        self.below = self.below.min(map.len());
        if place >= self.below {
            map.swap_indices(place, self.below);
            self.below += 1;
        }
    }
}
