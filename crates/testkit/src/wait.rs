//! Waiting for a condition with a deadline, in the one place where a test may sleep.

use std::time::{Duration, Instant};

/// Asks `condition` every ten milliseconds until it gives a value or `timeout` is over.
pub fn eventually<T>(timeout: Duration, condition: impl FnMut() -> Option<T>) -> Option<T> {
    eventually_every(Duration::from_millis(10), timeout, condition)
}

/// Asks `condition`, which may be costly, every `pause` until it gives a value or `timeout` is over.
#[allow(clippy::disallowed_methods)]
pub fn eventually_every<T>(pause: Duration, timeout: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(pause);
    }
}
