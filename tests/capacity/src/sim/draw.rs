//! Chance from a seed, the same on every machine.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// Always so many microseconds.
    Fixed(f64),
    /// With this mean, in microseconds, and the exponential distribution.
    Exponential(f64),
    /// Lognormal: with this mean, in microseconds, and this standard deviation by the mean.
    Lognormal(f64, f64),
}

impl Time {
    /// The mean in microseconds.
    #[must_use]
    pub fn mean_us(self) -> f64 {
        match self {
            Self::Fixed(mean) | Self::Exponential(mean) | Self::Lognormal(mean, _) => mean,
        }
    }

    /// So many times as long.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        match self {
            Self::Fixed(mean) => Self::Fixed(mean * factor),
            Self::Exponential(mean) => Self::Exponential(mean * factor),
            Self::Lognormal(mean, spread) => Self::Lognormal(mean * factor, spread),
        }
    }
}

/// A source of chance.
#[derive(Debug)]
pub(crate) struct Draw {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), spare: None }
    }

    /// From above 0 to 1.
    fn uniform(&mut self) -> f64 {
        1.0 - self.rng.random::<f64>()
    }

    fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Mean 0, deviation 1, by the polar method of Marsaglia.
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// The time of `grain` records one after the other, in nanoseconds. The sum of many has the mean of their sum and its
    /// deviation.
    pub(crate) fn time(&mut self, time: Time, grain: u32) -> u64 {
        let count = f64::from(grain);
        let us = match time {
            Time::Fixed(mean) => mean * count,
            Time::Exponential(mean) if grain == 1 => mean * self.exponential(),
            Time::Exponential(mean) => self.lognormal(mean * count, 1.0 / count.sqrt()),
            Time::Lognormal(mean, spread) => self.lognormal(mean * count, spread / count.sqrt()),
        };
        (us * 1e3).round() as u64
    }

    fn lognormal(&mut self, mean: f64, spread: f64) -> f64 {
        if spread <= 0.0 {
            return mean;
        }
        let variance = libm::log(1.0 + spread * spread);
        mean * libm::exp(self.normal() * variance.sqrt() - variance / 2.0)
    }

    /// A place, with a chance by these sums of weights.
    pub(crate) fn place(&mut self, sums: &[f64]) -> usize {
        let total = sums.last().copied().unwrap_or(0.0);
        let at = self.uniform() * total;
        sums.iter().position(|sum| at <= *sum).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_spread(time: Time, grain: u32) -> (f64, f64) {
        let mut draw = Draw::new(1);
        let values: Vec<f64> = (0..200_000).map(|_| draw.time(time, grain) as f64 / 1e3).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt() / mean)
    }

    #[test]
    fn times_have_their_mean_and_spread() {
        for (time, grain, mean, spread) in [
            (Time::Exponential(50.0), 1, 50.0, 1.0),
            (Time::Lognormal(50.0, 0.5), 1, 50.0, 0.5),
            (Time::Lognormal(50.0, 0.5), 25, 1_250.0, 0.1),
            (Time::Fixed(50.0), 3, 150.0, 0.0),
        ] {
            let found = mean_and_spread(time, grain);
            assert!((found.0 / mean - 1.0).abs() < 0.01 && (found.1 - spread).abs() < 0.01, "{time:?} {found:?}");
        }
    }

    #[test]
    fn places_come_by_their_weights() {
        let mut draw = Draw::new(2);
        let hits = (0..100_000).filter(|_| draw.place(&[1.0, 4.0]) == 1).count();
        assert!((hits as f64 / 100_000.0 - 0.75).abs() < 0.01, "{hits}");
    }
}
