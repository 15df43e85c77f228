//! No more than so many events a second.

use std::time::{Duration, Instant};

/// Counts events and waits where they come too fast.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    started: Instant,
    count: u64,
}

impl Pace {
    /// At most `rate` events a second; 0 for no bound.
    #[must_use]
    pub fn new(rate: u64) -> Self {
        Self { rate, started: Instant::now(), count: 0 }
    }

    /// Counts one event, and returns when it is its turn.
    pub fn keep(&mut self) {
        let Some(due_ms) = (self.count * 1_000).checked_div(self.rate) else { return };
        self.count += 1;
        let due = self.started + Duration::from_millis(due_ms);
        while let Some(early) = due.checked_duration_since(Instant::now()).filter(|early| !early.is_zero()) {
            std::thread::park_timeout(early);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_none_is_no_bound() {
        let mut pace = Pace::new(1_000);
        let started = Instant::now();
        (0..51).for_each(|_| pace.keep());
        assert!(started.elapsed() >= Duration::from_millis(50));
        let mut free = Pace::new(0);
        (0..1_000_000).for_each(|_| free.keep());
        assert_eq!(free.count, 0);
    }
}
