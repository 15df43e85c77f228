//! How often each path of channels was walked, and what came of it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::sync::Arc;

use crate::AttributionError;

/// What came of a path, summed. Sums of 64-bit amounts are exact: nothing rounds and nothing overflows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often the path ended in a conversion.
    pub conversions: i128,
    /// What these conversions were worth together, in minor units.
    pub value_minor: i128,
    /// How often the path ended without a conversion.
    pub nulls: i128,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.conversions += other.conversions;
        self.value_minor += other.value_minor;
        self.nulls += other.nulls;
    }
}

/// Counts of every distinct path, in order of the paths.
///
/// Equal when the counts are, however they came about.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    counts: BTreeMap<Box<[Arc<str>]>, Counts>,
    /// Each label once, so that a step costs a pointer. Channels are few, so labels stay when their paths have gone.
    labels: BTreeSet<Arc<str>>,
}

impl PartialEq for Paths {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts
    }
}

impl Eq for Paths {}

impl Paths {
    /// No path at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to what is known of a path: its channels, oldest first, each as often as it was touched. Negative numbers
    /// take back; a path of which nothing is left is forgotten.
    ///
    /// What is below zero for a while is kept, because a retraction may overtake what it takes back.
    ///
    /// # Errors
    /// [`AttributionError::EmptyPath`] when the path has no step.
    pub fn add(
        &mut self,
        path: &[impl AsRef<str>],
        conversions: i64,
        value_minor: i64,
        nulls: i64,
    ) -> Result<(), AttributionError> {
        if path.is_empty() {
            return Err(AttributionError::EmptyPath { conversions, nulls });
        }
        let delta = Counts { conversions: conversions.into(), value_minor: value_minor.into(), nulls: nulls.into() };
        let steps = path.iter().map(|label| self.label(label.as_ref())).collect();
        match self.counts.entry(steps) {
            Entry::Occupied(mut known) => {
                *known.get_mut() += delta;
                if *known.get() == Counts::default() {
                    known.remove();
                }
            }
            Entry::Vacant(_) if delta == Counts::default() => {}
            Entry::Vacant(unknown) => {
                unknown.insert(delta);
            }
        }
        Ok(())
    }

    /// The paths with their counts, in order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&[Arc<str>], &Counts)> {
        self.counts.iter().map(|(path, counts)| (&**path, counts))
    }

    /// How many distinct paths there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// True when there is no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The sum over all paths.
    #[must_use]
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for counts in self.counts.values() {
            totals += *counts;
        }
        totals
    }

    fn label(&mut self, label: &str) -> Arc<str> {
        if let Some(known) = self.labels.get(label) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(label);
        self.labels.insert(Arc::clone(&new));
        new
    }
}
