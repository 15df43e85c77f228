//! Credits by removal effect: what would be lost without a channel, compared with what would be lost without the
//! others.

use crate::attribution::Share;
use crate::census::Census;
use crate::chain::{Chain, Nulls, Order};

/// The channels' shares of all conversions and of the value, in proportion to their removal effects.
pub(crate) fn shares(census: &Census, order: Order, nulls: Nulls) -> Vec<Share> {
    let effects = removal_effects(census, order, nulls);
    let sum: f64 = effects.iter().sum();
    let conversions = census.totals.conversions as f64;
    let value_minor = census.totals.value_minor as f64;
    let share = |effect: f64| {
        // Whoever converts has touched some channel, so the sum is at least 1 unless there is no conversion to share.
        let part = if sum > 0.0 { effect / sum } else { 0.0 };
        Share {
            conversions: conversions * part,
            value_minor: value_minor * part,
            removal_effect: Some(effect),
            standard_error: None,
        }
    };
    effects.into_iter().map(share).collect()
}

fn removal_effects(census: &Census, order: Order, nulls: Nulls) -> Vec<f64> {
    if census.totals.conversions == 0 {
        return vec![0.0; census.channels.len()];
    }
    let chain = Chain::of(census, order, nulls);
    let conversion = chain.conversion();
    let from_start = Chain::from_start(&conversion);
    let channels = 0..census.channels.len();
    channels.map(|channel| chain.conversion_through(channel, &conversion) / from_start).collect()
}
