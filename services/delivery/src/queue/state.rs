//! What is remembered of a destination.

use serde::{Deserialize, Serialize};

use crate::breaker::Breaker;
use crate::destination::Destination;

/// What is remembered of a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationState {
    /// Its circuit breaker.
    pub breaker: Breaker,
    /// Until when it asked not to be called.
    pub hold_until_at: Option<i64>,
    /// That it is disabled, and why.
    pub disabled: Option<Disabled>,
}

/// That a destination is disabled, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: i64,
    /// Why, for people.
    pub reason: String,
    /// Fingerprint of the URL that answered 410; `None` when somebody disabled it by hand. Another URL is another
    /// endpoint, and not gone.
    pub fingerprint: Option<u64>,
}

impl DestinationState {
    /// Why nothing is sent to `destination` until somebody enables it, if that is so.
    #[must_use]
    pub fn disabled_for(&self, destination: &Destination) -> Option<&Disabled> {
        let disabled = self.disabled.as_ref()?;
        disabled.fingerprint.is_none_or(|gone| gone == destination.fingerprint()).then_some(disabled)
    }
}
