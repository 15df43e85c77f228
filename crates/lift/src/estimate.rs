//! Numbers with an interval around them.

/// What lies between two numbers, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    pub(crate) fn around(middle: f64, radius: f64) -> Self {
        Self { low: middle - radius, high: middle + radius }
    }

    /// Whether the number lies in it.
    #[must_use]
    pub fn contains(&self, number: f64) -> bool {
        self.low <= number && number <= self.high
    }

    /// The same in another unit; the factor is not negative.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }
}

/// A number and where it may be instead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// The confidence interval.
    pub interval: Interval,
}

impl Estimate {
    /// The same in another unit; the factor is not negative.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { value: self.value * factor, interval: self.interval.scaled(factor) }
    }
}
