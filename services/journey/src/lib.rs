//! The ordered journey of each person and the roll-up of each account.
//!
//! **In**: `tributary.resolved` (touchpoints with their person) and `tributary.persons` (merges), both keyed by person; the
//! canvas as a shared table. **Out**: `tributary.journeys`, `tributary.account-touches`, and what the chained step decides
//! (`tributary.decisions`, `tributary.triggers.<team>`). A second stage folds `tributary.account-touches`, and what persons
//! and accounts tell accounts on `tributary.account-commands`, into `tributary.accounts`, and the ways they went into
//! `tributary.path-changes`.
//!
//! **State**, by person: the touches within the horizon (1,000 touches or 400 days), the sum of those beyond it, the
//! bookkeeping of merges, the memberships of accounts, and the state of the chained step. By account: counts, orders,
//! opportunities, members, engagement by day, what it heard and which sales named it, and the account that it turned out
//! to be.
//!
//! **Promise**: a touch is stated in the order of events whatever the order of arrival; what a late touch or a merge
//! changes is taken back and stated anew, never silently. Folding assertions less retractions gives the present, and it
//! is the same for every order of arrival, revisions aside. This is exact within the horizon: a touch that
//! arrives beyond it is stated once with the context known then, counts in all totals, and is never corrected; rolling
//! windows that reach beyond it see exposures only.

mod account;
mod account_processor;
mod account_rules;
mod base;
mod config;
mod context;
mod decay;
mod earlier;
mod error;
mod heard;
mod kept;
mod membership;
pub mod metrics;
mod processor;
pub mod read;
mod stage;
mod story;
#[cfg(test)]
mod testing;
mod timeline;
mod touch;
mod transfer;

pub use account::delta::Delta;
pub use account::{AccountRollups, Told as ToldAccount};
pub use account_processor::{ACCOUNTS_STAGE, AccountsProcessor, accounts_stage};
pub use account_rules::AccountRules;
pub use base::{Base, CurrencySum, FoldedExposure, Tail};
pub use config::Config;
pub use context::{PathLimits, Rules};
pub use error::JourneyError;
pub use kept::Kept;
pub use membership::{MemberStatement, Membership, Memberships};
pub use processor::{JourneyProcessor, STAGE, journey_stage};
pub use stage::{Facts, Ladder, StageDefinitions};
pub use timeline::{Outcome, Timeline, is_first_statement};
pub use touch::{Counts, Offer, Told, Touch, TouchKey, Touches};
