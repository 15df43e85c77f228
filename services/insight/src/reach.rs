//! How many different persons: exact under corrections and merges.
//!
//! For each person and window the state keeps how many of the person's touches, exposures and sales every card counts at
//! present. A card has one person more when such a count leaves zero and one less when it comes back to it. A merge
//! needs nothing else: the journey retracts the loser's statements and asserts them for the winner.
//!
//! Bounds: the window `total` stays as long as the person does. The windows of a day or week are closed and dropped once
//! event time is [`Reach::new`]'s horizon past them; what arrives for a closed one still counts in all other measures, and
//! leaves its number of persons as it was. Of minutes and hours no persons are counted. A partition is one task, so persons add up over partitions.

use serde::{Deserialize, Serialize};
use tributary_model::PersonId;
use tributary_model::time::DAY_MS;
use tributary_stream::{KeyedStore, OrderedStore, StateStore};
use uuid::Uuid;

use crate::views::{Span, Window};

/// Name of the store of what each person did.
pub const SEEN_STORE: &str = "seen";
/// Name of the store of the oldest open day.
pub const HORIZON_STORE: &str = "horizon";
const VERSION: u8 = 2;

/// The sort key of the window `total`; before it come the days, counted from 1970-01-01, and then the weeks.
const TOTAL: i32 = i32::MAX;
/// The sort key of the flights of campaigns.
const FLIGHTS: i32 = i32::MAX - 1;
/// The sort key of the week of 1970-01-01, far behind all days.
const WEEKS: i32 = 1 << 30;

/// How often one person did something that a card counts. Below zero only while statements are out of order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Touches.
    pub touches: i32,
    /// Messages received.
    pub exposures: i32,
    /// Sales.
    pub sales: i32,
    /// Messages received when more than one story had been heard.
    pub several: i32,
}

impl Counts {
    /// The same with the opposite sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { touches: -self.touches, exposures: -self.exposures, sales: -self.sales, several: -self.several }
    }
}

/// By how many persons a card changes: each -1, 0 or 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Distinct {
    /// Persons with a touch.
    pub persons: i64,
    /// Persons with an exposure.
    pub reach: i64,
    /// Persons with a sale.
    pub buyers: i64,
    /// Persons who were told more than one story.
    pub several_stories: i64,
}

/// One person's counts in one window, by the fingerprint of the card; in its order, none all zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence(Vec<(u64, Counts)>);

impl Presence {
    /// Adds `by` to the person's counts on a card.
    pub fn shift(&mut self, card: u64, by: Counts) -> Distinct {
        let found = self.0.binary_search_by_key(&card, |(fingerprint, _)| *fingerprint);
        let before = found.map_or(Counts::default(), |index| self.0[index].1);
        let after = Counts {
            touches: before.touches.saturating_add(by.touches),
            exposures: before.exposures.saturating_add(by.exposures),
            sales: before.sales.saturating_add(by.sales),
            several: before.several.saturating_add(by.several),
        };
        match found {
            Ok(index) if after == Counts::default() => drop(self.0.remove(index)),
            Ok(index) => self.0[index].1 = after,
            Err(_) if after == Counts::default() => {}
            Err(index) => self.0.insert(index, (card, after)),
        }
        let crossing = |before: i32, after: i32| i64::from(after > 0) - i64::from(before > 0);
        Distinct {
            persons: crossing(before.touches, after.touches),
            reach: crossing(before.exposures, after.exposures),
            buyers: crossing(before.sales, after.sales),
            several_stories: crossing(before.several, after.several),
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The state of all persons of one task.
#[derive(Debug)]
pub struct Reach {
    horizon_days: i32,
    seen: OrderedStore<Uuid, i32, Presence>,
    /// Under the one key 0: the oldest day that is still open.
    horizon: KeyedStore<u8, i32>,
}

impl Reach {
    /// No persons; days stay open until event time is `horizon_days` past them.
    #[must_use]
    pub fn new(horizon_days: u16) -> Self {
        Self {
            horizon_days: i32::from(horizon_days),
            seen: OrderedStore::new(SEEN_STORE, VERSION),
            horizon: KeyedStore::new(HORIZON_STORE, VERSION),
        }
    }

    /// Event time has reached `occurred_at`: closes the days that are now too old. True when there were some.
    pub fn observe(&mut self, occurred_at: i64) -> bool {
        let oldest_open = day_of(occurred_at).saturating_sub(self.horizon_days);
        if self.oldest_open().is_some_and(|before| before >= oldest_open) {
            return false;
        }
        self.horizon.insert(0, oldest_open);
        let mut closed = Vec::new();
        self.seen.for_each(|person, day, _| {
            if is_closed(*day, oldest_open) {
                closed.push((*person, *day));
            }
        });
        for (person, day) in closed {
            self.seen.remove(&person, &day);
        }
        true
    }

    /// First instant of the oldest day that is still open; `None` before the first event.
    #[must_use]
    pub fn oldest_open_at(&self) -> Option<i64> {
        self.oldest_open().map(|day| i64::from(day).saturating_mul(DAY_MS))
    }

    /// What the person did in the window, to be changed and given back to [`Reach::put`]; `None` when the day is closed.
    #[must_use]
    pub fn take(&self, person: PersonId, window: Window) -> Option<Presence> {
        let sort = sort_key(window)?;
        if self.oldest_open().is_some_and(|oldest_open| is_closed(sort, oldest_open)) {
            return None;
        }
        Some(self.seen.get(&person.0, &sort).cloned().unwrap_or_default())
    }

    /// Forgets what the person did. The scorecards stay as they are: nobody can be found in them.
    pub fn forget(&mut self, person: PersonId) {
        let windows: Vec<i32> = self.seen.list(&person.0).map(|(window, _)| *window).collect();
        for window in windows {
            self.seen.remove(&person.0, &window);
        }
    }

    /// Keeps what [`Reach::take`] gave.
    pub fn put(&mut self, person: PersonId, window: Window, presence: Presence) {
        let Some(sort) = sort_key(window) else { return };
        if presence.is_empty() {
            self.seen.remove(&person.0, &sort);
        } else {
            self.seen.insert(&person.0, sort, presence);
        }
    }

    /// The stores, always in the same order.
    pub fn stores(&mut self) -> [&mut dyn StateStore; 2] {
        [&mut self.seen, &mut self.horizon]
    }

    /// Windows of persons that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// True when nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn oldest_open(&self) -> Option<i32> {
        self.horizon.get(&0).copied()
    }
}

/// Where a window is kept; `None` for those of which no persons are counted.
fn sort_key(window: Window) -> Option<i32> {
    match window.span {
        Span::Minute | Span::Hour => None,
        Span::Day => Some(day_of(window.start_at)),
        Span::Week => Some(WEEKS + day_of(window.start_at).clamp(-WEEKS, WEEKS - 1).div_euclid(7)),
        Span::Campaign => Some(FLIGHTS),
        Span::Total => Some(TOTAL),
    }
}

/// Whether a window lies wholly before the oldest open day.
fn is_closed(sort: i32, oldest_open: i32) -> bool {
    match sort {
        TOTAL | FLIGHTS => false,
        // Weeks begin on Mondays, so that their first day is a multiple of seven and four more.
        week if week >= WEEKS / 2 => (week - WEEKS).saturating_mul(7).saturating_add(4 + 6) < oldest_open,
        day => day < oldest_open,
    }
}

/// Days since 1970-01-01 in UTC. Instants so far out that the day leaves its range count as the last or first day.
fn day_of(at: i64) -> i32 {
    let day = at.div_euclid(DAY_MS).clamp(i64::from(i32::MIN), i64::from(WEEKS / 2 - 1));
    day as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOUCH: Counts = Counts { touches: 1, exposures: 0, sales: 0, several: 0 };
    const PERSON: PersonId = PersonId(Uuid::from_u128(1));

    /// What the person's statement at `at` changes in the window, on one card.
    fn shift(reach: &mut Reach, window: Window, by: Counts) -> Option<Distinct> {
        let mut presence = reach.take(PERSON, window)?;
        let distinct = presence.shift(7, by);
        reach.put(PERSON, window, presence);
        Some(distinct)
    }

    #[test]
    fn a_person_counts_once_until_the_last_touch_is_taken_back() {
        let mut presence = Presence::default();
        let persons = [TOUCH, TOUCH, TOUCH.negated(), TOUCH.negated()].map(|by| presence.shift(7, by).persons);
        assert_eq!(persons, [1, 0, 0, -1]);
        assert!(presence.is_empty());
    }

    #[test]
    fn statements_out_of_order_come_to_the_same() {
        let mut presence = Presence::default();
        let sale = Counts { touches: 1, exposures: 0, sales: 1, several: 0 };
        let shifts = [sale.negated(), sale, sale].map(|by| presence.shift(7, by));
        assert_eq!(shifts.map(|distinct| distinct.persons), [0, 0, 1]);
        assert_eq!(shifts.map(|distinct| distinct.buyers), [0, 0, 1]);
        assert_eq!(shifts.map(|distinct| distinct.reach), [0, 0, 0]);
    }

    #[test]
    fn days_behind_the_horizon_are_dropped_and_stay_as_they_were() {
        let mut reach = Reach::new(2);
        for day in 0..3 {
            reach.observe(day * DAY_MS);
            assert_eq!(shift(&mut reach, Span::Day.around(day * DAY_MS), TOUCH).unwrap().persons, 1);
            assert_eq!(shift(&mut reach, Span::Total.around(0), TOUCH).unwrap().persons, i64::from(day == 0));
        }
        assert_eq!(reach.len(), 4);
        reach.observe(3 * DAY_MS);
        assert_eq!(reach.len(), 3, "day 0 is closed");
        assert_eq!(shift(&mut reach, Span::Day.around(0), TOUCH), None);
        assert_eq!(shift(&mut reach, Span::Day.around(DAY_MS), TOUCH).unwrap().persons, 0);
        assert_eq!(shift(&mut reach, Span::Total.around(0), TOUCH).unwrap().persons, 0);
        reach.observe(0);
        assert_eq!(shift(&mut reach, Span::Day.around(0), TOUCH), None, "a late event opens nothing again");
    }

    #[test]
    fn closing_a_day_is_taken_back_with_its_transaction() {
        let mut reach = Reach::new(1);
        reach.observe(0);
        shift(&mut reach, Span::Day.around(0), TOUCH);
        reach.stores().into_iter().for_each(StateStore::commit);
        reach.observe(9 * DAY_MS);
        assert!(reach.is_empty());
        reach.stores().into_iter().for_each(StateStore::abort);
        assert_eq!(reach.len(), 1);
        assert_eq!(shift(&mut reach, Span::Day.around(0), TOUCH).unwrap().persons, 0, "known, and open again");
    }

    #[test]
    fn the_changelog_restores_the_state() {
        let mut reach = Reach::new(1);
        reach.observe(DAY_MS);
        shift(&mut reach, Span::Day.around(DAY_MS), TOUCH);
        shift(&mut reach, Span::Total.around(0), TOUCH);
        let mut restored = Reach::new(1);
        for (from, to) in reach.stores().into_iter().zip(restored.stores()) {
            for (key, value) in from.changes() {
                to.restore(&key, value.as_deref()).unwrap();
            }
        }
        assert_eq!(restored.len(), 2);
        assert_eq!(shift(&mut restored, Span::Day.around(DAY_MS), TOUCH).unwrap().persons, 0);
        assert_eq!(shift(&mut restored, Span::Day.around(-DAY_MS), TOUCH), None);
    }

    #[test]
    fn a_week_is_open_until_its_last_day_is_closed_and_minutes_have_no_persons() {
        let mut reach = Reach::new(3);
        // 1970-01-05 was a Monday.
        let (monday, sunday) = (4 * DAY_MS, 10 * DAY_MS);
        let week = Span::Week.around(sunday);
        assert_eq!(week, Span::Week.around(monday));
        reach.observe(sunday);
        assert_eq!(shift(&mut reach, week, TOUCH).unwrap().persons, 1);
        reach.observe(sunday + 3 * DAY_MS);
        assert_eq!(shift(&mut reach, week, TOUCH).unwrap().persons, 0, "known, and open");
        reach.observe(sunday + 4 * DAY_MS);
        assert_eq!(shift(&mut reach, week, TOUCH), None);
        assert!(reach.is_empty());
        assert_eq!(shift(&mut reach, Span::Minute.around(sunday), TOUCH), None);
        assert_eq!(shift(&mut reach, Span::Hour.around(sunday), TOUCH), None);
    }
}
