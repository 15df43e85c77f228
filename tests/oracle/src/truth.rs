//! What has to be there in the end, worked out in a batch over all events.

pub(crate) mod accounts;
pub(crate) mod cards;
pub(crate) mod companies;
pub(crate) mod groups;
pub(crate) mod journey;
pub(crate) mod kinds;
pub(crate) mod ledger;
pub(crate) mod lift;
pub(crate) mod members;
pub(crate) mod paths;
pub(crate) mod people;
pub(crate) mod shares;
pub(crate) mod story;

use ledger::Ledger;
use people::People;

/// Everything that follows from the raw events.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) people: People,
}

impl World {
    pub(crate) fn of(ledger: Ledger) -> Self {
        let people = People::of(&ledger);
        Self { ledger, people }
    }
}

#[cfg(test)]
mod tests;
