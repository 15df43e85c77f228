//! The wall clock, for the shell: the queue itself is told what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

/// Whoever knows the time.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn now_at(&self) -> i64;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_at(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}
