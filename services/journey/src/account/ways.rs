//! Which ways accounts went, to a sale or to none: what all members of an account hear is on one path.
//!
//! What is kept of an account is what it passed, each with how often it was said more than taken back: exposures, which its
//! persons tell it of, and sales that name it. The path *to* a conversion is the exposures of the look-back window before it;
//! the other exposures make paths to none, by the rules of those of persons. The paths are those of what is kept, so any
//! order of statements ends in the same counts. Only the difference that a transaction makes is written.
//!
//! **Bounds.** When more is kept than there is room for, the oldest goes, and what was counted of it stays. Paths to
//! conversions for which something that went would be needed are then *closed*: exposures of that time change nothing any
//! more, and a conversion that is stated or taken back there is counted on the path of its own team and channel. So value
//! is exact however much there is.

use std::collections::BTreeMap;

use tributary_model::AccountId;
use tributary_model::path::{NullPath, PathCounts, PathDelta, PathKey, Reach, Waypoint, null_paths};
use tributary_model::time::month_start;
use tributary_stream::OrderedStore;

use super::book::put;
use crate::heard::{Passed, PassedEvent};

/// Name of the store of what accounts passed.
pub(crate) const PASSED: &str = "passed";
const VERSION: u8 = 1;

/// How far what an account passed is looked at, and how much of it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WayLimits {
    /// How far a path reaches.
    pub(crate) reach: Reach,
    /// About how many exposures and sales are kept for each account, the newest.
    pub(crate) max_passed: usize,
    /// How long before the newest they are kept.
    pub(crate) horizon_ms: i64,
}

/// What the accounts of one partition passed, and what the open transaction changes about their paths.
#[derive(Debug)]
pub(crate) struct Ways {
    limits: WayLimits,
    pub(crate) passed: OrderedStore<AccountId, Passed, i64>,
    /// Those that the open transaction has touched, as they were before it.
    before: BTreeMap<AccountId, Before>,
    pending: BTreeMap<PathKey, PathCounts>,
}

/// An account before the open transaction.
#[derive(Debug)]
struct Before {
    /// It stood for itself; the paths of one that is merged into another are that one's.
    is_standing: bool,
    /// How often was said what has changed since.
    counts: BTreeMap<Passed, i64>,
}

/// Something that was passed, and how often it is stated.
type Entry<'a> = (&'a Passed, i64);

impl Ways {
    /// Nobody passed anything.
    pub(crate) fn new(limits: WayLimits) -> Self {
        let (before, pending) = (BTreeMap::new(), BTreeMap::new());
        Self { limits, passed: OrderedStore::new(PASSED, VERSION), before, pending }
    }

    /// Notes how an account is before the first change of the open transaction.
    pub(crate) fn note(&mut self, account_id: AccountId, is_standing: bool) {
        self.before.entry(account_id).or_insert_with(|| Before { is_standing, counts: BTreeMap::new() });
    }

    /// Enters what was passed, or takes it back. Of the time before `closed_before` only value is counted, at an account
    /// that is standing.
    pub(crate) fn enter(
        &mut self,
        account_id: AccountId,
        (passed, count): &(Passed, i64),
        closed_before: Option<i64>,
        is_standing: bool,
    ) {
        if closed_before.is_some_and(|closed| passed.occurred_at < closed) {
            if let Some((key, counts)) = conversion((passed, *count), &[]).filter(|_| is_standing) {
                self.count(key, &counts);
            }
            return;
        }
        let before = self.passed.get(&account_id, passed).copied().unwrap_or(0);
        if let Some(of) = self.before.get_mut(&account_id) {
            of.counts.entry(passed.clone()).or_insert(before);
        }
        put(&mut self.passed, account_id, passed.clone(), before + count);
    }

    /// Counts the difference that the open transaction has made so far; gives the accounts that it has touched.
    pub(crate) fn settle(&mut self, is_standing: impl Fn(AccountId) -> bool) -> Vec<AccountId> {
        let before = std::mem::take(&mut self.before);
        for (account_id, before) in &before {
            for (key, counts) in self.difference(*account_id, before, is_standing(*account_id)) {
                self.count(key, &counts);
            }
        }
        before.into_keys().collect()
    }

    /// Hands over what has changed, in order of key.
    pub(crate) fn drain(&mut self) -> Vec<PathDelta> {
        let pending = std::mem::take(&mut self.pending).into_iter();
        pending.filter(|(_, delta)| !delta.is_zero()).map(|(key, delta)| PathDelta { key, delta }).collect()
    }

    /// Forgets what has changed: the transaction was aborted.
    pub(crate) fn abort(&mut self) {
        self.before.clear();
        self.pending.clear();
    }

    fn count(&mut self, key: PathKey, counts: &PathCounts) {
        self.pending.entry(key).or_default().add(counts);
    }

    fn difference(&self, account_id: AccountId, before: &Before, is_standing: bool) -> Vec<(PathKey, PathCounts)> {
        let reach = self.limits.reach;
        let span = match (before.counts.keys().next(), before.counts.keys().next_back()) {
            _ if before.is_standing != is_standing => i64::MIN..=i64::MAX,
            // Beyond the look-back window of what has changed no path to a sale is another one.
            (Some(first), Some(last)) => first.occurred_at..=last.occurred_at.saturating_add(reach.lookback_ms),
            _ => return Vec::new(),
        };
        let now: Vec<Entry<'_>> = self.passed.list(&account_id).map(|(passed, count)| (passed, *count)).collect();
        let then = overlaid(&now, &before.counts);
        let then: &[Entry<'_>] = if before.is_standing { &then } else { &[] };
        let now: &[Entry<'_>] = if is_standing { &now } else { &[] };
        let mut counted = Vec::new();
        for (entries, sign) in [(then, -1), (now, 1)] {
            counted.extend(conversions(entries, &span, reach).map(|(key, counts)| (key, signed(counts, sign))));
        }
        let (then, now) = (nulls(then, reach), nulls(now, reach));
        let same = then.iter().zip(&now).take_while(|(then, now)| then == now).count();
        let (then, now) = (&then[same..], &now[same..]);
        let same = then.iter().rev().zip(now.iter().rev()).take_while(|(then, now)| then == now).count();
        for (paths, nulls) in [(&then[..then.len() - same], -1), (&now[..now.len() - same], 1)] {
            counted.extend(paths.iter().map(|path| (null_key(path), PathCounts { nulls, ..PathCounts::default() })));
        }
        counted
    }

    /// Lets go of the oldest when there is more than there is room for, after [`Ways::settle`]; gives the time before which
    /// the paths are closed now.
    pub(crate) fn trim(&mut self, account_id: AccountId) -> Option<i64> {
        let oldest_at = self.passed.list(&account_id).next()?.0.occurred_at;
        let newest_at = self.passed.list(&account_id).next_back()?.0.occurred_at;
        let WayLimits { reach, max_passed, horizon_ms } = self.limits;
        let horizon_at = newest_at.saturating_sub(horizon_ms);
        let len = self.passed.list_len(&account_id);
        if len <= max_passed && oldest_at >= horizon_at {
            return None;
        }
        let entries: Vec<Entry<'_>> = self.passed.list(&account_id).map(|(passed, count)| (passed, *count)).collect();
        // Some at a time, so that a busy account is not trimmed at each touch.
        let surplus = if len > max_passed { len - max_passed + max_passed / 8 } else { 0 };
        let too_old = entries.partition_point(|(passed, _)| passed.occurred_at < horizon_at);
        let gone = whole_paths(&entries, surplus.max(too_old), max_passed.saturating_add(reach.max_steps), reach);
        let kept_at = entries.get(gone).map_or(newest_at, |(passed, _)| passed.occurred_at);
        // From there on all that a path to a sale needs is kept: so many exposures before it, or all of its window.
        let is_full_from = heard(&entries[gone..]).nth(reach.max_steps).map_or(i64::MAX, |passed| passed.occurred_at);
        let closed_before = is_full_from.min(kept_at.saturating_add(reach.lookback_ms)).saturating_add(1);
        let gone: Vec<Passed> = entries[..gone].iter().map(|(passed, _)| (*passed).clone()).collect();
        for passed in &gone {
            self.passed.remove(&account_id, passed);
        }
        (!gone.is_empty()).then_some(closed_before)
    }
}

/// How many of the oldest go, about `gone`, so that no path to no sale is cut in two: the rest of it would be another one.
/// At most `max_kept` stay.
fn whole_paths(entries: &[Entry<'_>], gone: usize, max_kept: usize, reach: Reach) -> usize {
    let Some((next, _)) = entries.get(gone) else { return gone };
    let paths = nulls(entries, reach);
    let ends = paths.iter().filter_map(|path| Some((*path.exposures.first()?, *path.exposures.last()?)));
    let Some((first, last)) = ends.into_iter().find(|(first, last)| first < next && next <= last) else { return gone };
    let with_it = entries.partition_point(|(passed, _)| *passed < first);
    if entries.len() - with_it <= max_kept { with_it } else { entries.partition_point(|(passed, _)| *passed <= last) }
}

/// What was kept before, by what has changed since.
fn overlaid<'a>(now: &[Entry<'a>], changed: &'a BTreeMap<Passed, i64>) -> Vec<Entry<'a>> {
    let same = now.iter().copied().filter(|(passed, _)| !changed.contains_key(passed));
    let others = changed.iter().map(|(passed, count)| (passed, *count)).filter(|(_, count)| *count != 0);
    let mut then: Vec<Entry<'a>> = same.chain(others).collect();
    then.sort_unstable();
    then
}

/// The exposures that are stated, each once, oldest first.
pub(super) fn heard<'a, 'b>(entries: &'b [Entry<'a>]) -> impl DoubleEndedIterator<Item = &'a Passed> + use<'a, 'b> {
    let is_stated = |(passed, count): &Entry<'_>| passed.is_heard() && *count > 0;
    let is_first = move |place: usize| {
        let (passed, _) = entries[place];
        let earlier = entries[..place].iter().rev().take_while(|(earlier, _)| earlier.place() == passed.place());
        !earlier.into_iter().any(is_stated)
    };
    let stated = entries.iter().enumerate().filter(move |(_, entry)| is_stated(entry));
    stated.filter(move |(place, _)| is_first(*place)).map(|(_, (passed, _))| *passed)
}

/// The conversions within a span, with their paths.
fn conversions<'a>(
    entries: &'a [Entry<'a>],
    span: &'a std::ops::RangeInclusive<i64>,
    reach: Reach,
) -> impl Iterator<Item = (PathKey, PathCounts)> + 'a {
    let within = entries.iter().enumerate().filter(|(_, (passed, _))| span.contains(&passed.occurred_at));
    within.filter_map(move |(place, entry)| {
        let PassedEvent::Sold { value: Some(_), .. } = &entry.0.event else { return None };
        let begins_at = entry.0.occurred_at.saturating_sub(reach.lookback_ms);
        let is_other = |passed: &&Passed| passed.place() != entry.0.place();
        let newest_first = heard(&entries[..place]).rev().filter(is_other);
        let in_time = newest_first.take_while(|passed| passed.occurred_at >= begins_at);
        let mut way: Vec<&Waypoint> = in_time.filter_map(waypoint).take(reach.max_steps).collect();
        way.reverse();
        conversion(*entry, &way)
    })
}

/// A conversion as it is counted on its path: on that of its own team and channel when nothing was heard before it.
fn conversion((passed, count): Entry<'_>, way: &[&Waypoint]) -> Option<(PathKey, PathCounts)> {
    let PassedEvent::Sold { waypoint, is_sale, value: Some((value_minor, currency)), .. } = &passed.event else {
        return None;
    };
    let way = if way.is_empty() { std::slice::from_ref(&waypoint) } else { way };
    let waypoints = way.iter().map(|waypoint| (*waypoint).clone()).collect();
    let value_minor = [(currency.clone(), value_minor.wrapping_mul(count))];
    let mut counts = PathCounts { conversions: i64::from(*is_sale) * count, ..PathCounts::default() };
    counts.add(&PathCounts { value_minor: value_minor.into(), ..PathCounts::default() });
    Some((PathKey { month_start_at: month_start(passed.occurred_at), waypoints, is_account: true }, counts))
}

/// The paths to no sale.
fn nulls<'a>(entries: &[Entry<'a>], reach: Reach) -> Vec<NullPath<&'a Passed>> {
    let is_end =
        |(passed, count): &&Entry<'a>| *count > 0 && matches!(passed.event, PassedEvent::Sold { ends_paths: true, .. });
    let mut passed: Vec<&'a Passed> = heard(entries).collect();
    passed.extend(entries.iter().filter(is_end).map(|(passed, _)| *passed));
    passed.sort_unstable();
    null_paths(passed.into_iter().map(|passed| (passed.occurred_at, passed.is_heard().then_some(passed))), reach)
}

fn null_key(path: &NullPath<&Passed>) -> PathKey {
    let waypoints = path.exposures.iter().filter_map(|passed| waypoint(passed)).cloned().collect();
    PathKey { month_start_at: month_start(path.begins_at), waypoints, is_account: true }
}

fn waypoint(passed: &Passed) -> Option<&Waypoint> {
    match &passed.event {
        PassedEvent::Heard { waypoint, .. } => Some(waypoint),
        PassedEvent::Sold { .. } => None,
    }
}

fn signed(counts: PathCounts, sign: i64) -> PathCounts {
    if sign < 0 { counts.negated() } else { counts }
}

#[cfg(test)]
mod tests;
