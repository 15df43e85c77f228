//! What is not the fault of a silo: history that was loaded, and domains that are not connected.

use tributary_model::time::{DAY_MS, HOUR_MS};
use tributary_model::{Domain, OutcomeKind, WithheldReason};
use tributary_silo::report::SiloReport;
use tributary_silo::{SiloFold, markdown};

use crate::history::{begin, of, outcome, report, sent, taken_back, touch, withheld};
use crate::journeys::rate;
use crate::ledger::leak;

#[test]
fn loaded_history_tells_who_is_known_and_nothing_of_hand_overs() {
    let mut fold = SiloFold::default().live_since(Some(begin() + DAY_MS));
    let loaded = touch(1, "a").at(DAY_MS - 1).received_after(900 * DAY_MS).sale();
    let live = touch(2, "b").at(DAY_MS).received_after(2 * HOUR_MS);
    for touch in [&loaded, &touch(1, "c").at(2 * DAY_MS).from("shop", Domain::Ecommerce), &live] {
        fold.journey(&touch.0);
    }
    let report = fold.report();
    assert_eq!((report.persons, report.touches, of(&report.identity.sales)), (2, 3, (1, 1)));
    assert_eq!(rate(&report, Domain::Store, Domain::Ecommerce), (1, 2));
    let [till, shop] = report.hand_over.sources.as_slice() else { panic!("{:?}", report.hand_over.sources) };
    assert_eq!((till.touches, till.loaded, of(&till.late), till.late_persons), (1, 1, (1, 1), 1));
    assert!(till.delay.unwrap().p50_ms < DAY_MS, "{till:?}");
    assert_eq!((shop.touches, shop.loaded), (1, 0));
    fold.journey(&taken_back(&loaded.0));
    assert_eq!(fold.report().hand_over.sources.iter().map(|source| source.loaded).sum::<u64>(), 0);
}

#[test]
fn a_domain_from_which_nothing_came_has_no_match_rate() {
    let shown = |report: &SiloReport| {
        let page = markdown(report);
        page.lines().find(|line| line.starts_with("| store |")).unwrap().to_owned()
    };
    let apart = report([touch(1, "a")]);
    assert_eq!(shown(&apart), "| store | 1 | – | – | – | – |");
    assert!(markdown(&apart).contains("No touch came from channel, crm, ecommerce."));
    // It is connected, and knows none of them.
    let none = report([touch(1, "a"), touch(2, "b").from("shop", Domain::Ecommerce).by(&[])]);
    assert!(shown(&none).ends_with("| 0.0 % (0.0–79.3) |"), "{}", shown(&none));
}

#[test]
fn what_was_decided_about_loaded_history_is_in_no_measure() {
    let mut fold = SiloFold::default().live_since(Some(begin() + DAY_MS));
    let (before, after) = (sent(1, "email", 0), sent(2, "email", 1));
    for decision in [&before, &after] {
        fold.decision(decision);
        fold.outcome(&outcome(decision, OutcomeKind::Delivered, 2 * DAY_MS));
    }
    fold.decision(&withheld(3, "email", WithheldReason::Suppressed));
    fold.outcome(&leak(4, 1, "media"));
    let report = fold.report();
    assert_eq!((of(&report.loops.closed), report.loops.loaded_decisions), ((1, 1), 2));
    assert_eq!((report.hand_over.teams[0].acted, of(&report.leakage.contacts)), (1, (0, 0)));
}
