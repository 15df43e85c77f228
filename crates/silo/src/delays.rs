//! Spans of time in log-spaced buckets: quantiles with a known error, in memory that does not grow with their number.
//!
//! The buckets are those of DDSketch (Masson, Rim and Lee, VLDB 2019): bucket `i` holds `(γ^(i-1), γ^i]` milliseconds
//! with `γ = (1 + α) / (1 - α)`, and is told as `2 γ^i / (γ + 1)`, which is within `α` of everything in it.

use std::collections::BTreeMap;

use serde::Serialize;

/// The relative error `α` of a quantile; half a millisecond comes from rounding.
pub const RELATIVE_ERROR: f64 = 0.05;

const GAMMA: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// A span of time, to within [`RELATIVE_ERROR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bucket(u16);

impl Bucket {
    /// The bucket of a span; one that is negative counts as none.
    pub(crate) fn of(span_ms: i64) -> Self {
        if span_ms <= 0 {
            return Self(0);
        }
        let index = ((span_ms as f64).ln() / GAMMA.ln()).ceil();
        Self(index as u16 + 1)
    }

    /// What the spans in it are told as.
    pub(crate) fn span_ms(self) -> i64 {
        match self.0 {
            0 => 0,
            index => (2.0 * GAMMA.powi(i32::from(index) - 1) / (GAMMA + 1.0)).round().max(1.0) as i64,
        }
    }
}

/// How long something took, for a half, nine in ten and ninety-nine in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half took no longer.
    pub p50_ms: i64,
    /// Nine in ten took no longer.
    pub p90_ms: i64,
    /// Ninety-nine in a hundred took no longer.
    pub p99_ms: i64,
}

/// How many spans are in which bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delays {
    counts: BTreeMap<Bucket, u64>,
}

impl Delays {
    pub(crate) fn add(&mut self, bucket: Bucket, count: u64) {
        if count > 0 {
            *self.counts.entry(bucket).or_default() += count;
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// `None` of no spans.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        Some(Quantiles { p50_ms: self.quantile(50)?, p90_ms: self.quantile(90)?, p99_ms: self.quantile(99)? })
    }

    /// The span that `percent` of all are not longer than, by the nearest rank.
    fn quantile(&self, percent: u64) -> Option<i64> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut before = 0;
        for (bucket, count) in &self.counts {
            before += count;
            if before >= rank {
                return Some(bucket.span_ms());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delays(spans: &[i64]) -> Delays {
        let mut delays = Delays::default();
        spans.iter().for_each(|span| delays.add(Bucket::of(*span), 1));
        delays
    }

    #[test]
    fn no_span_has_quantiles_and_one_has_itself() {
        assert_eq!(Delays::default().quantiles(), None);
        assert_eq!(delays(&[0, -5]).quantiles(), Some(Quantiles { p50_ms: 0, p90_ms: 0, p99_ms: 0 }));
        assert_eq!(delays(&[1]).quantiles(), Some(Quantiles { p50_ms: 1, p90_ms: 1, p99_ms: 1 }));
        assert_eq!(delays(&[i64::MAX]).count(), 1);
    }

    #[test]
    fn ranks_are_the_nearest() {
        let spans: Vec<i64> = (0..9).map(|_| 0).chain([1_000]).collect();
        let found = delays(&spans).quantiles().unwrap();
        assert_eq!((found.p50_ms, found.p90_ms), (0, 0), "nine of ten");
        assert!((950..=1_050).contains(&found.p99_ms), "{found:?}");
    }

    proptest! {
        #[test]
        fn each_quantile_is_within_the_error_of_the_sorted_one(
            spans in prop::collection::vec(0_i64..400_000_000_000, 1..200),
        ) {
            let found = delays(&spans).quantiles().unwrap();
            let mut sorted = spans;
            sorted.sort_unstable();
            for (percent, found_ms) in [(50, found.p50_ms), (90, found.p90_ms), (99, found.p99_ms)] {
                let exact_ms = sorted[(sorted.len() * percent).div_ceil(100) - 1] as f64;
                let error_ms = (found_ms as f64 - exact_ms).abs();
                prop_assert!(error_ms <= exact_ms * RELATIVE_ERROR + 0.501, "{percent}: {found_ms} and not {exact_ms}");
            }
        }
    }
}
