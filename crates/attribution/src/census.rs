//! Paths that have been checked, with numbers for channels: what the models compute on.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{AttributionError, Counts, Paths};

/// More distinct labels than this are not channels but something finer, such as campaigns or addresses.
pub const MAX_CHANNELS: usize = 1024;

/// Number of a channel in the order of the labels.
pub(crate) type Channel = usize;

/// One distinct path.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Its channels, oldest first; never empty.
    pub(crate) steps: Vec<Channel>,
    /// What came of it; neither conversions nor nulls are negative.
    pub(crate) counts: Counts,
}

/// All paths.
#[derive(Debug)]
pub(crate) struct Census {
    /// Labels of the channels, in order.
    pub(crate) channels: Vec<Arc<str>>,
    /// The paths, in order of their labels.
    pub(crate) walks: Vec<Walk>,
    /// The sum over the paths.
    pub(crate) totals: Counts,
}

impl Census {
    /// Checks the paths and numbers their channels.
    pub(crate) fn of(paths: &Paths) -> Result<Self, AttributionError> {
        let labels: FxHashSet<&Arc<str>> = paths.iter().flat_map(|(path, _)| path).collect();
        if labels.len() > MAX_CHANNELS {
            return Err(AttributionError::TooManyChannels { found: labels.len(), limit: MAX_CHANNELS });
        }
        let mut channels: Vec<Arc<str>> = labels.into_iter().map(Arc::clone).collect();
        channels.sort_unstable();
        let numbers: FxHashMap<&str, Channel> =
            channels.iter().enumerate().map(|(number, label)| (&**label, number)).collect();
        let mut walks = Vec::with_capacity(paths.len());
        for (path, counts) in paths.iter() {
            check(path, counts)?;
            let steps = path.iter().filter_map(|label| numbers.get(&**label).copied()).collect();
            walks.push(Walk { steps, counts: *counts });
        }
        Ok(Self { channels, walks, totals: paths.totals() })
    }

    /// The number of a label that some path has.
    pub(crate) fn channel(&self, label: &str) -> Option<Channel> {
        self.channels.binary_search_by(|known| (**known).cmp(label)).ok()
    }
}

fn check(path: &[Arc<str>], counts: &Counts) -> Result<(), AttributionError> {
    let path = || path.join(" > ");
    for (what, count) in [("conversions", counts.conversions), ("nulls", counts.nulls)] {
        if count < 0 {
            return Err(AttributionError::NegativeCount { path: path(), what, count });
        }
    }
    Ok(())
}
