//! All coalitions, by sums over subsets.

use super::{RateGame, Worth};
use crate::Counts;
use crate::attribution::Share;

/// The Shapley value by its definition: a channel's mean contribution to the coalitions of the others, each size of
/// coalition with the same weight. Time and memory go with 2^channels.
pub(super) fn shares(game: &RateGame) -> Vec<Share> {
    let worths: Vec<Worth> = kept(game).iter().map(|kept| game.worth(kept)).collect();
    let weights = weights(game.channels);
    let share = |channel: usize| {
        let mut share = Share::default();
        for without in (0..worths.len()).filter(|coalition| coalition & (1 << channel) == 0) {
            let (after, before) = (worths[without | (1 << channel)], worths[without]);
            let weight = weights[without.count_ones() as usize];
            share.conversions += weight * (after.conversions - before.conversions);
            share.value_minor += weight * (after.value_minor - before.value_minor);
        }
        share
    };
    (0..game.channels).map(share).collect()
}

/// For each coalition, as a bit mask, what the paths that keep to it came to: the sum over its subsets, which is built
/// up one channel at a time (the zeta transform).
fn kept(game: &RateGame) -> Vec<Counts> {
    let mut kept = vec![Counts::default(); 1 << game.channels];
    for (channels, counts) in &game.groups {
        let coalition: usize = channels.iter().map(|channel| 1 << channel).sum();
        kept[coalition] = *counts;
    }
    for channel in 0..game.channels {
        for coalition in (0..kept.len()).filter(|coalition| coalition & (1 << channel) != 0) {
            let without = kept[coalition ^ (1 << channel)];
            kept[coalition] += without;
        }
    }
    kept
}

/// The weight of one coalition by its size: with n channels a channel has n sizes of coalition to join, and C(n-1,
/// size) coalitions of each.
fn weights(channels: usize) -> Vec<f64> {
    let mut coalitions = 1.0;
    let mut weights = Vec::with_capacity(channels);
    for size in 0..channels {
        weights.push(1.0 / (channels as f64 * coalitions));
        coalitions *= (channels - 1 - size) as f64 / (size + 1) as f64;
    }
    weights
}
