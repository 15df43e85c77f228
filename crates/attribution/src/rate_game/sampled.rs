//! A sample of the orders in which channels join. Castro, Gómez and Tejada, "Polynomial calculation of the Shapley
//! value based on sampling", Computers & Operations Research 36 (2009).

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{RateGame, Worth};
use crate::Counts;
use crate::attribution::{Share, StandardError};
use crate::census::Channel;

/// How many orders the sample has at most, and at least.
const ORDERS: (usize, usize) = (4096, 256);
/// Between these the sample has as many orders as are walked through with so many looks at a channel of a path: more
/// paths cost precision and not time, and the standard errors say how much.
const LOOKS: usize = 1 << 27;

/// The mean contribution of each channel over the sampled orders. In each order the contributions add up to the worth
/// of all channels, so their means do, too.
pub(super) fn shares(game: &RateGame, seed: u64) -> Vec<Share> {
    let groups = Groups::of(game);
    let orders = groups.affordable_orders();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<Channel> = (0..game.channels).collect();
    let mut seen = vec![Seen::default(); game.channels];
    for count in 1..=orders {
        order.shuffle(&mut random);
        let mut before = Worth::default();
        for (&channel, after) in order.iter().zip(groups.worths(game, &order)) {
            seen[channel].conversions.add(after.conversions - before.conversions, count);
            seen[channel].value_minor.add(after.value_minor - before.value_minor, count);
            before = after;
        }
    }
    seen.iter().map(|seen| seen.share(orders)).collect()
}

/// The groups of paths one after the other in memory, because every order looks at all of them.
struct Groups {
    channels: Vec<Channel>,
    /// For each group where its channels end, and what it came to.
    groups: Vec<(usize, Counts)>,
}

impl Groups {
    fn of(game: &RateGame) -> Self {
        let mut flat = Self { channels: Vec::new(), groups: Vec::with_capacity(game.groups.len()) };
        for (channels, counts) in &game.groups {
            flat.channels.extend(channels);
            flat.groups.push((flat.channels.len(), *counts));
        }
        flat
    }

    fn affordable_orders(&self) -> usize {
        let (most, least) = ORDERS;
        (LOOKS / self.channels.len().max(1)).clamp(least, most)
    }

    /// The worth of the coalition after each channel has joined. A path keeps to the coalition from when the last of
    /// its channels is in.
    fn worths(&self, game: &RateGame, order: &[Channel]) -> Vec<Worth> {
        let mut places = vec![0; order.len()];
        for (place, &channel) in order.iter().enumerate() {
            places[channel] = place;
        }
        let mut joined = vec![Counts::default(); order.len()];
        let mut begin = 0;
        for &(end, counts) in &self.groups {
            let complete = self.channels[begin..end].iter().map(|&channel| places[channel]).max();
            joined[complete.unwrap_or_default()] += counts;
            begin = end;
        }
        let mut kept = Counts::default();
        let worth = |counts: Counts| {
            kept += counts;
            game.worth(&kept)
        };
        joined.into_iter().map(worth).collect()
    }
}

/// A channel's contributions so far.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    conversions: Moments,
    value_minor: Moments,
}

impl Seen {
    fn share(&self, orders: usize) -> Share {
        let standard_error = StandardError {
            conversions: self.conversions.standard_error(orders),
            value_minor: self.value_minor.standard_error(orders),
        };
        Share {
            conversions: self.conversions.mean,
            value_minor: self.value_minor.mean,
            removal_effect: None,
            standard_error: Some(standard_error),
        }
    }
}

/// Mean and spread of a sample, updated by one number at a time (Welford 1962).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
}

impl Moments {
    /// Takes the number in; it is the `count`th.
    fn add(&mut self, number: f64, count: usize) {
        let distance = number - self.mean;
        self.mean += distance / count as f64;
        self.squares += distance * (number - self.mean);
    }

    /// The standard deviation of the mean of so many.
    fn standard_error(&self, orders: usize) -> f64 {
        let orders = orders as f64;
        (self.squares / (orders - 1.0) / orders).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_paths_are_walked_in_fewer_orders_down_to_a_floor() {
        let orders = |looks| Groups { channels: vec![0; looks], groups: Vec::new() }.affordable_orders();
        assert_eq!([orders(0), orders(1 << 10), orders(1 << 15)], [4096; 3]);
        assert_eq!(orders(1 << 17), 1024);
        assert_eq!([orders(1 << 19), orders(1 << 21)], [256; 2]);
    }

    #[test]
    fn mean_and_standard_error_are_those_of_the_textbook() {
        let mut moments = Moments::default();
        for (index, number) in [1.0, 2.0, 4.0].into_iter().enumerate() {
            moments.add(number, index + 1);
        }
        // The squared distances from 7/3 are 16/9, 1/9 and 25/9: a variance of 7/3, of the mean a third of that.
        assert!((moments.mean - 7.0 / 3.0).abs() < 1e-15, "{moments:?}");
        assert!((moments.standard_error(3) - (7.0_f64 / 9.0).sqrt()).abs() < 1e-15, "{moments:?}");
    }
}
