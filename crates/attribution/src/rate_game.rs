//! The Shapley value of the conversion-rate game: over all coalitions while these can be counted, else over a sample of
//! the orders in which channels may join.

mod exact;
mod sampled;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::Counts;
use crate::attribution::Share;
use crate::census::{Census, Channel};
use crate::split::distinct_channels;

/// Up to this many channels the Shapley value of the rate game is exact: 2^15 coalitions are a moment's work.
pub const EXACT_CHANNELS: usize = 15;

/// The seed of the sample, so that the same paths always give the same credits.
const SEED: u64 = 0x7472_6962_7574_6172;

/// The credits of all channels.
pub(crate) fn shares(census: &Census) -> Vec<Share> {
    let game = RateGame::of(census);
    if game.channels <= EXACT_CHANNELS { exact::shares(&game) } else { sampled::shares(&game, SEED) }
}

/// What the game is about.
#[derive(Debug)]
struct RateGame {
    /// How many channels there are.
    channels: usize,
    /// What the paths with exactly these channels (sorted) came to.
    groups: BTreeMap<Vec<Channel>, Counts>,
    /// How many paths there are, converting or not.
    paths: f64,
}

/// What a coalition is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Worth {
    conversions: f64,
    value_minor: f64,
}

impl RateGame {
    fn of(census: &Census) -> Self {
        let mut groups: BTreeMap<Vec<Channel>, Counts> = BTreeMap::new();
        for walk in &census.walks {
            *groups.entry(distinct_channels(&walk.steps)).or_default() += walk.counts;
        }
        let paths = (census.totals.conversions + census.totals.nulls) as f64;
        Self { channels: census.channels.len(), groups, paths }
    }

    /// The worth of a coalition, of what the paths that keep to it came to.
    fn worth(&self, kept: &Counts) -> Worth {
        let paths = kept.conversions + kept.nulls;
        if paths == 0 {
            return Worth::default();
        }
        let scale = self.paths / paths as f64;
        Worth { conversions: kept.conversions as f64 * scale, value_minor: kept.value_minor as f64 * scale }
    }
}
