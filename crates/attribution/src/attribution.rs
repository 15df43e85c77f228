//! The credits of a model.

use std::sync::Arc;

use crate::census::Census;
use crate::chain::{Nulls, Order};
use crate::{AttributionError, Model, Paths, markov, rate_game, split};

/// How far an estimated credit may be off: the standard deviation of the estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StandardError {
    /// Of the conversions.
    pub conversions: f64,
    /// Of the value, in minor units.
    pub value_minor: f64,
}

/// What a channel is credited with.
#[derive(Debug, Clone, PartialEq)]
pub struct Credit {
    /// The channel's label.
    pub channel: Arc<str>,
    /// Conversions.
    pub conversions: f64,
    /// Value in minor units.
    pub value_minor: f64,
    /// Of Markov models: the share of conversions, from 0 to 1, that would be lost if whoever comes to this channel
    /// went no further.
    pub removal_effect: Option<f64>,
    /// Of credits that are estimated: how far they may be off.
    pub standard_error: Option<StandardError>,
}

/// The credits of every channel by one model. They add up to the totals of the paths; where no path converts and there is
/// value all the same, taken back from conversions of another time, Markov models have nothing to share it by.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The model.
    pub model: Model,
    /// A credit for each label that some path has, in order of the labels.
    pub credits: Vec<Credit>,
}

impl Attribution {
    /// The credit of a channel; none when no path has the label.
    #[must_use]
    pub fn credit(&self, channel: &str) -> Option<&Credit> {
        self.credits.iter().find(|credit| &*credit.channel == channel)
    }
}

/// What a channel gets, before it is known by its label.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Share {
    pub(crate) conversions: f64,
    pub(crate) value_minor: f64,
    pub(crate) removal_effect: Option<f64>,
    pub(crate) standard_error: Option<StandardError>,
}

/// Credits the channels for the conversions and the value of the paths.
///
/// # Errors
/// When some path has less than no conversions or nulls. When there are more than
/// [`MAX_CHANNELS`](crate::MAX_CHANNELS) distinct labels.
pub fn attribute(paths: &Paths, model: Model) -> Result<Attribution, AttributionError> {
    let census = Census::of(paths)?;
    let shares = match model {
        Model::First => split::shares(&census, split::first),
        Model::Last => split::shares(&census, split::last),
        Model::LastNonDirect => split::last_non_direct(&census),
        Model::Linear => split::shares(&census, split::linear),
        Model::PositionBased => split::shares(&census, split::position_based),
        Model::Shapley => split::shares(&census, split::distinct),
        Model::Markov1 => markov::shares(&census, Order::One, Nulls::Counted),
        Model::Markov2 => markov::shares(&census, Order::Two, Nulls::Counted),
        Model::Markov3 => markov::shares(&census, Order::Three, Nulls::Counted),
        Model::Markov1NoNull => markov::shares(&census, Order::One, Nulls::LeftOut),
        Model::Markov2NoNull => markov::shares(&census, Order::Two, Nulls::LeftOut),
        Model::Markov3NoNull => markov::shares(&census, Order::Three, Nulls::LeftOut),
        Model::ShapleyRate => rate_game::shares(&census),
    };
    let credits = census.channels.into_iter().zip(shares).map(|(channel, share)| Credit {
        channel,
        conversions: share.conversions,
        value_minor: share.value_minor,
        removal_effect: share.removal_effect,
        standard_error: share.standard_error,
    });
    Ok(Attribution { model, credits: credits.collect() })
}
