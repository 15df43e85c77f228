//! Measures of journeys, by hand.

use tributary_model::Domain;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_silo::SiloFold;
use tributary_silo::grade::{Dimension, Grade, MIN_COUNT};
use tributary_silo::report::{ConflictedBy, KnownOnce, Narratives, SiloReport};

use crate::history::{Touch, begin, fold, graded, of, person, report, taken_back, touch};

pub(crate) fn rate(report: &SiloReport, from: Domain, to: Domain) -> (u64, u64) {
    of(&report.match_rates.pairs.iter().find(|pair| (pair.from, pair.to) == (from, to)).unwrap().rate)
}

#[test]
fn a_match_rate_is_of_those_whom_one_domain_names_and_another_too() {
    let shop = |number, id| touch(number, id).from("shop", Domain::Ecommerce);
    let report = report([
        touch(1, "a"),
        touch(1, "b"),
        shop(1, "c"),
        touch(2, "d"),
        touch(3, "e"),
        shop(3, "f"),
        shop(4, "g"),
        shop(5, "h"),
        shop(6, "i"),
        // Nobody is known by it: neither a person nor a match.
        shop(2, "j").by(&[]),
        touch(7, "k").by(&[]),
    ]);
    assert_eq!((report.persons, report.touches), (6, 11));
    assert_eq!(rate(&report, Domain::Store, Domain::Ecommerce), (2, 3));
    assert_eq!(rate(&report, Domain::Ecommerce, Domain::Store), (2, 5));
    assert_eq!(rate(&report, Domain::Ecommerce, Domain::Crm), (0, 5));
    assert_eq!(rate(&report, Domain::Crm, Domain::Store), (0, 0));
    assert_eq!(report.match_rates.pairs.len(), 12);
    assert_eq!(of(&report.match_rates.overlap), (2, 3), "the smaller of the two domains that have persons");
    let persons: Vec<u64> = report.match_rates.domains.iter().map(|domain| domain.persons).collect();
    assert_eq!(persons, [0, 0, 3, 5]);
}

/// `both` of `of` store customers buy online as well.
fn customers(both: u32, all: u32) -> Vec<Touch> {
    let store = (0..all).map(|number| touch(number, &format!("s{number}")));
    let shop = (0..all).map(|number| {
        let who = if number < both { number } else { all + number };
        touch(who, &format!("o{number}")).from("shop", Domain::Ecommerce)
    });
    store.chain(shop).collect()
}

#[test]
fn the_match_rate_is_graded_from_thirty_persons_on_and_at_its_limits() {
    for (both, all, grade) in [
        (29, 29, Grade::NotEnoughData),
        (30, 30, Grade::A),
        (60, 100, Grade::A),
        (59, 100, Grade::B),
        (40, 100, Grade::B),
        (39, 100, Grade::C),
        (25, 100, Grade::C),
        (24, 100, Grade::D),
        (10, 100, Grade::D),
        (9, 100, Grade::F),
    ] {
        let report = report(customers(both, all));
        let found = graded(&report, Dimension::MatchRate);
        assert_eq!((found.grade, found.count, found.needed), (grade, u64::from(all), MIN_COUNT), "{both} of {all}");
    }
}

fn delayed(source: &str, count: u32, delay_ms: i64) -> Vec<Touch> {
    let one =
        |number| touch(number, &format!("{source}{number}")).from(source, Domain::Channel).received_after(delay_ms);
    (0..count).map(one).collect()
}

#[test]
fn hand_over_is_from_occurrence_to_receipt_by_source() {
    let mut touches = delayed("ads", 90, 2_000);
    touches.extend((90..100).map(|number| touch(number, &format!("x{number}")).from("ads", Domain::Channel)));
    touches.push(touch(0, "late").from("ads", Domain::Channel).received_after(HOUR_MS + 1));
    touches.push(touch(0, "later").from("ads", Domain::Channel).received_after(DAY_MS));
    touches.push(touch(1, "in time").from("ads", Domain::Channel).received_after(HOUR_MS));
    touches.push(touch(2, "ahead").from("ads", Domain::Channel).received_after(-5));
    touches.push(touch(3, "nobody").from("ads", Domain::Channel).by(&[]).received_after(DAY_MS));
    touches.push(touch(4, "till"));
    let report = report(touches);
    let [ads, till] = report.hand_over.sources.as_slice() else { panic!("{:?}", report.hand_over.sources) };
    assert_eq!((ads.source.as_str(), ads.domain, ads.touches), ("ads", Domain::Channel, 105));
    assert_eq!((of(&ads.late), ads.late_persons, ads.clock_ahead), ((3, 105), 1, 1));
    let delay = ads.delay.unwrap();
    for (found, exact) in [(delay.p50_ms, 2_000), (delay.p90_ms, 2_000), (delay.p99_ms, DAY_MS)] {
        assert!((found - exact).abs() as f64 <= exact as f64 * 0.05 + 0.5, "{delay:?}");
    }
    assert_eq!((till.source.as_str(), till.delay.unwrap().p99_ms), ("till", 0));
}

#[test]
fn the_slowest_of_whom_enough_is_known_makes_the_grade_of_the_hand_over() {
    for (delay_ms, grade) in [
        (50_000, Grade::A),
        (70_000, Grade::B),
        (14 * MINUTE_MS, Grade::B),
        (17 * MINUTE_MS, Grade::C),
        (56 * MINUTE_MS, Grade::C),
        (65 * MINUTE_MS, Grade::D),
        (22 * HOUR_MS, Grade::D),
        (26 * HOUR_MS, Grade::F),
    ] {
        let mut touches = delayed("ads", 30, delay_ms);
        touches.extend(delayed("mail", 500, 10));
        // Slower yet, but too few to say so.
        touches.extend(delayed("crm", 29, 900 * DAY_MS));
        let report = report(touches);
        let found = graded(&report, Dimension::HandOver);
        assert_eq!((found.grade, found.count), (grade, 30), "{delay_ms}: {}", found.evidence);
        assert!(found.evidence.contains("events of ads"), "{}", found.evidence);
    }
    let few = report(delayed("ads", 29, 10));
    assert_eq!(graded(&few, Dimension::HandOver).grade, Grade::NotEnoughData);
    assert_eq!(graded(&few, Dimension::HandOver).count, 29);
    let none = SiloFold::default().report();
    assert!(none.grades.iter().all(|graded| graded.grade == Grade::NotEnoughData && graded.count == 0));
    assert_eq!((none.repairs.len(), none.as_of), (0, None));
}

#[test]
fn identity_coverage_counts_touches_sales_and_kinds_of_identifiers() {
    let report = report([
        touch(1, "a").by(&["email", "loyalty_id"]),
        touch(2, "b").by(&["email"]),
        touch(2, "c").by(&["phone", "phone"]),
        touch(3, "d").by(&["email"]),
        touch(3, "e").by(&["email"]),
        touch(4, "f").by(&["anonymous_id"]).sale(),
        touch(5, "g").by(&[]).sale(),
        touch(6, "h").by(&[]).sale(),
        touch(7, "i").by(&[]).from("ads", Domain::Channel),
    ]);
    let identity = &report.identity;
    assert_eq!((of(&identity.touches), of(&identity.sales), of(&identity.known_twice)), ((6, 9), (1, 3), (2, 4)));
    let once = |namespace: &str| KnownOnce { namespace: namespace.to_owned(), persons: 1 };
    assert_eq!(identity.known_once, [once("anonymous_id"), once("email")]);
    let sources: Vec<_> =
        identity.sources.iter().map(|one| (one.source.as_str(), of(&one.touches), of(&one.sales))).collect();
    assert_eq!(sources, [("ads", (0, 1), (0, 0)), ("till", (6, 8), (1, 3))]);
}

#[test]
fn a_return_and_another_version_of_a_sale_are_no_sales() {
    let mut back = touch(1, "back").sale();
    back.0.touchpoint.event_type = "store.returned".to_owned();
    let mut again = touch(1, "again").sale();
    again.0.touchpoint.duplicate_of = Some("till:first".to_owned());
    let report = report([touch(1, "first").sale(), back, again]);
    assert_eq!(of(&report.identity.sales), (1, 1));
}

#[test]
fn identity_coverage_is_graded_by_sales() {
    for (named, all, grade) in [
        (29, 29, Grade::NotEnoughData),
        (90, 100, Grade::A),
        (89, 100, Grade::B),
        (75, 100, Grade::B),
        (74, 100, Grade::C),
        (50, 100, Grade::C),
        (49, 100, Grade::D),
        (25, 100, Grade::D),
        (24, 100, Grade::F),
    ] {
        let sale = |number: u32| {
            let sale = touch(number, &number.to_string()).sale();
            if number < named { sale } else { sale.by(&[]) }
        };
        let report = report((0..all).map(sale));
        assert_eq!(graded(&report, Dimension::IdentityCoverage).grade, grade, "{named} of {all}");
    }
}

#[test]
fn the_story_is_the_most_a_person_ever_heard_and_conflicts_have_their_place() {
    let mail = |number, id| touch(number, id).of_team("email", "email", Some("acme"));
    let report = report([
        touch(1, "a").told(1, &[]),
        touch(1, "b").told(3, &[]),
        touch(1, "c").told(2, &[]),
        touch(2, "d").told(1, &[]),
        mail(3, "e").told(1, &["offer"]),
        mail(3, "f").told(1, &["offer", "stage"]),
        mail(4, "g").told(0, &["offer"]),
        touch(5, "h"),
        touch(6, "i").told(12, &[]),
        // Whoever is not known hears no story twice.
        touch(7, "j").told(1, &["stage"]).by(&[]),
    ]);
    let consistency = &report.consistency;
    assert_eq!((of(&consistency.one_story), of(&consistency.conflicted)), ((1, 4), (2, 6)));
    let heard = |narratives, persons| Narratives { narratives, persons };
    assert_eq!(consistency.narratives, [heard(1, 2), heard(3, 1), heard(9, 1)]);
    assert_eq!(consistency.teams, [ConflictedBy { team: "email".to_owned(), persons: 2 }]);
    let conflicts: Vec<_> = (consistency.conflicts.iter())
        .map(|one| {
            (one.kind.as_str(), one.channel.as_str(), one.team.as_str(), one.agency.as_str(), one.touches, one.persons)
        })
        .collect();
    assert_eq!(
        conflicts,
        [
            ("offer", "email", "email", "acme", 3, 2),
            ("stage", "email", "email", "acme", 1, 1),
            ("stage", "in_store", "store", "", 1, 0)
        ]
    );
    assert_eq!(consistency.conflicts[0].examples, ["till:e", "till:f", "till:g"]);
}

#[test]
fn consistency_is_graded_by_those_who_heard_one_story() {
    for (one, all, grade) in [
        (29, 29, Grade::NotEnoughData),
        (95, 100, Grade::A),
        (94, 100, Grade::B),
        (85, 100, Grade::B),
        (84, 100, Grade::C),
        (70, 100, Grade::C),
        (69, 100, Grade::D),
        (50, 100, Grade::D),
        (49, 100, Grade::F),
    ] {
        let told = |number: u32| touch(number, &number.to_string()).told(if number < one { 1 } else { 2 }, &[]);
        let report = report((0..all).map(told));
        assert_eq!(graded(&report, Dimension::Consistency).grade, grade, "{one} of {all}");
    }
}

#[test]
fn a_person_shows_few_examples_and_all_are_counted() {
    let report = report((0..40).map(|number| touch(1, &format!("{number:02}")).told(1, &["offer"])));
    let conflict = &report.consistency.conflicts[0];
    assert_eq!((conflict.touches, conflict.persons, conflict.examples.len()), (40, 1, 3));
}

#[test]
fn an_erased_person_is_as_if_it_had_never_been_and_who_comes_back_counts_anew() {
    let others = || [touch(2, "b"), touch(3, "c").from("shop", Domain::Ecommerce).told(2, &["offer"])];
    let gone = touch(1, "a").from("shop", Domain::Ecommerce).told(3, &["stage"]).received_after(DAY_MS).sale();
    let mut erased = fold([gone, touch(1, "z").told(1, &["offer"])].into_iter().chain(others()));
    assert_ne!(erased.report(), report(others()));
    erased.erase_journey(person(1));
    assert_eq!(erased.report(), report(others()));
    erased.journey(&touch(1, "back").0);
    assert_eq!(erased.report(), report(others().into_iter().chain([touch(1, "back")])));
}

#[test]
fn a_retraction_of_what_was_not_stated_is_told_and_changes_no_other_person() {
    let mut fold = fold([touch(1, "a")]);
    fold.journey(&taken_back(&touch(2, "b").0));
    let report = fold.report();
    assert_eq!((report.persons, report.touches, report.unmatched_retractions), (1, 1, 1));
}

#[test]
fn what_occurred_before_the_day_asked_for_does_not_count() {
    let mut fold = SiloFold::new(Some(begin() + DAY_MS));
    let (before, after) = (touch(1, "a").at(DAY_MS - 1), touch(2, "b").at(DAY_MS));
    fold.journey(&before.0);
    fold.journey(&after.0);
    fold.journey(&taken_back(&before.0));
    let report = fold.report();
    assert_eq!((report.persons, report.touches, report.unmatched_retractions), (1, 1, 0));
    assert_eq!(report.since.as_deref(), Some("2026-03-02T08:00:00Z"));
    assert_eq!(report.as_of.as_deref(), Some("2026-03-02T08:00:00Z"));
}

#[test]
fn the_weakest_pair_is_of_domains_that_are_both_known() {
    let mut touches = customers(30, 40);
    touches.extend((0..29).map(|number| touch(number + 500, &format!("c{number}")).from("crm", Domain::Crm)));
    touches.extend((0..31).map(|number| touch(number, &format!("a{number}")).from("ads", Domain::Channel)));
    let found = report(touches);
    let evidence = &graded(&found, Dimension::MatchRate).evidence;
    assert!(evidence.contains("Weakest: of 40 persons of store, 75.0 % are known to ecommerce"), "{evidence}");
}
