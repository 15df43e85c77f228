//! The record of each account: sums over the touches of its persons, what these say of their membership, and the accounts
//! that turned out to be this one.
//!
//! Everything is a sum or a count of what was said, so the result is the same for any order of statements and
//! retractions. A retraction may even come before what it takes back, when two persons of an account are merged on
//! different partitions: counts are negative for that moment.
//!
//! **Merging.** A touch that names two accounts of kinds that merge belongs to the one of the higher kind, and tells the
//! other that it may be the same. An account of which all such touches name one account of the highest kind is that one:
//! it keeps its sums, adds them to the survivor's, and passes on whatever still comes. When a second account of that kind
//! claims it, it takes back from the first what it has added, and stands for itself again. So who is merged is a function
//! of the touches, whatever their order, and a survivor is the sum of what is its own and of what is merged into it. A
//! survivor is always of a higher kind, so nothing goes round in a circle.

pub(crate) mod book;
pub(crate) mod delta;
mod describe;
mod story;
mod ways;

use std::sync::Arc;

use tributary_model::account::AccountEvent;
use tributary_model::path::{PathDelta, Reach};
use tributary_model::{AccountId, JourneyEvent};
use uuid::Uuid;

use self::book::Book;
use self::delta::Delta;
use self::ways::WayLimits;
use crate::account_rules::AccountRules;
use crate::config::Config;
use crate::stage::StageDefinitions;

pub(crate) use book::STORES;

/// The most entries of a delta that is sent to another account.
pub(crate) const MAX_ENTRIES: usize = 2_000;

/// What came of something that was told to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The account as it is now.
    pub event: AccountEvent,
    /// What is to be told to other accounts.
    pub others: Vec<(AccountId, Delta)>,
    /// The account that it has just been merged into.
    pub merged_into: Option<AccountId>,
    /// Whether it stands for itself again, because others claim it as well.
    pub is_parted_now: bool,
}

/// The accounts of one partition.
#[derive(Debug)]
pub struct AccountRollups {
    realm: Uuid,
    rules: Arc<AccountRules>,
    stages: Arc<StageDefinitions>,
    /// The rolling window of stories.
    window_ms: i64,
    book: Book,
}

impl AccountRollups {
    /// Without accounts.
    #[must_use]
    pub fn new(config: &Config, rules: Arc<AccountRules>, stages: Arc<StageDefinitions>) -> Self {
        let reach = Reach { lookback_ms: config.lookback_ms(), max_steps: config.max_path_steps };
        let limits = WayLimits { reach, max_passed: config.account_exposures, horizon_ms: config.horizon_ms() };
        let book = Book::new(config.account_touch_times, limits);
        Self { realm: config.realm_uuid(), rules, stages, window_ms: config.window_ms(), book }
    }

    /// Adds the statement of a touch to `account_id`, or takes one back.
    pub fn on_touch(&mut self, account_id: AccountId, event: &JourneyEvent) -> Told {
        let rules = Arc::clone(&self.rules);
        let named = rules.named(&self.realm, &event.touchpoint.account_identifiers);
        let this = named.iter().find(|named| named.id == account_id);
        let count = if event.retracted { -1 } else { 1 };
        if let Some(this) = this {
            let account = self.book.account(account_id);
            if account.namespace != this.namespace {
                this.namespace.clone_into(&mut account.namespace);
            }
            for other in named.iter().filter(|other| rules.merges_into(this.rank, other.rank)) {
                let known = account.evidence.entry(other.id).or_insert_with(|| (other.namespace.to_owned(), 0));
                known.1 += count;
                if known.1 == 0 {
                    account.evidence.remove(&other.id);
                }
            }
        }
        let delta = if this.is_none_or(|this| this.is_own) {
            Delta::of_touch(&rules, &self.stages, event, event.account_ids.first() == Some(&account_id))
        } else {
            Delta::default()
        };
        self.enter(account_id, delta)
    }

    /// Adds what a person or another account tells `account_id`.
    pub fn enter(&mut self, account_id: AccountId, delta: Delta) -> Told {
        self.book.note(account_id);
        self.book.account(account_id).revision += 1;
        let mut others = Vec::new();
        if delta != Delta::default() {
            self.book.enter(account_id, &delta);
            others.extend(self.book.account(account_id).survivor.map(|survivor| (survivor, delta)));
        }
        let (before, now) = self.find_survivor(account_id);
        if before != now {
            let everything = self.book.everything(account_id);
            if let Some(before) = before {
                let mut taken_back = everything.clone();
                taken_back.negate();
                others.extend(taken_back.parts(MAX_ENTRIES).into_iter().map(|part| (before, part)));
            }
            if let Some(now) = now {
                others.extend(everything.parts(MAX_ENTRIES).into_iter().map(|part| (now, part)));
            }
        }
        let event = describe::describe(&self.book, &self.rules, &self.stages, self.window_ms, account_id);
        let merged_into = now.filter(|_| before != now);
        Told { event, others, merged_into, is_parted_now: before.is_some() && now.is_none() }
    }

    /// The account that this one was merged into, and the one that it is merged into now.
    fn find_survivor(&mut self, account_id: AccountId) -> (Option<AccountId>, Option<AccountId>) {
        let rules = Arc::clone(&self.rules);
        let account = self.book.account(account_id);
        let claims = account.claims(&rules);
        let now = if let [only] = claims.as_slice() { Some(*only) } else { None };
        (std::mem::replace(&mut account.survivor, now), now)
    }

    /// Hands over what has changed about the paths that accounts went, in order of key, before the transaction is committed.
    pub fn drain_paths(&mut self) -> Vec<PathDelta> {
        self.book.drain_paths()
    }

    /// Forgets what has changed about paths: the transaction was aborted.
    pub(crate) fn abort(&mut self) {
        self.book.ways.abort();
    }

    pub(crate) fn stores(&mut self) -> Vec<&mut dyn tributary_stream::StateStore> {
        self.book.stores()
    }
}

mod erasure;
#[cfg(test)]
mod tests;
