//! A part of a whole, with how sure one can be of it.

use serde::Serialize;

/// The quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// `count` of `of`, and the 95 % interval of Wilson (*Journal of the American Statistical Association* 22, 1927), which
/// stays between 0 and 1 and holds for small numbers and rare cases too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many have what is asked for.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The part, from 0 to 1; `None` of none.
    pub share: Option<f64>,
    /// Lower end of the interval; 0 of none.
    pub low: f64,
    /// Upper end of the interval; 1 of none.
    pub high: f64,
}

impl Share {
    /// `count` of `of`.
    #[must_use]
    pub fn new(count: u64, of: u64) -> Self {
        if of == 0 {
            return Self { count, of, share: None, low: 0.0, high: 1.0 };
        }
        let (n, p) = (of as f64, count as f64 / of as f64);
        let (z2, scale) = (Z * Z, 1.0 + Z * Z / n);
        let centre = (p + z2 / (2.0 * n)) / scale;
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
        Self { count, of, share: Some(p), low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
    }

    /// Those that have it not.
    #[must_use]
    pub fn rest(&self) -> u64 {
        self.of.saturating_sub(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_published_one() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (count, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let share = Share::new(count, of);
            assert!((share.low - low).abs() < 5e-5 && (share.high - high).abs() < 5e-5, "{share:?}");
        }
    }

    #[test]
    fn of_none_nothing_is_known() {
        assert_eq!(Share::new(0, 0), Share { count: 0, of: 0, share: None, low: 0.0, high: 1.0 });
        assert_eq!(Share::new(3, 10).rest(), 7);
    }
}
