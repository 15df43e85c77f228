//! Why there is no lift.

use std::fmt;

/// The two kinds of persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arm {
    /// Those who were to be reached.
    Treated,
    /// Those who were kept from it, so that there is something to compare with.
    HeldOut,
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Treated => "treated",
            Self::HeldOut => "held-out",
        })
    }
}

/// Why an input is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LiftError {
    /// An outcome or a covariate beyond what sums of squares have room for.
    #[error("{what} {value} is not within {limit} of zero: count it in a larger unit")]
    ValueTooLarge {
        /// `outcome` or `covariate`.
        what: &'static str,
        /// The value.
        value: i64,
        /// How far from zero it may be.
        limit: i64,
    },
    /// Sums that no set of persons has.
    #[error(
        "the {arm} arm has {what} {value}, which no persons add up to: a retraction came before what it takes back; \
         ask again when that has been added"
    )]
    ImpossibleSums {
        /// The arm.
        arm: Arm,
        /// Which sum.
        what: &'static str,
        /// Its value.
        value: i128,
    },
    /// A level that is no probability of error to work with.
    #[error("{value} is not a level of error: give one between 0 and 0.5, such as 0.05")]
    BadAlpha {
        /// The level.
        value: f64,
    },
    /// A design that treats all or nobody.
    #[error("a treated share of {value} leaves nothing to compare: give one between 0 and 1, such as 0.9")]
    BadShare {
        /// The share.
        value: f64,
    },
    /// A design without persons.
    #[error("an experiment cannot be planned for {value} persons: give how many both arms should have in the end")]
    BadPlan {
        /// How many persons were planned.
        value: i64,
    },
    /// Nothing to pool.
    #[error("there is no experiment to pool: leave out the pool until one has an effect")]
    EmptyPool,
    /// An experiment that cannot be weighed.
    #[error("experiment {position} has {what} {value} and cannot be weighed: leave it out of the pool")]
    BadPart {
        /// Its place in the pool, from 0.
        position: usize,
        /// What is wrong with it.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A cost below zero.
    #[error("a cost of {value} is below zero: give what was spent as a positive number")]
    NegativeCost {
        /// The cost in minor units.
        value: i64,
    },
    /// A base rate without anybody to take it from.
    #[error("the {arm} arm has no persons, so that it has no rate: ask again when it has some")]
    NoPersons {
        /// The arm.
        arm: Arm,
    },
}
