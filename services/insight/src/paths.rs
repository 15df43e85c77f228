//! Which ways persons went, to a sale or to none, counted as it happens. Those of accounts are counted by the stage that
//! keeps the accounts, by the same rules.
//!
//! - A *converting* path is the one that a conversion's statement carries: the exposures of its look-back window. A
//!   conversion without one was direct: its path is its own team and channel. A return takes its value off the path it
//!   carries; the sale stays.
//! - The other exposures of a person, those that no sale has followed within the look-back window, make up *null* paths.
//!   In order of time, the first exposure that belongs to no path yet begins one, and it takes in what follows within the
//!   look-back window and within the length of a path. So a path ends in nothing for as long as no sale has come, and is
//!   counted from its first exposure on; a sale that comes takes the exposures of its window out of it.
//!
//! Null paths are made again from what is known of a person whenever that changes, and only the difference is written. So
//! neither the order of statements nor a merge makes a difference.
//!
//! Bounds: what is a horizon older than the newest event is closed: what was counted stays, and what comes later for that
//! time changes no null path any more.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::path::{NullPath, PathCounts, PathDelta, PathKey, Reach, Waypoint, null_paths};
use tributary_model::time::{DAY_MS, month_start};
use tributary_model::{JourneyEvent, PersonId};
use tributary_stream::{OrderedStore, StateStore};
use uuid::Uuid;

/// Name of the store of exposures and sales.
pub const PASSED_STORE: &str = "passed";
const VERSION: u8 = 1;

/// How far the path of a conversion reaches: the journey service's rule, which null paths go by too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathLimits {
    /// How far back, in milliseconds.
    pub lookback_ms: i64,
    /// The most exposures.
    pub max_steps: usize,
}

impl Default for PathLimits {
    fn default() -> Self {
        Self { lookback_ms: 30 * DAY_MS, max_steps: 50 }
    }
}

/// What a person passed, in the journey's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Passed {
    occurred_at: i64,
    touchpoint_id: String,
    /// The exposure; `None` for a sale.
    waypoint: Option<Waypoint>,
}

/// The ways of the persons of one task, and what the open transaction changes about the counts.
#[derive(Debug)]
pub struct Paths {
    limits: PathLimits,
    /// How often each is stated at present; below zero only while statements are out of order.
    passed: OrderedStore<Uuid, Passed, i32>,
    /// The null paths, before the open transaction, of those whom it has touched.
    before: BTreeMap<PersonId, Vec<PathKey>>,
    pending: BTreeMap<PathKey, PathCounts>,
}

impl Paths {
    /// Nobody is known.
    #[must_use]
    pub fn new(limits: PathLimits) -> Self {
        let (before, pending) = (BTreeMap::new(), BTreeMap::new());
        Self { limits, passed: OrderedStore::new(PASSED_STORE, VERSION), before, pending }
    }

    /// Counts a statement, or takes it back; times before `oldest_open_at` are closed for null paths.
    pub fn journey_event(&mut self, event: &JourneyEvent, oldest_open_at: Option<i64>) {
        let touchpoint = &event.touchpoint;
        if let Some((key, counts)) = converted(event) {
            self.count(key, &if event.retracted { counts.negated() } else { counts });
        }
        let is_open = oldest_open_at.is_none_or(|oldest| touchpoint.occurred_at >= oldest);
        if touchpoint.identifiers.is_empty() || !is_open {
            return;
        }
        let waypoint = match (touchpoint.is_exposure(), touchpoint.is_sale()) {
            (true, _) => Some(Waypoint { team_id: event.team_id.clone(), channel: touchpoint.channel.clone() }),
            (false, true) => None,
            (false, false) => return,
        };
        let (occurred_at, touchpoint_id) = (touchpoint.occurred_at, touchpoint.touchpoint_id.clone());
        let by = if event.retracted { -1 } else { 1 };
        self.shift(event.person_id, Passed { occurred_at, touchpoint_id, waypoint }, by);
    }

    /// Forgets what is known of a person. What was counted stays: nobody can be found in it.
    pub fn forget(&mut self, person: PersonId) {
        self.settle(person);
        let passed: Vec<Passed> = self.passed.list(&person.0).map(|(passed, _)| passed.clone()).collect();
        for passed in passed {
            self.passed.remove(&person.0, &passed);
        }
    }

    /// Closes the time before `oldest_open_at`: lets go of the paths that lie wholly before it.
    pub fn close(&mut self, oldest_open_at: i64) {
        let mut old = BTreeSet::new();
        self.passed.for_each(|person, passed, _| {
            if passed.occurred_at < oldest_open_at {
                old.insert(*person);
            }
        });
        for person in old {
            self.settle(PersonId(person));
            let first_kept_at = self.first_kept_at(person, oldest_open_at);
            let is_gone = |passed: &Passed| first_kept_at.is_none_or(|at| passed.occurred_at < at);
            let gone: Vec<Passed> =
                self.passed.list(&person).map(|(passed, _)| passed).filter(|passed| is_gone(passed)).cloned().collect();
            for passed in gone {
                self.passed.remove(&person, &passed);
            }
        }
    }

    /// Hands over what has changed, in order of key.
    pub fn drain(&mut self) -> Vec<PathDelta> {
        let touched: Vec<PersonId> = self.before.keys().copied().collect();
        touched.into_iter().for_each(|person| self.settle(person));
        let pending = std::mem::take(&mut self.pending).into_iter();
        pending.filter(|(_, delta)| !delta.is_zero()).map(|(key, delta)| PathDelta { key, delta }).collect()
    }

    /// Forgets what has changed: the transaction was aborted.
    pub fn abort(&mut self) {
        self.before.clear();
        self.pending.clear();
    }

    /// The store.
    pub fn store(&mut self) -> &mut dyn StateStore {
        &mut self.passed
    }

    fn count(&mut self, key: PathKey, counts: &PathCounts) {
        self.pending.entry(key).or_default().add(counts);
    }

    fn shift(&mut self, person: PersonId, passed: Passed, by: i32) {
        if !self.before.contains_key(&person) {
            let paths = self.null_paths(person.0).into_iter().map(key_of).collect();
            self.before.insert(person, paths);
        }
        let count = self.passed.get(&person.0, &passed).copied().unwrap_or(0).saturating_add(by);
        if count == 0 {
            self.passed.remove(&person.0, &passed);
        } else {
            self.passed.insert(&person.0, passed, count);
        }
    }

    /// Counts the difference that the open transaction has made to a person's null paths so far.
    fn settle(&mut self, person: PersonId) {
        let Some(before) = self.before.remove(&person) else { return };
        let now: Vec<PathKey> = self.null_paths(person.0).into_iter().map(key_of).collect();
        for (paths, nulls) in [(before, -1), (now, 1)] {
            for key in paths {
                self.count(key, &PathCounts { nulls, ..PathCounts::default() });
            }
        }
    }

    /// The person's exposures that no sale has followed in time, cut into paths.
    fn null_paths(&self, person: Uuid) -> Vec<NullPath<&Waypoint>> {
        let stated = self.passed.list(&person).filter(|(_, count)| **count > 0);
        let passed = stated.map(|(passed, _)| (passed.occurred_at, passed.waypoint.as_ref()));
        let PathLimits { lookback_ms, max_steps } = self.limits;
        null_paths(passed, Reach { lookback_ms, max_steps })
    }

    /// From when on a person's exposures and sales still matter to paths that are not wholly closed.
    fn first_kept_at(&self, person: Uuid, oldest_open_at: i64) -> Option<i64> {
        let open =
            self.passed.list(&person).map(|(passed, _)| passed).filter(|passed| passed.occurred_at >= oldest_open_at);
        let reach = open.map(|passed| match passed.waypoint {
            Some(_) => passed.occurred_at,
            None => passed.occurred_at.saturating_sub(self.limits.lookback_ms),
        });
        let paths = self.null_paths(person).into_iter().map(|path| path.begins_at);
        let unfinished = paths.filter(|at| at.saturating_add(self.limits.lookback_ms) >= oldest_open_at);
        reach.chain(unfinished).min()
    }
}

fn key_of(path: NullPath<&Waypoint>) -> PathKey {
    let waypoints = path.exposures.into_iter().cloned().collect();
    PathKey { month_start_at: month_start(path.begins_at), waypoints, is_account: false }
}

/// The path of a conversion and what it adds there; `None` when the event is no conversion.
fn converted(event: &JourneyEvent) -> Option<(PathKey, PathCounts)> {
    let touchpoint = &event.touchpoint;
    let value = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion())?;
    let waypoint = |team_id: &str, channel: &str| Waypoint { team_id: team_id.to_owned(), channel: channel.to_owned() };
    let waypoints = match event.path.as_slice() {
        [] => vec![waypoint(&event.team_id, &touchpoint.channel)],
        path => path.iter().map(|step| waypoint(&step.team_id, &step.channel)).collect(),
    };
    let value_minor = BTreeMap::from([(value.currency.clone(), value.amount_minor)]);
    let mut counts = PathCounts { conversions: i64::from(touchpoint.is_sale()), ..PathCounts::default() };
    counts.add(&PathCounts { value_minor, ..PathCounts::default() });
    Some((PathKey { month_start_at: month_start(touchpoint.occurred_at), waypoints, is_account: false }, counts))
}
