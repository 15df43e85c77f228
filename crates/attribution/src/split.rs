//! The models that look at one path at a time and split what it brought among its steps.

use crate::attribution::Share;
use crate::census::{Census, Channel};

/// The label of a visit that no channel brought.
pub const DIRECT: &str = "direct";

/// What the first and the last touch each get of a longer path.
const ENDS: f64 = 0.4;
/// What those between get together.
const MIDDLE: f64 = 0.2;

/// Parts of a whole, which add up to 1. A channel may have several.
type Parts = Vec<(Channel, f64)>;

/// What all paths give each channel by the rule that splits one of them.
pub(crate) fn shares(census: &Census, split: impl Fn(&[Channel]) -> Parts) -> Vec<Share> {
    let mut shares = vec![Share::default(); census.channels.len()];
    for walk in census.walks.iter() {
        for (channel, part) in split(&walk.steps) {
            shares[channel].conversions += walk.counts.conversions as f64 * part;
            shares[channel].value_minor += walk.counts.value_minor as f64 * part;
        }
    }
    shares
}

pub(crate) fn first(steps: &[Channel]) -> Parts {
    steps.first().map(|&step| (step, 1.0)).into_iter().collect()
}

pub(crate) fn last(steps: &[Channel]) -> Parts {
    steps.last().map(|&step| (step, 1.0)).into_iter().collect()
}

pub(crate) fn last_non_direct(census: &Census) -> Vec<Share> {
    let direct = census.channel(DIRECT);
    shares(census, |steps| {
        let channel = steps.iter().rev().find(|&&step| Some(step) != direct);
        channel.map_or_else(|| last(steps), |&channel| vec![(channel, 1.0)])
    })
}

pub(crate) fn linear(steps: &[Channel]) -> Parts {
    let part = 1.0 / steps.len() as f64;
    steps.iter().map(|&step| (step, part)).collect()
}

pub(crate) fn position_based(steps: &[Channel]) -> Parts {
    let [first, middle @ .., last] = steps else { return linear(steps) };
    if middle.is_empty() {
        return linear(steps);
    }
    let part = MIDDLE / middle.len() as f64;
    let between = middle.iter().map(|&step| (step, part));
    [(*first, ENDS), (*last, ENDS)].into_iter().chain(between).collect()
}

/// In equal parts to the distinct channels, however often each was touched.
pub(crate) fn distinct(steps: &[Channel]) -> Parts {
    linear(&distinct_channels(steps))
}

/// The channels of a path without order and repetition, sorted.
pub(crate) fn distinct_channels(steps: &[Channel]) -> Vec<Channel> {
    let mut channels = steps.to_vec();
    channels.sort_unstable();
    channels.dedup();
    channels
}
