//! When a failed delivery is tried again.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_service::config::{Duration, Problem};

/// Nothing waits longer than this, whatever is configured or asked for.
const MAX_DELAY: Duration = Duration::from_secs(30 * 24 * 3600);
/// Jitter never more than doubles a delay.
const MAX_JITTER_PERCENT: u32 = 100;

/// The retry schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// How long to wait after the first failure, the second, and so on; after the last one no more is tried.
    pub delays: Vec<Duration>,
    /// By how much a delay may be longer, in percent of it, so that what failed together does not come back together.
    pub jitter_percent: u32,
    /// The longest `Retry-After` that is honoured; a longer one counts as this.
    pub max_retry_after: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        let [minute, hour] = [60, 3600];
        // The delays that Standard Webhooks gives as an example.
        let delays = [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour];
        Self {
            delays: delays.map(Duration::from_secs).into(),
            jitter_percent: 20,
            max_retry_after: Duration::from_secs(24 * hour),
        }
    }
}

impl Schedule {
    /// How long to wait after this many failures, in milliseconds; `None` when there is no further attempt. The jitter
    /// follows from `destination` and `message_id`: the same delivery waits the same time in a replay.
    #[must_use]
    pub fn delay_ms(&self, destination: &str, message_id: &str, failures: u32) -> Option<i64> {
        let index = usize::try_from(failures.checked_sub(1)?).ok()?;
        let delay_ms = self.delays.get(index)?.as_millis_i64();
        let widest = i128::from(delay_ms) * i128::from(self.jitter_percent) / 100;
        let share = i128::from(draw(destination, message_id, failures));
        let jitter_ms = (widest * share) >> 32;
        Some(delay_ms.saturating_add(i64::try_from(jitter_ms).unwrap_or(0)))
    }

    /// All that is wrong with it.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, delay) in self.delays.iter().enumerate() {
            if delay.as_millis() == 0 || *delay > MAX_DELAY {
                let remedy = format!("give more than 0s and at most {MAX_DELAY}");
                problems.push(Problem::new(format!("delays[{index}]"), delay, "is no delay to wait", remedy));
            }
        }
        if self.jitter_percent > MAX_JITTER_PERCENT {
            let remedy = format!("give 0 to {MAX_JITTER_PERCENT}");
            problems.push(Problem::new("jitter_percent", self.jitter_percent, "is too much jitter", remedy));
        }
        if self.max_retry_after > MAX_DELAY {
            let remedy = format!("give at most {MAX_DELAY}");
            problems.push(Problem::new("max_retry_after", self.max_retry_after, "is too long to wait", remedy));
        }
        problems
    }
}

/// A number that is as good as random and always the same for its input.
fn draw(destination: &str, message_id: &str, failures: u32) -> u32 {
    let mut hash = Sha256::new();
    for part in [destination.as_bytes(), message_id.as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(failures.to_be_bytes());
    let digest = hash.finalize();
    digest.iter().take(4).fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_is_the_one_of_the_standard() {
        let schedule = Schedule { jitter_percent: 0, ..Schedule::default() };
        let seconds: Vec<i64> =
            (1..).map_while(|failures| schedule.delay_ms("crm", "a", failures)).map(|ms| ms / 1000).collect();
        assert_eq!(seconds, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
        assert_eq!(schedule.delay_ms("crm", "a", 0), None, "nothing failed");
        assert_eq!(Schedule::default().validate(), []);
    }

    #[test]
    fn what_failed_together_comes_back_apart() {
        let schedule = Schedule::default();
        let mut delays: Vec<_> = (0..100).map(|id| schedule.delay_ms("crm", &id.to_string(), 2).unwrap()).collect();
        delays.sort_unstable();
        delays.dedup();
        assert!(delays.len() > 95, "{}", delays.len());
        assert!(delays[0] < 310_000 && delays[delays.len() - 1] > 350_000, "the whole width is used");
    }

    #[test]
    fn what_cannot_be_is_told_with_its_remedy() {
        let second = Duration::from_secs(1);
        let delays = vec![second, Duration::from_secs(0)];
        let schedule = Schedule { delays, jitter_percent: 101, max_retry_after: Duration::from_secs(40 * 86_400) };
        let told: Vec<String> = schedule.validate().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "delays[1] = 0s: is no delay to wait; give more than 0s and at most 30d",
                "jitter_percent = 101: is too much jitter; give 0 to 100",
                "max_retry_after = 40d: is too long to wait; give at most 30d",
            ]
        );
    }

    proptest! {
        #[test]
        fn a_delay_is_the_same_each_time_and_never_shorter_than_said(
            id in "[a-z0-9-]{1,40}", failures in 1_u32..8, jitter_percent in 0_u32..=100,
        ) {
            let schedule = Schedule { jitter_percent, ..Schedule::default() };
            let least = schedule.delays[failures as usize - 1].as_millis_i64();
            let delay = schedule.delay_ms("crm", &id, failures).unwrap();
            prop_assert_eq!(schedule.delay_ms("crm", &id, failures), Some(delay));
            prop_assert!(delay >= least && delay <= least + least * i64::from(jitter_percent) / 100);
        }
    }
}
