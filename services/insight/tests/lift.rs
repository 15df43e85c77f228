//! Experiments come to what the persons did who take part, whatever was asserted, taken back, merged and told on the way.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[path = "common/lift_oracle.rs"]
mod lift_oracle;
#[path = "common/statements.rs"]
mod statements;

use std::collections::BTreeMap;

use common::{START_AT, person, touch};
use proptest::prelude::*;
use statements::{change, play, retracted};
use tributary_insight::Config;
use tributary_insight::config::Lift;
use tributary_insight::ledger::Ledger;
use tributary_insight::lift_book::LiftBook;
use tributary_model::experiment::{ExperimentKey, ExperimentLift, ExperimentSums, LiftMetric};
use tributary_model::time::{DAY_MS, HOUR_MS};
use tributary_model::{Arm, Enrolment, EnrolmentStatus, JourneyEvent, Money};
use tributary_stream::StateStore;

const PARTITIONS: usize = 3;

#[derive(Debug, Clone)]
enum Said {
    Journey(Box<JourneyEvent>),
    Enrolment(Enrolment),
}

fn config() -> Config {
    Config {
        lift: Lift { outcome_days: 2, before_days: 1, visits: true, brand_demand: true, ..Lift::default() },
        ..Config::default()
    }
}

fn key(number: u8) -> ExperimentKey {
    ExperimentKey {
        experiment: format!("trial-{number}"),
        team_id: "crm".to_owned(),
        holdout_buckets: 3_000,
        is_clustered: false,
        campaign_id: None,
        is_observed: false,
    }
}

fn enrolment() -> impl Strategy<Value = Enrolment> {
    let statuses = [EnrolmentStatus::Enrolled, EnrolmentStatus::Contaminated, EnrolmentStatus::Withdrawn];
    let status = prop::sample::select(statuses.to_vec());
    (0_u8..6, 0_u8..2, any::<bool>(), prop_oneof![Just(EnrolmentStatus::Enrolled), status], 0_i64..96).prop_map(
        |(who, experiment, treated, status, hour)| Enrolment {
            person_id: person(who),
            key: key(experiment),
            arm: if treated { Arm::Treated } else { Arm::HeldOut },
            status,
            enrolled_at: START_AT + hour * HOUR_MS,
        },
    )
}

/// Both stages over the statements, as they are after every `cut` of them; one in `aborts` transactions is tried twice.
fn fold(said: &[Said], cut: usize, aborts: usize) -> BTreeMap<ExperimentKey, ExperimentLift> {
    let mut ledgers: Vec<Ledger> = (0..PARTITIONS).map(|_| Ledger::new(&config())).collect();
    let (mut book, mut known) = (LiftBook::new(Lift::default().plan()), BTreeMap::new());
    for (number, statements) in said.chunks(cut).enumerate() {
        if number % aborts == 0 {
            hear(&mut ledgers, statements);
            ledgers.iter_mut().for_each(|ledger| {
                drop(ledger.drain_lift());
                ledger.forget();
                ledger.stores().into_iter().for_each(StateStore::abort);
            });
        }
        hear(&mut ledgers, statements);
        ledgers.iter_mut().flat_map(Ledger::drain_lift).for_each(|delta| book.apply(delta));
        ledgers.iter_mut().for_each(|ledger| ledger.stores().into_iter().for_each(StateStore::commit));
        for (key, lift) in book.drain() {
            match lift {
                Some(lift) => drop(known.insert(key, lift)),
                None => drop(known.remove(&key)),
            }
        }
    }
    known
}

fn hear(ledgers: &mut [Ledger], statements: &[Said]) {
    for one in statements {
        match one {
            Said::Journey(event) => {
                ledgers[event.person_id.0.as_u128() as usize % PARTITIONS].journey_event(event).unwrap();
            }
            Said::Enrolment(enrolment) => {
                ledgers[enrolment.person_id.0.as_u128() as usize % PARTITIONS].enrolment(enrolment);
            }
        }
    }
}

fn sums(lifts: BTreeMap<ExperimentKey, ExperimentLift>) -> BTreeMap<ExperimentKey, ExperimentSums> {
    lifts.into_iter().map(|(key, lift)| (key, lift.sums)).collect()
}

/// Journeys and enrolments, mixed: each kind in its order, as they come of two topics.
fn mixed(journeys: &[JourneyEvent], enrolments: &[Enrolment], places: &[usize]) -> Vec<Said> {
    let mut said: Vec<Said> = journeys.iter().map(|event| Said::Journey(Box::new(event.clone()))).collect();
    let mut places: Vec<usize> = enrolments.iter().zip(places).map(|(_, place)| place % (journeys.len() + 1)).collect();
    places.sort_unstable();
    for (enrolment, place) in enrolments.iter().zip(places).rev() {
        said.insert(place, Said::Enrolment(enrolment.clone()));
    }
    said
}

proptest! {
    #[test]
    fn experiments_come_to_what_stands(
        (said, standing, shuffled) in prop::collection::vec(change(), 0..60).prop_map(play).prop_flat_map(|(said, standing)| {
            (Just(said.clone()), Just(standing), Just(said).prop_shuffle())
        }),
        enrolments in prop::collection::vec(enrolment(), 0..12),
        places in prop::collection::vec(any::<usize>(), 24),
        cut in 1_usize..20,
    ) {
        let in_order = sums(fold(&mixed(&said, &enrolments, &places), cut, 3));
        prop_assert_eq!(&in_order, &lift_oracle::sums(&standing, &enrolments, (DAY_MS, 2 * DAY_MS)));
        let otherwise = sums(fold(&mixed(&shuffled, &enrolments, &places[12..]), 7, 100));
        prop_assert_eq!(&otherwise, &in_order, "neither order nor cutting changes anything");
        let withdrawn = |one: &Enrolment| Enrolment { status: EnrolmentStatus::Withdrawn, ..one.clone() };
        let all: Vec<Enrolment> = enrolments.iter().cloned().chain(enrolments.iter().map(withdrawn)).collect();
        let mut left = fold(&mixed(&said, &all, &places), cut, 5);
        left.retain(|key, _| !key.is_observed);
        prop_assert_eq!(left, BTreeMap::new(), "nobody takes part");
    }
}

fn enrolled(who: u8, arm: Arm, day: i64) -> Said {
    let enrolled_at = START_AT + day * DAY_MS;
    Said::Enrolment(Enrolment {
        person_id: person(who),
        key: key(0),
        arm,
        status: EnrolmentStatus::Enrolled,
        enrolled_at,
    })
}

fn bought(id: u32, who: u8, day: i64, amount_minor: i64) -> JourneyEvent {
    let mut sale = touch(id, person(who), START_AT + day * DAY_MS + HOUR_MS, "store.purchased", 3);
    sale.touchpoint.value = Some(Money::new("USD", amount_minor));
    sale
}

fn said(event: &JourneyEvent) -> Said {
    Said::Journey(Box::new(event.clone()))
}

fn only(lifts: BTreeMap<ExperimentKey, ExperimentLift>) -> ExperimentLift {
    assert_eq!(lifts.len(), 1);
    lifts.into_values().next().unwrap()
}

#[test]
fn an_effect_is_the_difference_of_means_in_the_unit_of_the_metric() {
    let mut all = Vec::new();
    for who in 0..40 {
        let arm = if who % 4 == 0 { Arm::HeldOut } else { Arm::Treated };
        all.push(enrolled(who, arm, 1));
        if who % 2 == 1 {
            all.push(said(&bought(u32::from(who), who, 1, 600)));
        }
        if who == 0 {
            all.push(said(&bought(900, 0, 2, 500)));
        }
    }
    let lift = only(fold(&all, 7, 2));
    assert_eq!((lift.sums.treated.persons, lift.sums.held_out.persons), (30, 10));
    let of = |metric, is_adjusted| {
        let found = lift.estimates.iter().find(|one| one.metric == metric && one.is_adjusted == is_adjusted);
        found.map(|one| (one.treated_mean, one.held_out_mean, one.effect))
    };
    let is_near = |metric, expected: [f64; 3]| {
        let (treated, held_out, effect) = of(metric, false).unwrap();
        [treated, held_out, effect].iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9)
    };
    assert!(is_near(LiftMetric::Conversion, [20.0 / 30.0, 0.1, 20.0 / 30.0 - 0.1]), "{:?}", lift.estimates);
    assert!(is_near(LiftMetric::Revenue, [400.0, 50.0, 350.0]), "{:?}", lift.estimates);
    assert_eq!(of(LiftMetric::Revenue, true), None, "nobody bought before");
    assert!(lift.is_trusted);
    assert_eq!(lift.estimates.iter().filter(|one| one.anytime_low.is_some()).count(), 0, "too early to say");
}

#[test]
fn a_closed_person_stays_counted_and_who_comes_too_late_is_left_out() {
    let sale = bought(1, 0, 2, 700);
    let years_later = bought(99, 3, 900, 100);
    let in_time = [
        enrolled(0, Arm::Treated, 1),
        said(&sale),
        said(&JourneyEvent { person_id: person(3), ..years_later.clone() }),
    ];
    let counted = only(fold(&in_time, 1, 9)).sums;
    assert_eq!((counted.treated.persons, counted.late), (1, 0));
    let taken_back = [&in_time[..], &[said(&retracted(&sale))]].concat();
    assert_eq!(only(fold(&taken_back, 1, 9)).sums, counted, "what is closed stays");
    let moved = [&in_time[..], &[enrolled(0, Arm::Treated, 2)]].concat();
    let left_out = only(fold(&moved, 1, 9)).sums;
    assert_eq!((left_out.treated.persons, left_out.late), (0, 1), "of another time nothing is known any more");
    let late = [said(&sale), in_time[2].clone(), enrolled(0, Arm::Treated, 1)];
    assert_eq!(only(fold(&late, 1, 9)).sums.late, 1);
}

#[test]
fn who_is_erased_is_taken_out() {
    let mut ledger = Ledger::new(&config());
    let mut book = LiftBook::new(Lift::default().plan());
    hear(std::slice::from_mut(&mut ledger), &[]);
    ledger.journey_event(&bought(1, 0, 2, 700)).unwrap();
    for one in [enrolled(0, Arm::Treated, 1), enrolled(1, Arm::HeldOut, 1)] {
        let Said::Enrolment(enrolment) = one else { unreachable!() };
        ledger.enrolment(&enrolment);
    }
    ledger.drain_lift().into_iter().for_each(|delta| book.apply(delta));
    ledger.stores().into_iter().for_each(StateStore::commit);
    ledger.forget_person(person(0));
    ledger.withdraw(person(0));
    ledger.drain_lift().into_iter().for_each(|delta| book.apply(delta));
    ledger.stores().into_iter().for_each(StateStore::commit);
    let (_, lift) = book.drain().pop().unwrap();
    let sums = lift.unwrap().sums;
    assert_eq!((sums.treated.persons, sums.treated.metrics, sums.held_out.persons), (0, Vec::new(), 1));
    assert_eq!(ledger.stores()[3].len(), 0, "no deeds");
    assert_eq!(ledger.stores()[4].len(), 1, "the other still takes part");
}
