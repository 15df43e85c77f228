//! What a worker is waiting for, seen from outside its thread: a worker that waits for the broker cannot say so itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::client::Partition;

/// The state of one worker's output, and which inputs it has. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    inner: Arc<Mutex<Inner>>,
    held: Arc<Mutex<BTreeMap<Partition, Held>>>,
}

/// What a worker does with a partition that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// It handles what comes.
    Working,
    /// It restores the state that belongs to it.
    TakingOver,
}

#[derive(Debug, Default)]
struct Inner {
    /// Since when something waits to be committed; it stays the same over aborts and new attempts.
    waiting_since: Option<Instant>,
    aborts_in_a_row: u64,
    last_abort: Option<String>,
}

/// What [`Pulse::state`] says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulseState {
    /// For how long something has been waiting to be committed; zero when nothing is.
    pub waiting: Duration,
    /// Transactions aborted since the last that was committed.
    pub aborts_in_a_row: u64,
    /// Why the last of these was aborted.
    pub last_abort: Option<String>,
}

impl Pulse {
    /// A transaction was opened.
    pub(crate) fn opened(&self) {
        self.with(|inner| inner.waiting_since = inner.waiting_since.or_else(|| Some(Instant::now())));
    }

    /// A transaction was aborted and will be tried again.
    pub(crate) fn aborted(&self, why: &str) {
        self.with(|inner| {
            inner.waiting_since = inner.waiting_since.or_else(|| Some(Instant::now()));
            inner.aborts_in_a_row += 1;
            inner.last_abort = Some(why.to_owned());
        });
    }

    /// Nothing waits any more: it was committed, or belongs to somebody else now.
    pub(crate) fn settled(&self) {
        self.with(|inner| *inner = Inner::default());
    }

    /// These are the inputs that the worker has now.
    pub(crate) fn holds(&self, held: BTreeMap<Partition, Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// The inputs that the worker has.
    pub(crate) fn held(&self) -> BTreeMap<Partition, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How it stands now.
    #[must_use]
    pub fn state(&self) -> PulseState {
        self.with(|inner| PulseState {
            waiting: inner.waiting_since.map_or(Duration::ZERO, |since| since.elapsed()),
            aborts_in_a_row: inner.aborts_in_a_row,
            last_abort: inner.last_abort.clone(),
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PulseState {
    /// Why the output is stuck, when it has been waiting for longer than `limit`.
    #[must_use]
    pub fn stuck(&self, limit: Duration) -> Option<String> {
        if self.waiting.is_zero() || self.waiting < limit {
            return None;
        }
        let waiting =
            format!("output stuck: nothing could be committed for {} s; input is paused", self.waiting.as_secs());
        Some(match &self.last_abort {
            Some(why) => {
                format!("{waiting}; {} attempts were rolled back, the last because {why}", self.aborts_in_a_row)
            }
            None => waiting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_stuck_after_the_limit_whatever_number_of_attempts_it_takes() {
        let pulse = Pulse::default();
        assert_eq!(pulse.state(), PulseState::default());
        assert_eq!(pulse.state().stuck(Duration::ZERO), None, "nothing waits");
        pulse.opened();
        assert_eq!(pulse.state().stuck(Duration::from_secs(3600)), None);
        let first = pulse.state().stuck(Duration::ZERO).unwrap();
        assert!(first.contains("output stuck") && !first.contains("rolled back"), "{first}");
        pulse.aborted("records were not acknowledged");
        let waited = pulse.state().waiting;
        pulse.opened();
        assert!(pulse.state().waiting >= waited, "a new attempt does not start the clock again");
        let second = pulse.state().stuck(Duration::ZERO).unwrap();
        assert!(second.contains("1 attempts") && second.contains("not acknowledged"), "{second}");
        pulse.settled();
        assert_eq!(pulse.state(), PulseState::default());
    }
}
