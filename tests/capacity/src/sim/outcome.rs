//! What a simulation came to.

/// An event that has come through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Second at which it came in.
    pub at_s: f64,
    /// Milliseconds until somebody could read what came of it.
    pub ms: f64,
}

/// Records that wait before each stage, at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct LagPoint {
    /// Second.
    pub at_s: f64,
    /// For each stage.
    pub records: Vec<f64>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Bundles that came in.
    pub arrived: u64,
    /// Bundles that came out.
    pub left: u64,
    /// Bundles that came out a second time.
    pub repeated: u64,
    /// Records that a stage committed before an earlier one of the same partition.
    pub out_of_order: u64,
    /// In the order in which they came out.
    pub samples: Vec<Sample>,
    /// Each half second.
    pub lag: Vec<LagPoint>,
    /// Seconds that workers of each stage have handled records, while records came in.
    pub busy_s: Vec<f64>,
    /// Commits of each stage, while records came in.
    pub commits: Vec<u64>,
}

impl Outcome {
    /// The latency in milliseconds below which `percent` of those are that came in from `from_s` to `to_s`.
    #[must_use]
    pub fn percentile(&self, percent: f64, from_s: f64, to_s: f64) -> f64 {
        let mut values: Vec<f64> = self
            .samples
            .iter()
            .filter(|sample| (from_s..to_s).contains(&sample.at_s))
            .map(|sample| sample.ms)
            .collect();
        values.sort_by(f64::total_cmp);
        let place = (values.len() as f64 * percent / 100.0) as usize;
        values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }

    /// The mean latency in milliseconds from a second on.
    #[must_use]
    pub fn mean_ms(&self, from_s: f64) -> f64 {
        let values = || self.samples.iter().filter(|sample| sample.at_s >= from_s).map(|sample| sample.ms);
        values().sum::<f64>() / (values().count().max(1)) as f64
    }

    /// The worst percentile of latency by seconds of arrival: `(second, ms)`.
    #[must_use]
    pub fn over_time(&self, percent: f64, step_s: f64, seconds: f64) -> Vec<(f64, f64)> {
        let count = (seconds / step_s).ceil() as usize;
        let mut buckets = vec![Vec::new(); count];
        for sample in &self.samples {
            if let Some(bucket) = buckets.get_mut((sample.at_s / step_s) as usize) {
                bucket.push(sample.ms);
            }
        }
        let of = |(index, mut values): (usize, Vec<f64>)| {
            values.sort_by(f64::total_cmp);
            let place = (values.len() as f64 * percent / 100.0) as usize;
            let value = values.get(place.min(values.len().checked_sub(1)?)).copied()?;
            Some(((index as f64 + 0.5) * step_s, value))
        };
        buckets.into_iter().enumerate().filter_map(of).collect()
    }

    /// The second after `after_s` from which on p99 of what comes in each second is at most `limit_ms`. `None` when that was
    /// never so.
    #[must_use]
    pub fn below_again(&self, after_s: f64, seconds: f64, limit_ms: f64) -> Option<f64> {
        let points = self.over_time(99.0, 1.0, seconds);
        let is_slow = |(at, ms): &&(f64, f64)| *at > after_s && *ms > limit_ms;
        match points.iter().rev().find(is_slow) {
            None => Some(after_s),
            Some((at, _)) if *at + 1.5 < seconds => Some(at + 0.5),
            Some(_) => None,
        }
    }

    /// The most records that waited before all stages together.
    #[must_use]
    pub fn most_lag(&self) -> f64 {
        self.lag.iter().map(|point| point.records.iter().sum::<f64>()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_the_end_of_a_delay_are_found() {
        let samples = (0..1_000).map(|tenth| {
            let at_s = f64::from(tenth) / 10.0;
            Sample { at_s, ms: if (40.0..52.0).contains(&at_s) { 500.0 } else { 10.0 } }
        });
        let outcome = Outcome { samples: samples.collect(), ..Outcome::default() };
        assert_eq!(outcome.percentile(50.0, 0.0, 100.0), 10.0);
        assert_eq!(outcome.percentile(99.0, 0.0, 100.0), 500.0);
        assert_eq!(outcome.percentile(99.0, 0.0, 30.0), 10.0);
        assert_eq!(outcome.below_again(40.0, 100.0, 20.0), Some(52.0));
        assert_eq!(outcome.below_again(60.0, 100.0, 20.0), Some(60.0));
        assert_eq!(outcome.below_again(0.0, 100.0, 2.0), None);
        assert!((outcome.mean_ms(0.0) - (10.0 * 0.88 + 500.0 * 0.12)).abs() < 1e-9);
    }
}
