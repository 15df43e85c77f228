//! How engagement fades: halved for every half-life, in whole days and whole numbers, so that every machine and every order
//! of arrival gives the same.

/// Factors are in units of 2⁻⁶⁰.
const ONE: u128 = 1 << 60;
/// After so many half-lives nothing is left.
const MAX_HALVINGS: i64 = 20;

/// Factors by age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decay {
    pub(crate) half_life_days: i64,
    /// The factors of the days of one half-life.
    factors: Vec<u128>,
}

impl Decay {
    /// Halving every `half_life_days`, at least one.
    pub(crate) fn new(half_life_days: i64) -> Self {
        let half_life_days = half_life_days.max(1);
        let daily = daily_factor(half_life_days);
        let days = usize::try_from(half_life_days).unwrap_or(1);
        let factors = std::iter::successors(Some(ONE), |factor| Some((factor * daily) >> 60)).take(days).collect();
        Self { half_life_days, factors }
    }

    /// What is left of one after `days`, in units of 2⁻⁶⁰; before the day it is whole.
    fn factor(&self, days: i64) -> u128 {
        let days = days.max(0);
        let (halvings, rest) = (days / self.half_life_days, days % self.half_life_days);
        let factor = usize::try_from(rest).ok().and_then(|rest| self.factors.get(rest)).copied().unwrap_or(0);
        if halvings >= MAX_HALVINGS { 0 } else { factor >> halvings }
    }

    /// The sum of points by day as of `day`, in thousandths, rounded down.
    pub(crate) fn score_milli<'a>(&self, points: impl Iterator<Item = (&'a i64, &'a i64)>, day: i64) -> i64 {
        let mut sum = 0_i128;
        for (of_day, weight) in points {
            let factor = i128::try_from(self.factor(day.saturating_sub(*of_day))).unwrap_or(0);
            sum += i128::from(*weight) * 1_000 * factor;
        }
        i64::try_from(sum.div_euclid(ONE as i128)).unwrap_or(i64::MAX)
    }
}

/// The greatest factor, in units of 2⁻⁶⁰, that taken `days` times leaves at most a half.
fn daily_factor(days: i64) -> u128 {
    let (mut low, mut high) = (ONE >> 1, ONE);
    let power = |factor: u128| (0..days).fold(ONE, |product, _| (product * factor) >> 60);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if power(middle) <= ONE >> 1 {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_halves_and_fades_evenly_between() {
        let decay = Decay::new(30);
        let points = BTreeMap::from([(100, 8)]);
        let after = |days: i64| decay.score_milli(points.iter(), 100 + days);
        assert_eq!([0, 30, 60, 90].map(after), [8_000, 4_000, 2_000, 1_000]);
        assert_eq!(after(15), 5_656, "eight over the root of two");
        assert_eq!((after(-3), after(30 * 20)), (8_000, 0));
        assert!((1..600).all(|days| after(days) <= after(days - 1)));
    }

    #[test]
    fn it_is_the_power_of_two_for_every_half_life() {
        for half_life in [1_i64, 2, 7, 14, 45, 365, 730] {
            let decay = Decay::new(half_life);
            for days in [0_i64, 1, 3, 10, 100, 500] {
                let is_left = days < MAX_HALVINGS * half_life;
                let exact = if is_left { (-(days as f64) / half_life as f64).exp2() } else { 0.0 };
                let found = decay.factor(days) as f64 / ONE as f64;
                assert!((found - exact).abs() < 1e-12, "{days} days of {half_life}: {found} and {exact}");
            }
        }
    }

    #[test]
    fn points_that_were_taken_back_count_against() {
        let decay = Decay::new(10);
        assert_eq!(decay.score_milli([(&0, &5), (&10, &-2)].into_iter(), 10), 500);
    }
}
