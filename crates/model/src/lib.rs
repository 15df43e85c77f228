//! The domain's types: touchpoint, identifier, money, canvas, journey, decision, experiment, scorecard.
//!
//! Everything here is pure: no I/O, no clock, no async. The Avro schemas under `schemas/avro/`
//! are the contract of these types on the wire; one word has one meaning in both.
//!
//! Units: instants are `i64` milliseconds since the Unix epoch, UTC, and end in `_at`; spans are
//! milliseconds and end in `_ms`; money is an integer of minor units and ends in `_minor`.

pub mod account;
pub mod canvas;
pub mod decision;
pub mod delivery;
pub mod erasure;
pub mod experiment;
pub mod experiment_viewed;
pub mod identifier;
pub mod identity;
pub mod ids;
pub mod journey;
pub mod merge;
pub mod money;
pub mod outcome;
pub mod past;
pub mod path;
pub mod raw;
pub mod recheck;
pub mod replay;
pub mod scorecard;
pub mod step;
pub mod time;
pub mod topics;
pub mod touchpoint;
pub mod trigger_definition;

pub use account::{AccountCommand, AccountEvent};
pub use canvas::{Canvas, CanvasEntry};
pub use decision::{Arm, ConsentProof, Decision, Fate, TriggerIntent, WithheldReason};

pub use erasure::{Disposition, ErasedPerson, Erasure, Fingerprint};
pub use experiment::{Enrolment, EnrolmentStatus};
pub use identifier::{Identifier, Pseudonymizer, RefusedIdentifier};
pub use ids::{AccountId, IdParseError, PersonId};
pub use journey::JourneyEvent;
pub use merge::{MergeAction, MergeState};
pub use money::{Money, MoneyError};
pub use outcome::{DecisionOutcome, MatchedBy, OutcomeKind};
pub use past::{Glimpse, Past};
pub use raw::RawEvent;
pub use recheck::{Permission, Recheck};
pub use replay::Replay;
pub use scorecard::Scorecard;
pub use touchpoint::{Consent, Direction, Discount, Domain, Item, Touchpoint};
pub use trigger_definition::{DefinitionStatus, TriggerDefinition};
