//! The circuit breaker of a destination: after so many failures in a row it is left alone for a while, then asked with
//! one message.

use serde::{Deserialize, Serialize};
use tributary_service::config::{Duration, Problem};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerLimits {
    /// How many attempts in a row have to fail.
    pub failures: u32,
    /// How long nothing is sent the first time; each further time in a row it is twice as long.
    pub cool_down: Duration,
    /// The longest that nothing is sent.
    pub max_cool_down: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures: 5, cool_down: Duration::from_secs(30), max_cool_down: Duration::from_secs(900) }
    }
}

impl BreakerLimits {
    /// All that is wrong with them.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.failures == 0 {
            problems.push(Problem::new("failures", 0, "would never let anything through", "give 1 or more"));
        }
        if self.cool_down.as_millis() == 0 {
            problems.push(Problem::new("cool_down", self.cool_down, "leaves no time", "give a duration above 0s"));
        }
        if self.max_cool_down < self.cool_down {
            let remedy = format!("give at least cool_down, {}", self.cool_down);
            problems.push(Problem::new("max_cool_down", self.max_cool_down, "is shorter than cool_down", remedy));
        }
        problems
    }

    fn cool_down_ms(&self, openings: u32) -> i64 {
        let doubled = self.cool_down.as_millis_i64().saturating_mul(1_i64 << openings.saturating_sub(1).min(32));
        doubled.min(self.max_cool_down.as_millis_i64())
    }
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing, until the instant given.
    Open {
        /// When it becomes half open.
        until_at: i64,
    },
    /// One message at a time, to see whether the endpoint is back.
    HalfOpen,
}

/// The breaker of one destination. Its state follows from the clock, so that it needs no timer of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures in a row while closed.
    failures: u32,
    /// How often it has opened since the last success.
    openings: u32,
    /// Until when it is open, or has been.
    open_until_at: Option<i64>,
}

impl Breaker {
    /// What it lets through at `now_at`.
    #[must_use]
    pub fn state(&self, now_at: i64) -> BreakerState {
        match self.open_until_at {
            None => BreakerState::Closed,
            Some(until_at) if now_at < until_at => BreakerState::Open { until_at },
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Until when it is open, or has been; `None` while closed.
    #[must_use]
    pub const fn open_until_at(&self) -> Option<i64> {
        self.open_until_at
    }

    /// An attempt has succeeded. True when that closed it.
    pub fn succeeded(&mut self) -> bool {
        std::mem::take(self).open_until_at.is_some()
    }

    /// An attempt has failed. True when that opened it, for the first time or again.
    pub fn failed(&mut self, limits: &BreakerLimits, now_at: i64) -> bool {
        match self.state(now_at) {
            // The attempt began before it opened.
            BreakerState::Open { .. } => return false,
            BreakerState::Closed => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < limits.failures {
                    return false;
                }
            }
            BreakerState::HalfOpen => {}
        }
        self.openings = self.openings.saturating_add(1);
        self.open_until_at = Some(now_at.saturating_add(limits.cool_down_ms(self.openings)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BreakerLimits =
        BreakerLimits { failures: 2, cool_down: Duration::from_millis(100), max_cool_down: Duration::from_millis(300) };

    #[test]
    fn it_opens_after_failures_in_a_row_and_longer_each_time() {
        let mut breaker = Breaker::default();
        assert!(!breaker.failed(&LIMITS, 0));
        assert!(!breaker.succeeded(), "it was closed");
        assert!(!breaker.failed(&LIMITS, 1), "a success in between starts the count anew");
        assert!(breaker.failed(&LIMITS, 2));
        assert_eq!(breaker.state(101), BreakerState::Open { until_at: 102 });
        assert!(!breaker.failed(&LIMITS, 50), "what began before changes nothing");
        assert_eq!(breaker.state(102), BreakerState::HalfOpen);
        assert!(breaker.failed(&LIMITS, 110), "one failure is enough when half open");
        assert_eq!(breaker.state(110), BreakerState::Open { until_at: 310 });
        assert!(breaker.failed(&LIMITS, 310));
        assert_eq!(breaker.state(310), BreakerState::Open { until_at: 610 }, "never longer than the longest");
        assert!(breaker.succeeded());
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn opening_for_ever_overflows_nothing() {
        let limits = BreakerLimits { max_cool_down: Duration::from_millis(u64::MAX), ..BreakerLimits::default() };
        let breaker = Breaker { failures: 9, openings: u32::MAX, open_until_at: Some(0) };
        assert!({ breaker }.failed(&limits, i64::MAX));
    }

    #[test]
    fn limits_that_cannot_be_are_told() {
        let limits =
            BreakerLimits { failures: 0, cool_down: Duration::from_secs(0), max_cool_down: Duration::from_secs(0) };
        assert_eq!(limits.validate().len(), 2);
        let short = BreakerLimits { max_cool_down: Duration::from_secs(1), ..BreakerLimits::default() };
        assert_eq!(
            short.validate()[0].to_string(),
            "max_cool_down = 1s: is shorter than cool_down; give at least cool_down, 30s"
        );
        assert_eq!(BreakerLimits::default().validate(), []);
    }
}
