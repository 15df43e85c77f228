//! One client's way to the broker, with switches for what can go wrong on it.

use std::time::Duration;

use crate::long_poll::LongPoll;

/// A way to the broker.
#[derive(Debug)]
pub struct Link {
    bootstrap: String,
    shim: Option<LongPoll>,
}

impl Link {
    pub(crate) fn shimmed(shim: LongPoll) -> Self {
        Self { bootstrap: shim.bootstrap(), shim: Some(shim) }
    }

    pub(crate) fn straight(bootstrap: String) -> Self {
        Self { bootstrap, shim: None }
    }

    /// Where its client connects.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// True when its faults work.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.shim.is_some()
    }

    /// Ends all connections; new ones are served.
    pub fn cut(&self) {
        self.shim.iter().for_each(|shim| shim.faults().cut());
    }

    /// Ends all connections and refuses new ones until healed.
    pub fn block(&self) {
        self.shim.iter().for_each(|shim| shim.faults().block());
    }

    /// Holds everything back until healed, with the connections open.
    pub fn stall(&self) {
        self.shim.iter().for_each(|shim| shim.faults().stall());
    }

    /// Delays every frame, in each direction, by `delay`.
    pub fn slow(&self, delay: Duration) {
        self.shim.iter().for_each(|shim| shim.faults().slow(delay));
    }

    /// Takes all faults back.
    pub fn heal(&self) {
        self.shim.iter().for_each(|shim| shim.faults().heal());
    }
}
