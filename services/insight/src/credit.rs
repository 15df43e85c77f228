//! Who brought the sale: credit for a conversion, spread over the exposures that came before it.
//!
//! Each model gives every exposure on the path a weight; the value is split in integer minor units by the largest
//! remainder, so that for every model the parts add up to the value exactly, whatever its sign or size. A conversion
//! without a path is *direct*: its own team, channel and campaign get all of it. Returns and refunds are negative
//! conversions and go the same way: they take back along the path they carry, else from their own team.

use std::collections::BTreeMap;

use tributary_model::JourneyEvent;
use tributary_model::journey::PathStep;

use crate::card::Owner;
use crate::credit_model::CreditModel;

/// What the exposures of one owner get of one conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditShare<'a> {
    /// Whose exposures.
    pub owner: Owner<'a>,
    /// Credit in minor units of the conversion's currency, in the order of [`CreditModel::ALL`].
    pub by_model: [i64; CreditModel::COUNT],
}

/// The credit for the conversion `event`, summed per team, channel, campaign, agency and partner and in that order; for
/// each model the shares add up to the event's value. Empty when the event is no conversion.
#[must_use]
pub fn credit(event: &JourneyEvent) -> Vec<CreditShare<'_>> {
    let touchpoint = &event.touchpoint;
    let Some(value) = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion()) else { return Vec::new() };
    if event.path.is_empty() {
        return vec![CreditShare { owner: owner_of(event), by_model: [value.amount_minor; CreditModel::COUNT] }];
    }
    let mut shares: BTreeMap<Owner<'_>, [i64; CreditModel::COUNT]> = BTreeMap::new();
    for (index, model) in CreditModel::ALL.into_iter().enumerate() {
        let parts = model.spread(value.amount_minor, &event.path);
        for (step, part) in event.path.iter().zip(parts) {
            shares.entry(owner_of_step(step)).or_default()[index] += part;
        }
    }
    shares.into_iter().map(|(owner, by_model)| CreditShare { owner, by_model }).collect()
}

/// Whose touch a statement is about.
pub(crate) fn owner_of(event: &JourneyEvent) -> Owner<'_> {
    let touchpoint = &event.touchpoint;
    Owner {
        team_id: &event.team_id,
        channel: &touchpoint.channel,
        campaign_id: touchpoint.campaign_id.as_deref(),
        agency: touchpoint.agency.as_deref(),
        partner: touchpoint.partner.as_deref(),
        store: touchpoint.location.as_deref(),
        tentpole_id: event.tentpole_id(),
        flight_at: event.flight_at(),
        message_id: touchpoint.message_id.as_deref(),
    }
}

/// Whose exposure on a path it is; paths do not say where.
fn owner_of_step(step: &PathStep) -> Owner<'_> {
    Owner {
        team_id: &step.team_id,
        channel: &step.channel,
        campaign_id: step.campaign_id.as_deref(),
        agency: step.agency.as_deref(),
        partner: step.partner.as_deref(),
        store: None,
        tentpole_id: step.tentpole_id.as_deref(),
        flight_at: step.flight_at,
        message_id: step.message_id.as_deref(),
    }
}
