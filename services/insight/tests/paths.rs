//! Counted paths are those of the statements that stand, whatever was asserted, taken back and merged on the way.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[path = "common/path_oracle.rs"]
mod path_oracle;
#[path = "common/statements.rs"]
mod statements;

use std::collections::BTreeMap;

use common::{START_AT, person, step_at, touch};
use proptest::prelude::*;
use statements::{change, play, retracted};
use tributary_insight::Config;
use tributary_insight::ledger::Ledger;
use tributary_insight::path_counts::PathBook;
use tributary_model::path::{PathCounts, PathKey};
use tributary_model::time::DAY_MS;
use tributary_model::{JourneyEvent, Money};

const PARTITIONS: usize = 3;

fn ledger(day_horizon_days: u16) -> Ledger {
    Ledger::new(&Config { day_horizon_days, ..Config::default() })
}

/// Both stages over the statements, as they are after every `cut` of them.
fn fold(said: &[JourneyEvent], cut: usize) -> BTreeMap<PathKey, PathCounts> {
    let mut ledgers: Vec<Ledger> = (0..PARTITIONS).map(|_| ledger(62)).collect();
    let (mut book, mut known) = (PathBook::new(), BTreeMap::new());
    for statements in said.chunks(cut) {
        for event in statements {
            let partition = event.person_id.0.as_u128() as usize % PARTITIONS;
            ledgers[partition].journey_event(event).unwrap();
        }
        ledgers.iter_mut().flat_map(Ledger::drain_paths).for_each(|delta| book.apply(delta));
        for (key, counts) in book.drain() {
            match counts {
                Some(counts) => drop(known.insert(key, counts)),
                None => drop(known.remove(&key)),
            }
        }
    }
    known
}

proptest! {
    #[test]
    fn paths_are_those_of_the_statements_that_stand(
        (said, standing, shuffled) in prop::collection::vec(change(), 0..60).prop_map(play).prop_flat_map(|(said, standing)| {
            (Just(said.clone()), Just(standing), Just(said).prop_shuffle())
        }),
        cut in 1_usize..20,
    ) {
        let in_order = fold(&said, cut);
        prop_assert_eq!(&in_order, &path_oracle::paths(&standing));
        prop_assert_eq!(&fold(&shuffled, 7), &in_order, "neither order nor cutting changes anything");
        let all_taken_back: Vec<JourneyEvent> = said.iter().cloned().chain(standing.iter().map(retracted)).collect();
        prop_assert_eq!(fold(&all_taken_back, cut), BTreeMap::new());
    }
}

fn mailed(id: u32, day: i64) -> JourneyEvent {
    touch(id, person(0), START_AT + day * DAY_MS, "email.sent", 0)
}

fn bought(id: u32, day: i64, path: &[i64]) -> JourneyEvent {
    let mut sale = touch(id, person(0), START_AT + day * DAY_MS, "store.purchased", 3);
    sale.touchpoint.value = Some(Money::new("USD", 1_000));
    sale.path = path.iter().map(|day| step_at(0, START_AT + day * DAY_MS)).collect();
    sale
}

/// Length, sales and nulls of each path, shortest first.
fn told(counts: &BTreeMap<PathKey, PathCounts>) -> Vec<(usize, i64, i64)> {
    let mut told: Vec<_> =
        counts.iter().map(|(key, counts)| (key.waypoints.len(), counts.conversions, counts.nulls)).collect();
    told.sort_unstable();
    told
}

#[test]
fn a_path_ends_in_nothing_until_a_sale_comes() {
    let said = [mailed(1, 0), mailed(2, 3), bought(3, 5, &[0, 3])];
    assert_eq!(told(&fold(&said[..1], 1)), [(1, 0, 1)]);
    assert_eq!(told(&fold(&said[..2], 1)), [(2, 0, 1)]);
    assert_eq!(told(&fold(&said, 1)), [(2, 1, 0)]);
    // What comes after the sale is a path of its own, and so is what lies too far apart.
    let more = [&said[..], &[mailed(4, 6), mailed(5, 37), mailed(6, 38)]].concat();
    assert_eq!(told(&fold(&more, 10)), [(1, 0, 1), (2, 0, 1), (2, 1, 0)]);
}

#[test]
fn a_sale_takes_only_the_exposures_of_its_window() {
    let said = [mailed(1, 0), mailed(2, 20), bought(3, 35, &[20])];
    assert_eq!(told(&fold(&said, 1)), [(1, 0, 1), (1, 1, 0)]);
}

#[test]
fn a_return_takes_the_value_and_leaves_the_sale() {
    let mut returned = bought(4, 9, &[0]);
    returned.touchpoint.event_type = "order.refunded".to_owned();
    returned.touchpoint.value = Some(Money::new("USD", -400));
    let counts = fold(&[mailed(1, 0), bought(2, 1, &[0]), returned, mailed(3, 8)], 2);
    let whole = PathCounts { conversions: 1, value_minor: [("USD".to_owned(), 600)].into(), nulls: 1 };
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [whole]);
}

/// The counts that one ledger has written.
fn written(ledger: &mut Ledger, known: &mut PathBook) -> Vec<(usize, i64, i64)> {
    ledger.drain_paths().into_iter().for_each(|delta| known.apply(delta));
    ledger.stores().into_iter().for_each(tributary_stream::StateStore::commit);
    let mut counts = BTreeMap::new();
    known.for_each(|key, of| drop(counts.insert(key.clone(), of.clone())));
    told(&counts)
}

#[test]
fn what_is_forgotten_or_closed_stays_counted() {
    let (mut ledger, mut known) = (ledger(62), PathBook::new());
    for event in [mailed(1, 0), mailed(2, 3)] {
        ledger.journey_event(&event).unwrap();
    }
    ledger.forget_person(person(0));
    assert_eq!(written(&mut ledger, &mut known), [(2, 0, 1)]);
    assert_eq!(ledger.stores()[2].len(), 0);
    // Who comes back is somebody new.
    ledger.journey_event(&mailed(3, 4)).unwrap();
    assert_eq!(written(&mut ledger, &mut known), [(1, 0, 1), (2, 0, 1)]);
    // Years later everything is closed, and what is said of it then changes nothing.
    ledger.journey_event(&mailed(9, 900)).unwrap();
    assert_eq!(ledger.stores()[2].len(), 1);
    ledger.journey_event(&retracted(&mailed(3, 4))).unwrap();
    ledger.journey_event(&mailed(4, 5)).unwrap();
    assert_eq!(written(&mut ledger, &mut known), [(1, 0, 1), (1, 0, 1), (2, 0, 1)]);
}

#[test]
fn a_path_that_reaches_into_the_open_time_is_kept_whole() {
    let (mut ledger, mut known) = (ledger(40), PathBook::new());
    let early = [mailed(1, 0), mailed(2, 50), mailed(3, 60), mailed(4, 79), bought(5, 80, &[50, 60, 79])];
    for event in early {
        ledger.journey_event(&event).unwrap();
    }
    assert_eq!(written(&mut ledger, &mut known), [(1, 0, 1), (3, 1, 0)]);
    // Day 95 closes what is before day 55: the first path, and of the window of the sale nothing.
    ledger.journey_event(&mailed(6, 95)).unwrap();
    assert_eq!(ledger.stores()[2].len(), 5);
    ledger.journey_event(&retracted(&bought(5, 80, &[50, 60, 79]))).unwrap();
    assert_eq!(written(&mut ledger, &mut known), [(1, 0, 1), (1, 0, 1), (3, 0, 1)]);
}
