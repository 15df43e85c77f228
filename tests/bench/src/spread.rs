//! Several measurements of the same thing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Median, least and largest of some measurements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of these measurements; all zero when there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(0.0);
        Self { median: at(values.len() / 2), min: at(0), max: at(values.len().saturating_sub(1)) }
    }
}

impl Spread {
    /// How often this fits into `other`, the worst and the best case with it.
    #[must_use]
    pub fn times_in(self, other: Self) -> Self {
        let part = |of: f64, by: f64| if by > 0.0 { of / by } else { 0.0 };
        Self { median: part(other.median, self.median), min: part(other.min, self.max), max: part(other.max, self.min) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.min, self.max)
    }
}

/// The value below which `percent` of the measurements lie.
#[must_use]
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_are_those_of_the_sorted_values() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 3.0 });
        let mut values: Vec<f64> = (0..200).rev().map(f64::from).collect();
        assert_eq!((percentile(&mut values, 50), percentile(&mut values, 99)), (100.0, 198.0));
        assert_eq!(percentile(&mut [], 99), 0.0);
    }

    #[test]
    fn ratios_have_a_spread_too() {
        let (ours, theirs) =
            (Spread { median: 2.0, min: 1.0, max: 4.0 }, Spread { median: 20.0, min: 16.0, max: 30.0 });
        assert_eq!(ours.times_in(theirs), Spread { median: 10.0, min: 4.0, max: 30.0 });
    }
}
