//! The models and their names.

use std::fmt;
use std::str::FromStr;

use crate::AttributionError;

/// By which rule conversions are credited to channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// All to the last touch that is not [`DIRECT`](crate::DIRECT); to that one where the path has nothing else.
    LastNonDirect,
    /// To each touch the same.
    Linear,
    /// 40 % to the first touch, 40 % to the last, and 20 % in equal parts to those between; halves where there are two.
    PositionBased,
    /// By removal effect in the Markov chain whose states are the last touch. Anderl, Becker, von Wangenheim and
    /// Schumann, "Mapping the customer journey", International Journal of Research in Marketing 33 (2016).
    Markov1,
    /// The same with the last two touches as states.
    Markov2,
    /// The same with the last three touches as states.
    Markov3,
    /// As [`Model::Markov1`], of the paths that converted alone.
    Markov1NoNull,
    /// As [`Model::Markov2`], of the paths that converted alone.
    Markov2NoNull,
    /// As [`Model::Markov3`], of the paths that converted alone.
    Markov3NoNull,
    /// The Shapley value of the game in which a coalition S of channels is worth the conversions of the paths that
    /// touch no channel outside of S. (Its value in money is the same game with values for conversions.)
    ///
    /// This game is a sum of unanimity games, one for each path, so its Shapley value has a closed form: the
    /// conversions of each path go in equal parts to its distinct channels. It is exact for any number of channels, and
    /// knows nothing of paths that did not convert.
    Shapley,
    /// The Shapley value of the game in which a coalition S of channels is worth the conversion rate of the paths that
    /// touch no channel outside of S, times the number of all paths: the conversions there would be if everybody's path
    /// ended as those do. A coalition that no path keeps to is worth nothing.
    ///
    /// All channels together are worth all conversions, so the credits add up without being scaled. A channel whose
    /// company lowers the rate of others can come out below zero: that is the meaning of this model, not a fault.
    /// It takes a rate at its word, also that of a few paths: a channel that two buyers met and nobody else comes out high.
    /// Exact up to [`EXACT_CHANNELS`](crate::EXACT_CHANNELS); of more channels it is estimated, with a standard error.
    ShapleyRate,
}

impl Model {
    /// All models.
    pub const ALL: [Self; 13] = [
        Self::First,
        Self::Last,
        Self::LastNonDirect,
        Self::Linear,
        Self::PositionBased,
        Self::Markov1,
        Self::Markov2,
        Self::Markov3,
        Self::Markov1NoNull,
        Self::Markov2NoNull,
        Self::Markov3NoNull,
        Self::Shapley,
        Self::ShapleyRate,
    ];

    /// The name used in configuration, records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::LastNonDirect => "last_non_direct",
            Self::Linear => "linear",
            Self::PositionBased => "position_based",
            Self::Markov1 => "markov_1",
            Self::Markov2 => "markov_2",
            Self::Markov3 => "markov_3",
            Self::Markov1NoNull => "markov_1_no_null",
            Self::Markov2NoNull => "markov_2_no_null",
            Self::Markov3NoNull => "markov_3_no_null",
            Self::Shapley => "shapley",
            Self::ShapleyRate => "shapley_rate",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Model {
    type Err = AttributionError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|model| model.name() == name).ok_or_else(|| AttributionError::UnknownModel {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}
