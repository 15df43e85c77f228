//! How the destinations whose queues are here stand, on the metrics.

use std::collections::BTreeSet;
use std::sync::Arc;

use tributary_model::time::SECOND_MS;

use crate::metrics;
use crate::queue::{DestinationOverview, Queue};

/// The destinations that this task shows. Every task knows all that are configured, and has the queues of some.
#[derive(Debug, Default)]
pub(super) struct Shown {
    own: BTreeSet<Arc<str>>,
    next_at: i64,
}

impl Shown {
    /// A command to this destination came: its queue is here.
    pub(super) fn claim(&mut self, destination: &str) {
        if !self.own.contains(destination) {
            self.own.insert(destination.into());
        }
    }

    /// Shows them, once a second.
    pub(super) fn refresh(&mut self, queue: &mut Queue, now_at: i64) {
        if now_at < self.next_at && now_at.saturating_add(SECOND_MS) >= self.next_at {
            return;
        }
        self.next_at = now_at.saturating_add(SECOND_MS);
        let mut overview = queue.overview(now_at);
        for one in overview.iter().filter(|one| is_here(one)) {
            self.own.insert(Arc::clone(&one.name));
        }
        overview.retain(|one| self.own.contains(&one.name));
        metrics::show(&overview, now_at);
    }
}

/// Whether something of the destination is kept here.
fn is_here(one: &DestinationOverview) -> bool {
    one.waiting + one.in_flight + one.given_up > 0 || one.disabled.is_some()
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.own.iter().for_each(|name| metrics::hide(name));
    }
}
