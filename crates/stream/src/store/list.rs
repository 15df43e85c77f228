//! A sorted list in one piece of memory.
//!
//! Most lists are short and grow at their end, where nothing has to move. A tree would keep a node of eleven places for two
//! entries, and leave half of each full node empty when entries come in order.

use std::iter::Map;
use std::ops::Bound;
use std::slice::Iter;

/// Entries at least, once there is one.
const LEAST: usize = 2;

/// Values by sort key, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<S, V>(Vec<(S, V)>);

impl<S, V> Default for List<S, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<S, V> List<S, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> Entries<'_, S, V> {
        self.0.iter().map(as_pair)
    }
}

impl<S: Ord, V> List<S, V> {
    /// Where the entry is, or where it would have to be.
    fn place(&self, sort: &S) -> Result<usize, usize> {
        match self.0.last() {
            Some((last, _)) if last < sort => Err(self.0.len()),
            _ => self.0.binary_search_by(|(known, _)| known.cmp(sort)),
        }
    }

    pub(crate) fn get(&self, sort: &S) -> Option<&V> {
        let place = self.place(sort).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(crate) fn contains_key(&self, sort: &S) -> bool {
        self.place(sort).is_ok()
    }

    pub(crate) fn insert(&mut self, sort: S, value: V) -> Option<V> {
        match self.place(&sort) {
            Ok(place) => self.0.get_mut(place).map(|(_, old)| std::mem::replace(old, value)),
            Err(place) => {
                if self.0.len() == self.0.capacity() {
                    // By a quarter, not twice as much: there are as many lists as persons.
                    self.0.reserve_exact((self.0.len() / 4).max(LEAST));
                }
                self.0.insert(place, (sort, value));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, sort: &S) -> Option<V> {
        let place = self.place(sort).ok()?;
        Some(self.0.remove(place).1)
    }

    /// The entries from there on.
    pub(crate) fn from(&self, from: Bound<&S>) -> Entries<'_, S, V> {
        let begin = match from {
            Bound::Unbounded => 0,
            Bound::Included(sort) => self.0.partition_point(|(known, _)| known < sort),
            Bound::Excluded(sort) => self.0.partition_point(|(known, _)| known <= sort),
        };
        self.0.get(begin..).unwrap_or_default().iter().map(as_pair)
    }
}

/// Walks over a list.
pub(crate) type Entries<'a, S, V> = Map<Iter<'a, (S, V)>, fn(&'a (S, V)) -> (&'a S, &'a V)>;

fn as_pair<S, V>((sort, value): &(S, V)) -> (&S, &V) {
    (sort, value)
}

impl<'a, S, V> IntoIterator for &'a List<S, V> {
    type Item = (&'a S, &'a V);
    type IntoIter = Entries<'a, S, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_map(steps in prop::collection::vec((0_u8..20, prop::option::of(0_u16..9)), 0..80), from in 0_u8..20) {
            let (mut list, mut map) = (List::default(), BTreeMap::new());
            for (sort, value) in steps {
                match value {
                    Some(value) => prop_assert_eq!(list.insert(sort, value), map.insert(sort, value)),
                    None => prop_assert_eq!(list.remove(&sort), map.remove(&sort)),
                }
                prop_assert_eq!((list.len(), list.is_empty()), (map.len(), map.is_empty()));
                prop_assert_eq!((list.get(&sort), list.contains_key(&sort)), (map.get(&sort), map.contains_key(&sort)));
            }
            prop_assert!(list.iter().eq(map.iter()));
            prop_assert!(list.iter().rev().eq(map.iter().rev()));
            prop_assert!(list.from(Bound::Excluded(&from)).eq(map.range((Bound::Excluded(from), Bound::Unbounded))));
            prop_assert!(list.from(Bound::Included(&from)).eq(map.range(from..)));
            prop_assert!(list.from(Bound::Unbounded).eq(map.iter()));
        }
    }
}
