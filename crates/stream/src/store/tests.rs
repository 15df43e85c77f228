#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What happens to a store while it is walked over.
#[derive(Debug, Clone)]
enum Event {
    Set(u8, u8, u16),
    Touch(u8, u8),
    Remove(u8, u8),
    Commit,
    Abort,
    Slice(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..12_u8, 0..4_u8, any::<u16>()).prop_map(|(key, sort, value)| Event::Set(key, sort, value)),
        1 => (0..12_u8, 0..4_u8).prop_map(|(key, sort)| Event::Touch(key, sort)),
        4 => (0..12_u8, 0..4_u8).prop_map(|(key, sort)| Event::Remove(key, sort)),
        2 => Just(Event::Commit),
        2 => Just(Event::Abort),
        3 => (0..4_usize).prop_map(Event::Slice),
    ]
}

/// A store whose entries go by key and place in the key's list.
trait Subject: StateStore {
    fn set(&mut self, key: u8, sort: u8, value: u16);
    fn touch(&mut self, key: u8, sort: u8);
    fn unset(&mut self, key: u8, sort: u8);
    fn made() -> Self;
}

type Keyed = KeyedStore<(u8, u8), u16>;

impl Subject for Keyed {
    fn set(&mut self, key: u8, sort: u8, value: u16) {
        self.insert((key, sort), value);
    }
    fn touch(&mut self, key: u8, sort: u8) {
        if let Some(value) = self.get_mut(&(key, sort)) {
            *value = value.wrapping_add(1);
        }
    }
    fn unset(&mut self, key: u8, sort: u8) {
        self.remove(&(key, sort));
    }
    fn made() -> Self {
        KeyedStore::new("subject", 7)
    }
}

type Ordered = OrderedStore<u8, u8, u16>;

impl Subject for Ordered {
    fn set(&mut self, key: u8, sort: u8, value: u16) {
        self.insert(&key, sort, value);
    }
    fn touch(&mut self, key: u8, sort: u8) {
        if let Some(value) = self.get(&key, &sort).copied() {
            self.insert(&key, sort, value.wrapping_add(1));
        }
    }
    fn unset(&mut self, key: u8, sort: u8) {
        self.remove(&key, &sort);
    }
    fn made() -> Self {
        OrderedStore::new("subject", 7)
    }
}

/// A store with the changelog that its commits write, and a walk under way.
struct Run<S> {
    store: S,
    log: Vec<Change>,

    noted: usize,
    walked: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<S: Subject> Run<S> {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Set(key, sort, value) => self.store.set(*key, *sort, *value),
            Event::Touch(key, sort) => self.store.touch(*key, *sort),
            Event::Remove(key, sort) => self.store.unset(*key, *sort),
            Event::Commit => {
                self.log.extend(self.store.changes());
                self.store.commit();
            }
            Event::Abort => self.store.abort(),
            Event::Slice(limit) => drop(self.slice(*limit)),
        }
    }

    fn slice(&mut self, limit: usize) -> bool {
        let walked = &mut self.walked;
        let mut handed = 0;
        let over = self.store.walk(limit, &mut |key, value| {
            handed += 1;
            walked.push((key.to_vec(), value.to_vec()));
        });
        assert!(handed <= limit, "{handed} entries instead of {limit}");
        over
    }
}

fn entries(store: &mut impl StateStore) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = BTreeMap::new();
    store.begin_walk();
    assert!(store.walk(usize::MAX, &mut |key, value| drop(all.insert(key.to_vec(), value.to_vec()))));
    all
}

/// What the walk gave, with the changelog from where it began over it, is the state; whatever happened meanwhile.
fn walk_and_tail_are_the_state<S: Subject>(before: &[Event], during: &[Event]) {
    let mut run = Run { store: S::made(), log: Vec::new(), noted: 0, walked: Vec::new() };
    before.iter().for_each(|event| run.apply(event));
    run.walked.clear();
    run.noted = run.log.len();
    run.store.begin_walk();
    during.iter().for_each(|event| run.apply(event));
    // The transaction that is open at the end is aborted: what it had removed must not be lost to the walk.
    run.apply(&Event::Abort);
    while !run.slice(3) {}

    let mut restored = S::made();
    for (key, value) in &run.walked {
        restored.restore(key, Some(value)).unwrap();
    }
    for (key, value) in &run.log[run.noted..] {
        restored.restore(key, value.as_deref()).unwrap();
    }
    assert_eq!(entries(&mut restored), entries(&mut run.store));
    assert_eq!(restored.len(), run.store.len());

    let mut from_log = S::made();
    for (key, value) in &run.log {
        from_log.restore(key, value.as_deref()).unwrap();
    }
    assert_eq!(entries(&mut from_log), entries(&mut run.store));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_with_the_tail_of_the_changelog_is_the_state(
        before in prop::collection::vec(event(), 0..60),
        during in prop::collection::vec(event(), 0..80),
    ) {
        walk_and_tail_are_the_state::<Keyed>(&before, &during);
        walk_and_tail_are_the_state::<Ordered>(&before, &during);
    }
}

#[test]
fn a_long_list_is_walked_over_in_parts() {
    let mut store = Ordered::made();
    (0..200).for_each(|sort| store.insert(&1, sort, 9));
    store.commit();
    store.begin_walk();
    let mut calls = 0;
    let mut seen = Vec::new();
    loop {
        calls += 1;
        if store.walk(30, &mut |key, _| seen.push(key.to_vec())) {
            break;
        }
    }
    assert_eq!((calls, seen.len()), (7, 200));
    seen.dedup();
    assert_eq!(seen.len(), 200);
}

#[test]
fn a_walk_sees_nothing_of_an_open_transaction() {
    let mut store = Keyed::made();
    store.insert((1, 0), 10);
    store.insert((2, 0), 20);
    store.commit();
    store.insert((1, 0), 11);
    store.remove(&(2, 0));
    store.insert((3, 0), 30);
    store.begin_walk();
    let mut seen: BTreeSet<u16> = BTreeSet::new();
    let mut each = |_: &[u8], value: &[u8]| {
        seen.insert(decode_value("subject", 7, value).unwrap());
    };
    assert!(store.walk(10, &mut each));
    store.abort();
    assert!(!store.walk(0, &mut each), "what came back is still to be visited");
    assert!(store.walk(10, &mut each));
    assert_eq!(seen, BTreeSet::from([10, 20]));
}
