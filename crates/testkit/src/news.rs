//! Which topics have had something new lately, for consumers that wait for it.
//!
//! The shims of one broker see what is written through them: records without a transaction count as soon as the broker has
//! taken them, those of a transaction when it ends. What comes to the broker by another way is nobody's news; whoever waits
//! for it is woken by its own clock.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::fetch_answer::int16;
use crate::rest::Rest;

pub(crate) const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
pub(crate) const ADD_PARTITIONS_TO_TXN: i16 = 24;
pub(crate) const END_TXN: i16 = 26;

/// What the shims of one broker know of what was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct News {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// News so far.
    count: u64,
    /// The number of the last news of each topic.
    last: HashMap<String, u64>,
    /// Topics in the open transaction of each transactional id.
    open: HashMap<String, BTreeSet<String>>,
    waiting: Vec<(BTreeSet<String>, Arc<Bell>)>,
}

impl State {
    /// Whether one of these topics has had news since the one of this number; when it is not known which, any.
    fn has_since(&self, topics: &BTreeSet<String>, since: u64) -> bool {
        if topics.is_empty() {
            return self.count > since;
        }
        topics.iter().any(|topic| self.last.get(topic).is_some_and(|last| *last > since))
    }
}

/// Wakes whoever waits on one connection.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    has_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *self.has_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rung.notify_all();
    }

    /// What rang before this does not count.
    pub(crate) fn silence(&self) {
        *self.has_rung.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    fn wait_until(&self, until: Instant) {
        let mut has_rung = self.has_rung.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if *has_rung || left.is_zero() {
                return;
            }
            has_rung = self.rung.wait_timeout(has_rung, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl News {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were so far.
    pub(crate) fn count(&self) -> u64 {
        self.state().count
    }

    /// A request goes to the broker. Gives the topics that have something new once it is answered.
    pub(crate) fn heard(&self, frame: &[u8]) -> BTreeSet<String> {
        self.read(frame).unwrap_or_default()
    }

    fn read(&self, frame: &[u8]) -> Option<BTreeSet<String>> {
        let key = int16(frame, 0)?;
        if ![PRODUCE, ADD_PARTITIONS_TO_TXN, END_TXN].contains(&key) {
            return None;
        }
        let mut rest = Rest::behind_header(frame)?;
        let transaction = rest.string()?;
        match (key, transaction) {
            (PRODUCE, None) => {
                rest.skip(2 + 4); // Acknowledgements and time limit.
                topics(&mut rest, |rest| {
                    rest.skip(4);
                    let bytes = rest.length()?;
                    rest.skip(bytes);
                    Some(())
                })
            }
            (ADD_PARTITIONS_TO_TXN, Some(transaction)) => {
                rest.skip(8 + 2); // Producer's id and epoch.
                let added = topics(&mut rest, |rest| rest.int32().map(drop))?;
                self.state().open.entry(transaction).or_default().extend(added);
                None
            }
            (END_TXN, Some(transaction)) => self.state().open.remove(&transaction),
            _ => None,
        }
    }

    /// These topics have something new.
    pub(crate) fn tell(&self, topics: &BTreeSet<String>) {
        if topics.is_empty() {
            return;
        }
        let mut state = self.state();
        state.count += 1;
        let count = state.count;
        for topic in topics {
            state.last.insert(topic.clone(), count);
        }
        let is_concerned = |wanted: &BTreeSet<String>| wanted.is_empty() || !wanted.is_disjoint(topics);
        state.waiting.iter().filter(|(wanted, _)| is_concerned(wanted)).for_each(|(_, bell)| bell.ring());
    }

    /// Waits until one of these topics has had something new after so many news, `bell` rings, or it is time to give up.
    pub(crate) fn wait(&self, topics: &BTreeSet<String>, since: u64, bell: &Arc<Bell>, until: Instant) {
        let mut state = self.state();
        if state.has_since(topics, since) {
            return;
        }
        state.waiting.push((topics.clone(), Arc::clone(bell)));
        drop(state);
        bell.wait_until(until);
        self.state().waiting.retain(|(_, other)| !Arc::ptr_eq(bell, other));
    }
}

/// The topics of a list; `partition` reads over one of a topic's partitions.
fn topics(rest: &mut Rest<'_>, partition: impl Fn(&mut Rest<'_>) -> Option<()>) -> Option<BTreeSet<String>> {
    let mut topics = BTreeSet::new();
    for _ in 0..rest.length()? {
        topics.insert(rest.string()??);
        for _ in 0..rest.length()? {
            partition(rest)?;
        }
    }
    Some(topics)
}

/// The topics that a request to fetch (versions 4 to 11) names; none when they are not known, as in a session that goes on.
pub(crate) fn fetched(frame: &[u8]) -> BTreeSet<String> {
    let read = || {
        let version = int16(frame, 2)?;
        if int16(frame, 0)? != FETCH || !(4..=11).contains(&version) {
            return None;
        }
        let mut rest = Rest::behind_header(frame)?;
        rest.skip(4 + 4 + 4 + 4 + 1); // Replica, longest wait, least and most bytes, isolation.
        if version >= 7 {
            rest.skip(4);
            if rest.int32()? > 0 {
                return None;
            }
        }
        let bytes = 4 + 8 + 4 + if version >= 9 { 4 } else { 0 } + if version >= 5 { 8 } else { 0 };
        topics(&mut rest, |rest| {
            rest.skip(bytes);
            Some(())
        })
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests;
