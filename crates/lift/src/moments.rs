//! What is kept of an arm: sums over its persons.

use crate::{Arm, LiftError};

/// Outcomes and covariates are at most this far from zero (ten thousand million euros, in cents). With it the sums of
/// squares of all people there are fit into 128 bits many times over.
pub const MAX_VALUE: i64 = 1_000_000_000_000;

/// More persons than this are a mistake; up to here nothing overflows.
const MAX_PERSONS: i64 = 10_000_000_000_000;

/// One person's part in an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Person {
    outcome: i64,
    covariate: i64,
}

impl Person {
    /// A person with the outcome that the experiment is about (1 or 0 for a conversion, minor units for money) and the
    /// covariate: the same or something like it from before the experiment began, 0 where nothing is known.
    ///
    /// # Errors
    /// [`LiftError::ValueTooLarge`] beyond [`MAX_VALUE`].
    pub fn new(outcome: i64, covariate: i64) -> Result<Self, LiftError> {
        for (what, value) in [("outcome", outcome), ("covariate", covariate)] {
            if !(-MAX_VALUE..=MAX_VALUE).contains(&value) {
                return Err(LiftError::ValueTooLarge { what, value, limit: MAX_VALUE });
            }
        }
        Ok(Self { outcome, covariate })
    }
}

/// The sums over the persons of one arm for one metric.
///
/// Each person is in it once, with the outcome she has now. When that changes, she is removed as she was and added as
/// she is. A removal may come before its addition; only asking for a lift meanwhile is refused.
///
/// The fields are open so that they can be stored anywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Moments {
    /// How many persons there are.
    pub persons: i64,
    /// How many of them have an outcome other than zero.
    pub nonzero: i64,
    /// Sum of the outcomes.
    pub outcomes: i128,
    /// Sum of the outcomes' squares.
    pub outcome_squares: i128,
    /// Sum of the covariates.
    pub covariates: i128,
    /// Sum of the covariates' squares.
    pub covariate_squares: i128,
    /// Sum of the products of outcome and covariate.
    pub products: i128,
}

impl Moments {
    /// Adds a person.
    pub fn add(&mut self, person: Person) {
        self.merge(&Self::of(person));
    }

    /// Takes a person back who was added, or will be, with the same outcome and covariate.
    pub fn remove(&mut self, person: Person) {
        self.take_back(&Self::of(person));
    }

    /// Adds the persons of another part of the same arm.
    pub fn merge(&mut self, other: &Self) {
        self.persons += other.persons;
        self.nonzero += other.nonzero;
        self.outcomes += other.outcomes;
        self.outcome_squares += other.outcome_squares;
        self.covariates += other.covariates;
        self.covariate_squares += other.covariate_squares;
        self.products += other.products;
    }

    /// Takes the persons of another part back.
    pub fn take_back(&mut self, other: &Self) {
        self.persons -= other.persons;
        self.nonzero -= other.nonzero;
        self.outcomes -= other.outcomes;
        self.outcome_squares -= other.outcome_squares;
        self.covariates -= other.covariates;
        self.covariate_squares -= other.covariate_squares;
        self.products -= other.products;
    }

    fn of(person: Person) -> Self {
        let (outcome, covariate) = (i128::from(person.outcome), i128::from(person.covariate));
        Self {
            persons: 1,
            nonzero: i64::from(outcome != 0),
            outcomes: outcome,
            outcome_squares: outcome * outcome,
            covariates: covariate,
            covariate_squares: covariate * covariate,
            products: outcome * covariate,
        }
    }

    /// How many persons show the rarer side of the outcome: those with any outcome but zero; or those without, where
    /// they are fewer and all others have the same outcome, as with conversions.
    pub(crate) fn rarer(&self) -> i64 {
        let nonzero = i128::from(self.nonzero);
        if nonzero == 0 || self.outcomes % nonzero != 0 {
            return self.nonzero;
        }
        // The mean square is the square of the mean only where all are equal.
        let common = self.outcomes / nonzero;
        let is_two_valued = self.outcome_squares == common * self.outcomes;
        if is_two_valued { self.nonzero.min(self.persons - self.nonzero) } else { self.nonzero }
    }

    /// Refuses sums that are out of the bounds which any set of persons keeps.
    pub(crate) fn check(&self, arm: Arm) -> Result<(), LiftError> {
        let refuse = |what, value| Err(LiftError::ImpossibleSums { arm, what, value });
        if !(0..=MAX_PERSONS).contains(&self.persons) {
            return refuse("persons", i128::from(self.persons));
        }
        if !(0..=self.persons).contains(&self.nonzero) {
            return refuse("nonzero", i128::from(self.nonzero));
        }
        let limit = i128::from(MAX_VALUE);
        let (all, nonzero) = (i128::from(self.persons) * limit, i128::from(self.nonzero) * limit);
        let bounds = [
            ("outcomes", self.outcomes, -nonzero, nonzero),
            ("outcome squares", self.outcome_squares, i128::from(self.nonzero), nonzero * limit),
            ("covariates", self.covariates, -all, all),
            ("covariate squares", self.covariate_squares, 0, all * limit),
            ("products", self.products, -nonzero * limit, nonzero * limit),
        ];
        match bounds.iter().find(|(_, value, low, high)| !(*low..=*high).contains(value)) {
            Some(&(what, value, ..)) => refuse(what, value),
            None => Ok(()),
        }
    }
}
