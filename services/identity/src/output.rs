//! What owners and sequencer say to others, and where it goes.

use tributary_model::identity::{Alias, IdentifierCommand, IdentityChange, MergeRequest, PersonCommand, Resolved};
use tributary_model::{PersonId, topics};

/// The key of all merge requests: one key, so that one partition orders them however many the topic has.
const MERGES_KEY: &[u8] = b"merges";

/// One record to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A touchpoint with its person; boxed, for it is several times the size of the others.
    Resolved(Box<Resolved>),
    /// To the owner of an identifier.
    Identifier(IdentifierCommand),
    /// To the sequencer.
    Merge(MergeRequest),
    /// To a person.
    Person(PersonCommand),
    /// An entry of the alias table.
    Alias(Alias),
    /// The end of an entry of the alias table.
    Unalias(PersonId),
    /// To whom it may concern.
    Change(IdentityChange),
}

impl Output {
    /// The topic it goes to.
    #[must_use]
    pub fn topic(&self) -> &'static str {
        match self {
            Self::Resolved(_) => topics::RESOLVED,
            Self::Identifier(_) => topics::IDENTIFIERS,
            Self::Merge(_) => topics::MERGES,
            Self::Person(_) => topics::PERSONS,
            Self::Alias(_) | Self::Unalias(_) => topics::ALIASES,
            Self::Change(_) => topics::IDENTITY_CHANGES,
        }
    }

    /// The record key.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Resolved(resolved) => resolved.person_id.to_key(),
            Self::Identifier(command) => command.identifier.to_key(),
            Self::Merge(_) => MERGES_KEY.to_vec(),
            Self::Person(command) => command.person_id.to_key(),
            Self::Alias(alias) => alias.loser.to_key(),
            Self::Unalias(loser) => loser.to_key(),
            Self::Change(change) => change.person_id.to_key(),
        }
    }
}
