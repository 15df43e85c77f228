//! The rules by which credit is spread over a path, as integer weights: every machine spreads a sale in the same way, and
//! a retraction takes back what was given, to the minor unit.
//!
//! These are the models that look at one path at a time. Those that learn from all paths have no place here.

use std::sync::LazyLock;

use tributary_model::journey::PathStep;
use tributary_model::money::allocate;
use tributary_model::time::HOUR_MS;

/// The channel of visits that nobody brought.
const DIRECT: &str = "direct";

/// After so many hours an exposure weighs half as much: seven days.
const HALF_LIFE_H: usize = 7 * 24;

/// What is left of a weight after one hour, 2^(-1/168), in units of 2^-64.
const LEFT_AFTER_AN_HOUR: u128 = 18_370_791_886_079_017_691;

/// The weight of an exposure that is so many hours older than the newest, up to one half-life; the newest one's is 2^32.
static DECAYED: LazyLock<[u64; HALF_LIFE_H]> = LazyLock::new(|| {
    let mut left: u128 = 1 << 64;
    std::array::from_fn(|_| {
        let weight = ((left >> 31) + 1) >> 1;
        left = (left * LEFT_AFTER_AN_HOUR) >> 64;
        weight as u64
    })
});

/// A rule by which credit is spread over a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreditModel {
    /// All to the first exposure.
    First,
    /// All to the last exposure.
    Last,
    /// All to the last exposure that is no direct visit; to the last one when all are.
    LastNonDirect,
    /// The same to every exposure.
    Linear,
    /// 40 % each to the first and the last exposure, the rest to those between them; two share alike.
    PositionBased,
    /// Half as much to an exposure for every seven days that it is older than the newest one, by whole hours.
    TimeDecay,
}

impl CreditModel {
    /// How many there are.
    pub const COUNT: usize = 6;

    /// All models, in the order of what they give wherever an array holds that.
    pub const ALL: [Self; Self::COUNT] =
        [Self::First, Self::Last, Self::LastNonDirect, Self::Linear, Self::PositionBased, Self::TimeDecay];

    /// The name used in scorecards and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::LastNonDirect => "last_non_direct",
            Self::Linear => "linear",
            Self::PositionBased => "position_based",
            Self::TimeDecay => "time_decay",
        }
    }

    /// The credit of each exposure of `path`, oldest first; the parts add up to `value_minor`.
    #[must_use]
    pub fn spread(self, value_minor: i64, path: &[PathStep]) -> Vec<i64> {
        allocate(value_minor, &self.weights(path))
    }

    fn weights(self, path: &[PathStep]) -> Vec<u64> {
        let last = path.len().saturating_sub(1);
        match self {
            Self::First => all_to(0, path.len()),
            Self::Last => all_to(last, path.len()),
            Self::LastNonDirect => {
                let brought = path.iter().rposition(|step| step.channel != DIRECT);
                all_to(brought.unwrap_or(last), path.len())
            }
            Self::Linear => vec![1; path.len()],
            Self::PositionBased if last < 2 => vec![1; path.len()],
            Self::PositionBased => {
                let between = last as u64 - 1;
                (0..=last).map(|place| if place == 0 || place == last { 2 * between } else { 1 }).collect()
            }
            Self::TimeDecay => {
                let newest = path.iter().map(|step| step.occurred_at).max().unwrap_or_default();
                path.iter().map(|step| decayed(newest.saturating_sub(step.occurred_at))).collect()
            }
        }
    }
}

fn all_to(place: usize, step_count: usize) -> Vec<u64> {
    (0..step_count).map(|step| u64::from(step == place)).collect()
}

/// The weight of an exposure that is so much older than the newest one.
fn decayed(age_ms: i64) -> u64 {
    let hours = usize::try_from(age_ms / HOUR_MS).unwrap_or_default();
    let halvings = u32::try_from(hours / HALF_LIFE_H).unwrap_or(u32::MAX);
    DECAYED[hours % HALF_LIFE_H].checked_shr(halvings).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: u64 = 1 << 32;

    fn path(steps: &[(&str, i64)]) -> Vec<PathStep> {
        let step = |(channel, hour): &(&str, i64)| PathStep {
            touchpoint_id: String::new(),
            occurred_at: hour * HOUR_MS,
            channel: (*channel).to_owned(),
            campaign_id: None,
            team_id: String::new(),
            agency: None,
            partner: None,
            tentpole_id: None,
            flight_at: None,
            message_id: None,
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn hours_weigh_as_the_half_life_says() {
        for hour in 0..HALF_LIFE_H {
            let exact = (-(hour as f64) / HALF_LIFE_H as f64).exp2() * NEWEST as f64;
            assert_eq!(decayed(hour as i64 * HOUR_MS), exact.round() as u64, "hour {hour}");
        }
        assert_eq!(decayed(7 * 24 * HOUR_MS), NEWEST / 2);
        assert_eq!(decayed(30 * 7 * 24 * HOUR_MS), NEWEST >> 30);
        assert_eq!(decayed(i64::MAX), 0);
    }

    #[test]
    fn a_week_halves_the_credit_and_minutes_change_nothing() {
        let week = 7 * 24;
        assert_eq!(
            CreditModel::TimeDecay.spread(700, &path(&[("a", 0), ("b", week), ("c", 2 * week)])),
            [100, 200, 400]
        );
        let mut close = path(&[("a", 0), ("b", 1)]);
        close[0].occurred_at = 1;
        assert_eq!(CreditModel::TimeDecay.spread(700, &close), [350, 350]);
        // So old that nothing is left of it, and still the newest one is there to take it all.
        assert_eq!(CreditModel::TimeDecay.spread(7, &path(&[("a", 0), ("b", 100 * week)])), [0, 7]);
    }

    #[test]
    fn the_ends_of_a_path_get_two_fifths_each() {
        let spread = |count: usize| CreditModel::PositionBased.spread(1_000, &path(&vec![("a", 0); count]));
        assert_eq!(spread(1), [1_000]);
        assert_eq!(spread(2), [500, 500]);
        assert_eq!(spread(3), [400, 200, 400]);
        assert_eq!(spread(4), [400, 100, 100, 400]);
        assert_eq!(spread(7), [400, 40, 40, 40, 40, 40, 400]);
    }

    #[test]
    fn a_direct_visit_gets_what_nobody_else_has_earned() {
        let last = |steps: &[&str]| {
            let path: Vec<(&str, i64)> = steps.iter().map(|channel| (*channel, 0)).collect();
            CreditModel::LastNonDirect.spread(10, &self::path(&path))
        };
        assert_eq!(last(&["email", "social", "direct", "direct"]), [0, 10, 0, 0]);
        assert_eq!(last(&["direct", "direct"]), [0, 10]);
    }

    #[test]
    fn nothing_is_given_to_nobody() {
        for model in CreditModel::ALL {
            assert!(model.spread(10, &[]).is_empty(), "{}", model.name());
        }
    }
}
