//! A store on disk with a small cache, against a map, through commits, aborts and reopenings.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::bed::copy;
use crate::disk::LoneDisk;
use crate::store::{KeyedStore, OrderedStore, StateStore};

/// Bytes that a store may keep: a few entries.
const CACHE_BYTES: usize = 60;
/// An entry has at least so many.
const LEAST_ENTRY: usize = 4;

type Model = BTreeMap<(u8, u8), u16>;

#[derive(Debug, Clone)]
enum Event {
    Set(u8, u8, u16),
    Touch(u8, u8),
    Remove(u8, u8),
    Get(u8, u8),
    All,
    Commit,
    Abort,
    /// Everything is closed and opened again.
    Reopen,
    /// The process is killed: what its directory holds at this moment is opened again.
    Kill,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..24_u8, 0..4_u8, any::<u16>()).prop_map(|(key, sort, value)| Event::Set(key, sort, value)),
        4 => (0..24_u8, 0..4_u8).prop_map(|(key, sort)| Event::Touch(key, sort)),
        6 => (0..24_u8, 0..4_u8).prop_map(|(key, sort)| Event::Remove(key, sort)),
        8 => (0..24_u8, 0..4_u8).prop_map(|(key, sort)| Event::Get(key, sort)),
        2 => Just(Event::All),
        5 => Just(Event::Commit),
        3 => Just(Event::Abort),
        1 => Just(Event::Reopen),
        1 => Just(Event::Kill),
    ]
}

/// A store whose entries go by key and place in the key's list.
trait Subject: StateStore {
    fn made() -> Self;
    fn set(&mut self, key: u8, sort: u8, value: u16);
    fn touch(&mut self, key: u8, sort: u8);
    fn unset(&mut self, key: u8, sort: u8) -> Option<u16>;
    fn look(&self, key: u8, sort: u8) -> Option<u16>;
    fn all(&self) -> Model;
    fn in_memory(&self) -> usize;
}

impl Subject for KeyedStore<(u8, u8), u16> {
    fn made() -> Self {
        Self::new("subject", 7)
    }
    fn set(&mut self, key: u8, sort: u8, value: u16) {
        self.insert((key, sort), value);
    }
    fn touch(&mut self, key: u8, sort: u8) {
        if sort == 0 {
            *self.get_or_insert_with(&(key, sort), || 7) ^= 1;
        } else if let Some(value) = self.get_mut(&(key, sort)) {
            *value ^= 1;
        }
    }
    fn unset(&mut self, key: u8, sort: u8) -> Option<u16> {
        self.remove(&(key, sort))
    }
    fn look(&self, key: u8, sort: u8) -> Option<u16> {
        // Twice: what was read once is given again.
        assert_eq!(self.get(&(key, sort)), self.get(&(key, sort)));
        self.get(&(key, sort)).copied()
    }
    fn all(&self) -> Model {
        let mut all = Model::new();
        self.for_each(|key, value| assert!(all.insert(*key, *value).is_none(), "twice"));
        all
    }
    fn in_memory(&self) -> usize {
        Self::in_memory(self)
    }
}

impl Subject for OrderedStore<u8, u8, u16> {
    fn made() -> Self {
        Self::new("subject", 7)
    }
    fn set(&mut self, key: u8, sort: u8, value: u16) {
        self.insert(&key, sort, value);
    }
    fn touch(&mut self, key: u8, sort: u8) {
        match self.get(&key, &sort).copied() {
            Some(value) => self.insert(&key, sort, value ^ 1),
            None if sort == 0 => self.insert(&key, sort, 6),
            None => {}
        }
    }
    fn unset(&mut self, key: u8, sort: u8) -> Option<u16> {
        self.remove(&key, &sort)
    }
    fn look(&self, key: u8, sort: u8) -> Option<u16> {
        let list: Vec<(u8, u16)> = self.list(&key).map(|(sort, value)| (*sort, *value)).collect();
        assert!(list.is_sorted() && list.len() == self.list_len(&key));
        let found = self.get(&key, &sort).copied();
        assert_eq!(list.iter().find(|(own, _)| *own == sort).map(|(_, value)| *value), found);
        found
    }
    fn all(&self) -> Model {
        let mut all = Model::new();
        self.for_each(|key, sort, value| assert!(all.insert((*key, *sort), *value).is_none(), "twice"));
        all
    }
    fn in_memory(&self) -> usize {
        Self::in_memory(self)
    }
}

/// A store on the disk at `path`, with what is there.
fn open<S: Subject>(path: &Path) -> (S, LoneDisk) {
    let disk = LoneDisk::open(path.to_owned(), CACHE_BYTES).unwrap();
    let mut store = S::made();
    assert!(store.attach(disk.shelf()));
    (store, disk)
}

fn a_store_is_a_map<S: Subject>(events: &[Event]) {
    let dir = TempDir::new().unwrap();
    let mut path = dir.path().join("0");
    let (mut store, mut disk) = open::<S>(&path);
    let (mut committed, mut current) = (Model::new(), Model::new());
    let mut commits = 0;
    for (index, event) in events.iter().enumerate() {
        match *event {
            Event::Set(key, sort, value) => {
                store.set(key, sort, value);
                current.insert((key, sort), value);
            }
            Event::Touch(key, sort) => {
                store.touch(key, sort);
                match current.get_mut(&(key, sort)) {
                    Some(value) => *value ^= 1,
                    None if sort == 0 => drop(current.insert((key, sort), 6)),
                    None => {}
                }
            }
            Event::Remove(key, sort) => assert_eq!(store.unset(key, sort), current.remove(&(key, sort))),
            Event::Get(key, sort) => assert_eq!(store.look(key, sort), current.get(&(key, sort)).copied()),
            Event::All => assert_eq!(store.all(), current),
            Event::Commit => {
                store.commit();
                commits += 1;
                disk.flush();
                committed = current.clone();
                assert!(store.in_memory() <= CACHE_BYTES / LEAST_ENTRY, "{} in memory", store.in_memory());
            }
            Event::Abort => {
                store.abort();
                current = committed.clone();
                assert!(store.in_memory() <= CACHE_BYTES / LEAST_ENTRY, "{} in memory", store.in_memory());
            }
            Event::Reopen | Event::Kill => {
                if matches!(event, Event::Kill) {
                    let now = dir.path().join((index + 1).to_string());
                    copy(&path, &now);
                    path = now;
                }
                drop((store, disk));
                (store, disk) = open::<S>(&path);
                current = committed.clone();
                assert_eq!(disk.flushes(), commits);
            }
        }
        assert_eq!(store.len(), current.len());
    }
    assert_eq!(store.all(), current);
    assert_eq!(disk.fault(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_store_on_disk_is_a_map_whatever_happens(events in prop::collection::vec(event(), 0..120)) {
        a_store_is_a_map::<KeyedStore<(u8, u8), u16>>(&events);
        a_store_is_a_map::<OrderedStore<u8, u8, u16>>(&events);
    }
}
