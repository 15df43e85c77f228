//! Generated histories with corrections, moves and erasures, against a count that keeps every event and knows nothing
//! of facts; and that neither the order nor the number of corrections matters.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tributary_model::{Domain, Identifier, JourneyEvent, PersonId};
use tributary_silo::report::SiloReport;
use tributary_silo::{Share, SiloFold};

use crate::history::{Touch, person, taken_back, touch};

const PERSONS: u32 = 6;
const TOUCHES: usize = 8;
const KINDS: [&str; 3] = ["email", "phone", "loyalty_id"];
const CONFLICTS: [&[&str]; 3] = [&[], &["offer"], &["stage"]];

/// A record of the topic.
#[derive(Debug, Clone)]
enum Record {
    Said(Box<JourneyEvent>),
    Erased(PersonId),
}

/// What happens to one touch, or to one person.
#[derive(Debug, Clone)]
enum Step {
    /// It is stated so from now on, of this person.
    Say(usize, Box<Touch>),
    /// It is taken back.
    Take(usize),
    Erase(u32),
}

/// The same touch always occurs at the same instant, and comes from the same source.
fn said() -> impl Strategy<Value = (usize, Box<Touch>)> {
    let source = 0..TOUCHES;
    (source, 0..PERSONS, 0_usize..8, 0_i32..4, 0_usize..CONFLICTS.len(), any::<bool>()).prop_map(
        |(place, number, kinds, narratives, conflicts, is_sale)| {
            let kinds: Vec<&str> = KINDS
                .into_iter()
                .enumerate()
                .filter(|(bit, _)| kinds & (1 << bit) != 0)
                .map(|(_, kind)| kind)
                .collect();
            let domain = Domain::ALL[place % Domain::ALL.len()];
            let touch = touch(number, &place.to_string())
                .from(["ads", "crm", "till", "shop"][place % 4], domain)
                .at(place as i64 * 1_000)
                .received_after(place as i64 * 1_000_000)
                .by(&kinds)
                .told(narratives, CONFLICTS[conflicts]);
            (place, Box::new(if is_sale { touch.sale() } else { touch }))
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => said().prop_map(|(place, touch)| Step::Say(place, touch)),
        2 => (0..TOUCHES).prop_map(Step::Take),
        1 => (0..PERSONS).prop_map(Step::Erase),
    ];
    prop::collection::vec(step, 0..40)
}

/// The records that the hub would write, and what stands in the end.
fn told(steps: &[Step]) -> (Vec<Record>, Vec<JourneyEvent>) {
    let (mut records, mut standing) = (Vec::new(), BTreeMap::<usize, JourneyEvent>::new());
    let take = |records: &mut Vec<Record>, stated: Option<JourneyEvent>| {
        records.extend(stated.map(|event| Record::Said(Box::new(taken_back(&event)))));
    };
    for step in steps {
        match step {
            Step::Say(place, touch) => {
                take(&mut records, standing.remove(place));
                records.push(Record::Said(Box::new(touch.0.clone())));
                standing.insert(*place, touch.0.clone());
            }
            Step::Take(place) => take(&mut records, standing.remove(place)),
            Step::Erase(number) => {
                records.push(Record::Erased(person(*number)));
                standing.retain(|_, event| event.person_id != person(*number));
            }
        }
    }
    (records, standing.into_values().collect())
}

fn report(records: impl IntoIterator<Item = Record>) -> SiloReport {
    let mut fold = SiloFold::default();
    for record in records {
        match record {
            Record::Said(event) => fold.journey(&event),
            Record::Erased(person_id) => fold.erase_journey(person_id),
        }
    }
    // The newest instant is that of all that was read, and not only of what stands.
    SiloReport { as_of: None, ..fold.report() }
}

fn statements(events: &[JourneyEvent]) -> Vec<Record> {
    events.iter().map(|event| Record::Said(Box::new(event.clone()))).collect()
}

/// Persons whom an event of the domain names; of all domains when it is none.
fn named(events: &[JourneyEvent], domain: Option<Domain>) -> BTreeSet<PersonId> {
    let of = events.iter().filter(|event| domain.is_none_or(|domain| event.touchpoint.domain == domain));
    of.filter(|event| !event.touchpoint.identifiers.is_empty()).map(|event| event.person_id).collect()
}

fn share_of(events: &[JourneyEvent], is_counted: impl Fn(&JourneyEvent) -> bool) -> Share {
    let counted: Vec<&JourneyEvent> = events.iter().filter(|event| is_counted(event)).collect();
    let named = counted.iter().filter(|event| !event.touchpoint.identifiers.is_empty()).count();
    Share::new(named as u64, counted.len() as u64)
}

proptest! {
    #[test]
    fn match_rates_and_coverage_are_those_of_a_naive_count(steps in steps()) {
        let (records, events) = told(&steps);
        let report = report(records);
        for pair in &report.match_rates.pairs {
            let (from, to) = (named(&events, Some(pair.from)), named(&events, Some(pair.to)));
            let expected = Share::new(from.intersection(&to).count() as u64, from.len() as u64);
            prop_assert_eq!(pair.rate, expected, "{:?} to {:?}", pair.from, pair.to);
        }
        prop_assert_eq!(report.touches, events.len() as u64);
        prop_assert_eq!(report.persons, named(&events, None).len() as u64);
        prop_assert_eq!(report.identity.touches, share_of(&events, |_| true));
        prop_assert_eq!(report.identity.sales, share_of(&events, |event| event.touchpoint.is_sale()));
        for source in &report.identity.sources {
            prop_assert_eq!(source.touches, share_of(&events, |event| event.touchpoint.source == source.source));
        }
        let kinds_of = |id: &PersonId| {
            let of = events.iter().filter(|event| event.person_id == *id);
            of.flat_map(|event| &event.touchpoint.identifiers).map(|Identifier { namespace, .. }| namespace.as_str()).collect()
        };
        let kinds: Vec<BTreeSet<&str>> = named(&events, None).iter().map(kinds_of).collect();
        let twice = kinds.iter().filter(|kinds| kinds.len() >= 2).count() as u64;
        prop_assert_eq!(report.identity.known_twice, Share::new(twice, kinds.len() as u64));
        let once: u64 = report.identity.known_once.iter().map(|once| once.persons).sum();
        prop_assert_eq!(once + twice, report.persons);
        prop_assert_eq!(report.unmatched_retractions, 0);
    }

    #[test]
    fn the_stories_are_those_of_a_naive_count(steps in steps()) {
        let (records, events) = told(&steps);
        let consistency = report(records).consistency;
        let known = named(&events, None);
        let (mut heard, mut one, mut conflicted) = (0, 0, 0);
        for id in &known {
            let own: Vec<_> = events.iter().filter(|event| event.person_id == *id).map(|event| &event.story).collect();
            let most = own.iter().map(|story| story.narrative_count).max().unwrap();
            let is_contradicted = own.iter().any(|story| !story.conflicts.is_empty());
            heard += u64::from(most > 0);
            one += u64::from(most == 1 && !is_contradicted);
            conflicted += u64::from(is_contradicted);
        }
        prop_assert_eq!(consistency.one_story, Share::new(one, heard));
        prop_assert_eq!(consistency.conflicted, Share::new(conflicted, known.len() as u64));
        for conflict in &consistency.conflicts {
            let of = |event: &&JourneyEvent| event.story.conflicts.contains(&conflict.kind);
            let ids: Vec<_> = events.iter().filter(of).map(|event| &event.touchpoint.touchpoint_id).collect();
            prop_assert_eq!(conflict.touches, ids.len() as u64);
            prop_assert!(conflict.examples.iter().all(|id| ids.contains(&id)), "{:?}", conflict);
            prop_assert_eq!(conflict.examples.len(), ids.len().min(3));
        }
        let all: usize = events.iter().map(|event| event.story.conflicts.len()).sum();
        prop_assert_eq!(consistency.conflicts.iter().map(|one| one.touches).sum::<u64>(), all as u64);
    }

    #[test]
    fn what_was_corrected_and_erased_leaves_no_trace(steps in steps()) {
        let (records, events) = told(&steps);
        let plain = report(statements(&events));
        prop_assert_eq!(&report(records.clone()), &plain);
        // What stands is taken back and said again, twice.
        let anew = |event: &JourneyEvent| [taken_back(event), event.clone(), taken_back(event), event.clone()];
        let again: Vec<JourneyEvent> = events.iter().flat_map(anew).collect();
        prop_assert_eq!(&report(records.into_iter().chain(statements(&again))), &plain);
    }

    #[test]
    fn the_order_of_statements_and_corrections_does_not_matter(
        steps in steps(),
        places in prop::collection::vec(any::<u32>(), 80),
    ) {
        // A tombstone is about what came before it; among the other records any order is as good.
        let steps: Vec<Step> = steps.into_iter().filter(|step| !matches!(step, Step::Erase(_))).collect();
        let (records, events) = told(&steps);
        let mut shuffled: Vec<(u32, Record)> = places.into_iter().zip(records.clone()).collect();
        prop_assert_eq!(shuffled.len(), records.len());
        shuffled.sort_by_key(|(place, _)| *place);
        let without_examples = |mut report: SiloReport| {
            report.consistency.conflicts.iter_mut().for_each(|conflict| conflict.examples.clear());
            report
        };
        let found = report(shuffled.into_iter().map(|(_, record)| record));
        prop_assert_eq!(without_examples(found), without_examples(report(statements(&events))));
    }
}
