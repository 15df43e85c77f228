//! The settings of the journey and account stages.

use serde::{Deserialize, Serialize};
use tributary_model::ids::realm_uuid;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_service::config::Problem;
use uuid::Uuid;

/// Settings; every field has a default, unknown ones are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The realm whose persons and accounts these are; has to be the one identity works for.
    pub realm: String,
    /// A person's newest touches that are kept, and so recomputed exactly when something late arrives.
    pub horizon_touches: usize,
    /// How many days before a person's newest touch they are kept.
    pub horizon_days: u32,
    /// Ids of touches beyond the horizon that are remembered for each person, so that repeats are still recognised.
    pub remembered_touches: usize,
    /// Touches less than this apart belong to one session.
    pub session_gap_minutes: u32,
    /// The rolling window of exposure, story and recent types.
    pub window_days: u32,
    /// How far back the path of a conversion reaches.
    pub lookback_days: u32,
    /// The most exposures on the path of a conversion; the newest are kept.
    pub max_path_steps: usize,
    /// State of a merged person is sent in parts of at most about this size.
    pub max_transfer_bytes: usize,
    /// An event that was forwarded by more tombstones than this is dead-lettered.
    pub max_hops: i32,
    /// How far the watermark stays behind the newest event.
    pub allowed_lateness_ms: i64,
    /// Times of touches that are kept for each account, newest first, to say when each team last spoke with it.
    pub account_touch_times: usize,
    /// Exposures and sales that are kept for each account, newest first, and so recomputed exactly when something late
    /// arrives: for its story and its paths.
    pub account_exposures: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            realm: "default".to_owned(),
            horizon_touches: 1_000,
            horizon_days: 400,
            remembered_touches: 2_000,
            session_gap_minutes: 30,
            window_days: 30,
            lookback_days: 30,
            max_path_steps: 50,
            max_transfer_bytes: 700_000,
            max_hops: 64,
            allowed_lateness_ms: HOUR_MS,
            account_touch_times: 1_000,
            account_exposures: 1_000,
        }
    }
}

impl Config {
    /// The namespace of the realm's ids.
    #[must_use]
    pub fn realm_uuid(&self) -> Uuid {
        realm_uuid(&self.realm)
    }

    /// Everything that is wrong with the settings; empty is good. Keys are given under `journey.`.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut within = |key: &str, value: i64, least: i64, most: i64, remedy: &str| {
            if !(least..=most).contains(&value) {
                let why = format!("must be from {least} to {most}");
                problems.push(Problem::new(format!("journey.{key}"), value, why, remedy));
            }
        };
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let longest = i64::from(self.window_days.max(self.lookback_days));
        within("horizon_touches", count(self.horizon_touches), 2, 100_000, "1000 suits most");
        within("window_days", self.window_days.into(), 1, 400, "30 is the usual window");
        within("lookback_days", self.lookback_days.into(), 1, 400, "30 is the usual look-back");
        within(
            "horizon_days",
            self.horizon_days.into(),
            longest,
            3_660,
            "keep it at least as long as window_days and lookback_days",
        );
        within("remembered_touches", count(self.remembered_touches), 0, 100_000, "2000 suits most");
        within("session_gap_minutes", self.session_gap_minutes.into(), 1, 1_440, "30 is the usual gap");
        within("max_path_steps", count(self.max_path_steps), 1, 1_000, "50 suits most");
        within(
            "max_transfer_bytes",
            count(self.max_transfer_bytes),
            10_000,
            10_000_000,
            "stay well below the broker's message.max.bytes",
        );
        within("max_hops", self.max_hops.into(), 1, 10_000, "64 suits most");
        within("allowed_lateness_ms", self.allowed_lateness_ms, 0, 7 * DAY_MS, "3600000 (one hour) suits most");
        within("account_touch_times", count(self.account_touch_times), 1, 100_000, "1000 suits most");
        let least = count(self.max_path_steps.saturating_mul(2));
        within(
            "account_exposures",
            count(self.account_exposures),
            least,
            100_000,
            "keep it at least twice max_path_steps",
        );
        if self.realm.trim().is_empty() {
            problems.push(Problem::new("journey.realm", "\"\"", "is empty", "give the realm that identity is given"));
        }
        problems
    }

    pub(crate) fn session_gap_ms(&self) -> i64 {
        i64::from(self.session_gap_minutes) * MINUTE_MS
    }

    pub(crate) fn window_ms(&self) -> i64 {
        i64::from(self.window_days) * DAY_MS
    }

    /// How far back the path of a conversion reaches.
    #[must_use]
    pub fn lookback_ms(&self) -> i64 {
        i64::from(self.lookback_days) * DAY_MS
    }

    pub(crate) fn horizon_ms(&self) -> i64 {
        i64::from(self.horizon_days) * DAY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_all_problems_are_told_at_once() {
        assert_eq!(Config::default().validate(), Vec::new());
        let config = Config { horizon_days: 7, session_gap_minutes: 0, realm: " ".to_owned(), ..Config::default() };
        let problems = config.validate();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["journey.horizon_days", "journey.session_gap_minutes", "journey.realm"]);
        assert_eq!(
            problems[0].to_string(),
            "journey.horizon_days = 7: must be from 30 to 3660; keep it at least as long as window_days and lookback_days"
        );
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = serde_json::from_str::<Config>(r#"{"horizont_days": 3}"#).unwrap_err();
        assert!(error.to_string().contains("horizont_days"), "{error}");
    }
}
