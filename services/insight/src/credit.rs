//! Who brought the sale: credit for a conversion, spread over the exposures that came before it.
//!
//! Each model gives every exposure on the path a weight; the value is split in integer minor units by the largest
//! remainder, so that for every model the parts add up to the value exactly, whatever its sign or size. A conversion
//! without a path is *direct*: its own team, channel and campaign get all of it. Returns and refunds are negative
//! conversions and go the same way: they take back along the path they carry, else from their own team.

use std::collections::BTreeMap;

use tributary_model::JourneyEvent;
use tributary_model::money::allocate;

/// A rule by which credit is spread over a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreditModel {
    /// All to the first exposure.
    First,
    /// All to the last exposure.
    Last,
    /// The same to every exposure.
    Linear,
}

impl CreditModel {
    /// All models, in the order of [`CreditShare::by_model`].
    pub const ALL: [Self; 3] = [Self::First, Self::Last, Self::Linear];

    /// The name used in scorecards and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Linear => "linear",
        }
    }

    /// The credit of each of `step_count` exposures, oldest first; the parts add up to `value_minor`.
    #[must_use]
    pub fn spread(self, value_minor: i64, step_count: usize) -> Vec<i64> {
        let weight = |step: usize| match self {
            Self::First => u64::from(step == 0),
            Self::Last => u64::from(step + 1 == step_count),
            Self::Linear => 1,
        };
        allocate(value_minor, &(0..step_count).map(weight).collect::<Vec<_>>())
    }
}

/// What the exposures of one team, channel and campaign get of one conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditShare<'a> {
    /// The team.
    pub team_id: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// The campaign, when the exposure had one.
    pub campaign_id: Option<&'a str>,
    /// Credit in minor units of the conversion's currency, in the order of [`CreditModel::ALL`].
    pub by_model: [i64; 3],
}

/// The credit for the conversion `event`, summed per team, channel and campaign and in that order; for each model the
/// shares add up to the event's value. Empty when the event is no conversion.
#[must_use]
pub fn credit(event: &JourneyEvent) -> Vec<CreditShare<'_>> {
    let touchpoint = &event.touchpoint;
    let Some(value) = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion()) else { return Vec::new() };
    if event.path.is_empty() {
        return vec![CreditShare {
            team_id: &event.team_id,
            channel: &touchpoint.channel,
            campaign_id: touchpoint.campaign_id.as_deref(),
            by_model: [value.amount_minor; 3],
        }];
    }
    let mut shares: BTreeMap<(&str, &str, Option<&str>), [i64; 3]> = BTreeMap::new();
    for (index, model) in CreditModel::ALL.into_iter().enumerate() {
        let parts = model.spread(value.amount_minor, event.path.len());
        for (step, part) in event.path.iter().zip(parts) {
            let owner = (step.team_id.as_str(), step.channel.as_str(), step.campaign_id.as_deref());
            shares.entry(owner).or_default()[index] += part;
        }
    }
    shares
        .into_iter()
        .map(|((team_id, channel, campaign_id), by_model)| CreditShare { team_id, channel, campaign_id, by_model })
        .collect()
}
