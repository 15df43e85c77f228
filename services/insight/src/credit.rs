//! Who brought the sale: credit for a conversion, spread over the exposures that came before it.
//!
//! Each model gives every exposure on the path a weight; the value is split in integer minor units by the largest
//! remainder, so that for every model the parts add up to the value exactly, whatever its sign or size. A conversion
//! without a path is *direct*: its own team, channel and campaign get all of it. Returns and refunds are negative
//! conversions and go the same way: they take back along the path they carry, else from their own team.

use std::collections::BTreeMap;

use tributary_model::JourneyEvent;

use crate::credit_model::CreditModel;

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
    pub by_model: [i64; CreditModel::COUNT],
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
            by_model: [value.amount_minor; CreditModel::COUNT],
        }];
    }
    let mut shares: BTreeMap<(&str, &str, Option<&str>), [i64; CreditModel::COUNT]> = BTreeMap::new();
    for (index, model) in CreditModel::ALL.into_iter().enumerate() {
        let parts = model.spread(value.amount_minor, &event.path);
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
