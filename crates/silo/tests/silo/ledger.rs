//! Measures of decisions and outcomes, by hand.

use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_model::{Decision, DecisionOutcome, MatchedBy, OutcomeKind, WithheldReason};
use tributary_silo::SiloFold;
use tributary_silo::grade::{Dimension, Grade};
use tributary_silo::report::{SiloReport, TeamLeaks};

use crate::history::{begin, graded, of, outcome, person, sent, touch, withheld};

/// A report sixty days after the beginning.
fn report(decisions: &[Decision], outcomes: &[DecisionOutcome]) -> SiloReport {
    fold(decisions, outcomes).report()
}

fn fold(decisions: &[Decision], outcomes: &[DecisionOutcome]) -> SiloFold {
    let mut fold = SiloFold::default();
    outcomes.iter().for_each(|outcome| fold.outcome(outcome));
    decisions.iter().for_each(|decision| fold.decision(decision));
    fold.journey(&touch(1, "now").at(60 * DAY_MS).0);
    fold
}

pub(crate) fn leak(suppression: u32, number: u32, by: &str) -> DecisionOutcome {
    let told = outcome(&withheld(suppression, "care", WithheldReason::HeldOut), OutcomeKind::Leaked, 1_000);
    DecisionOutcome { outcome_id: format!("leak {number}"), touchpoint_team_id: Some(by.to_owned()), ..told }
}

#[test]
fn a_team_acts_when_its_system_first_says_so() {
    let decisions = [sent(1, "email", 0), sent(2, "email", 0), sent(3, "sales", 0), sent(4, "email", 0)];
    let outcomes = [
        outcome(&decisions[0], OutcomeKind::Delivered, 9_000),
        outcome(&decisions[0], OutcomeKind::Acted, 1_000),
        outcome(&decisions[1], OutcomeKind::Delivered, 2 * HOUR_MS),
        outcome(&decisions[2], OutcomeKind::Acted, HOUR_MS),
        outcome(&decisions[3], OutcomeKind::Opened, 5),
        DecisionOutcome { is_ghost: true, ..outcome(&sent(9, "ghosts", 0), OutcomeKind::Acted, 5) },
    ];
    let report = report(&decisions, &outcomes);
    let [email, sales] = report.hand_over.teams.as_slice() else { panic!("{:?}", report.hand_over.teams) };
    assert_eq!((email.team.as_str(), email.acted, of(&email.late)), ("email", 2, (1, 2)));
    let p50_ms = email.delay.unwrap().p50_ms;
    assert!((950..=1_050).contains(&p50_ms), "{p50_ms}");
    assert_eq!((sales.team.as_str(), sales.acted, of(&sales.late)), ("sales", 1, (0, 1)));
}

#[test]
fn a_slow_team_makes_the_grade_of_the_hand_over() {
    let decisions: Vec<Decision> = (0..30).map(|id| sent(id, "sales", 0)).collect();
    let outcomes: Vec<DecisionOutcome> =
        decisions.iter().map(|decision| outcome(decision, OutcomeKind::Acted, 20 * MINUTE_MS)).collect();
    let graded_so = report(&decisions, &outcomes);
    let found = graded(&graded_so, Dimension::HandOver);
    assert_eq!((found.grade, found.count), (Grade::C, 30));
    assert!(found.evidence.contains("first act of sales"), "{}", found.evidence);
}

#[test]
fn leakage_is_what_was_made_of_what_met_a_suppression() {
    let decisions = [
        withheld(1, "email", WithheldReason::Suppressed),
        withheld(2, "email", WithheldReason::Suppressed),
        withheld(3, "email", WithheldReason::Capped),
        withheld(4, "sales", WithheldReason::Suppressed),
    ];
    let ghost = DecisionOutcome { is_ghost: true, ..leak(20, 9, "media") };
    // Two contacts through one suppression, of which one is told twice, and one through another.
    let outcomes = [leak(10, 1, "media"), leak(10, 2, "media"), leak(10, 2, "media"), leak(11, 3, "email"), ghost];
    let report = report(&decisions, &outcomes);
    assert_eq!((of(&report.leakage.contacts), report.leakage.suppressions), ((3, 6), 2));
    let team = |team: &str, leaked, suppressions, held_back| TeamLeaks {
        team: team.to_owned(),
        leaked,
        suppressions,
        held_back,
    };
    assert_eq!(report.leakage.teams, [team("email", 1, 1, 2), team("media", 2, 1, 0), team("sales", 0, 0, 1)]);
    assert_eq!(report.loops.teams, [], "a leak is not what came of a message");
}

#[test]
fn leakage_is_graded_at_its_limits() {
    for (leaked, all, grade) in [
        (0, 29, Grade::NotEnoughData),
        (0, 30, Grade::A),
        (1, 100, Grade::A),
        (2, 100, Grade::B),
        (5, 100, Grade::B),
        (6, 100, Grade::C),
        (10, 100, Grade::C),
        (11, 100, Grade::D),
        (25, 100, Grade::D),
        (26, 100, Grade::F),
    ] {
        let decisions: Vec<Decision> =
            (leaked..all).map(|id| withheld(id, "email", WithheldReason::Suppressed)).collect();
        let outcomes: Vec<DecisionOutcome> = (0..leaked).map(|number| leak(1_000, number, "media")).collect();
        let report = report(&decisions, &outcomes);
        assert_eq!(graded(&report, Dimension::SuppressionLeakage).grade, grade, "{leaked} of {all}");
    }
}

#[test]
fn a_loop_is_closed_by_any_report_open_after_a_week_and_young_before() {
    let quiet = Decision { channel: String::new(), ..sent(7, "email", 0) };
    let decisions = [
        sent(1, "email", 0),
        sent(2, "email", 0),
        sent(3, "email", 0),
        sent(4, "email", 53),
        // One millisecond longer ago than the window.
        Decision { judged_at: Some(begin() + 53 * DAY_MS - 1), ..sent(5, "email", 58) },
        withheld(6, "email", WithheldReason::HeldOut),
        quiet,
    ];
    let outcomes = [
        outcome(&decisions[0], OutcomeKind::Bounced, 10),
        outcome(&decisions[1], OutcomeKind::Converted, 3 * DAY_MS),
        outcome(&decisions[1], OutcomeKind::Responded, DAY_MS),
        outcome(&decisions[2], OutcomeKind::OverCap, 1),
        // Bought, with nothing that says that the message ever left.
        DecisionOutcome { matched_by: MatchedBy::Rule, ..outcome(&decisions[4], OutcomeKind::Converted, 2 * DAY_MS) },
    ];
    let report = report(&decisions, &outcomes);
    let [email] = report.loops.teams.as_slice() else { panic!("{:?}", report.loops.teams) };
    assert_eq!((of(&email.closed), email.open, email.young, email.results), ((2, 4), 2, 1, 2));
    let p50_ms = email.delay.unwrap().p50_ms as f64;
    assert!((p50_ms / DAY_MS as f64 - 1.0).abs() <= 0.05, "the first of the two: {p50_ms}");
    assert_eq!(of(&report.loops.closed), (2, 4));
}

#[test]
fn loops_are_graded_at_their_limits() {
    for (closed, all, grade) in [
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
        let decisions: Vec<Decision> = (0..all).map(|id| sent(id, "email", 0)).collect();
        let outcomes: Vec<DecisionOutcome> =
            decisions.iter().take(closed).map(|decision| outcome(decision, OutcomeKind::Delivered, 5)).collect();
        let report = report(&decisions, &outcomes);
        assert_eq!(graded(&report, Dimension::LoopTime).grade, grade, "{closed} of {all}");
    }
}

#[test]
fn an_outcome_finds_its_decision_though_the_person_was_merged_since() {
    let decision = sent(1, "email", 0);
    let mut merged = outcome(&decision, OutcomeKind::Delivered, 10);
    merged.person_id = person(77);
    let before = outcome(&decision, OutcomeKind::Delivered, 400);
    let report = report(&[decision], &[before, merged]);
    assert_eq!(of(&report.loops.closed), (1, 1));
    assert_eq!(report.hand_over.teams[0].delay.unwrap().p99_ms, 10);
}

#[test]
fn records_that_are_read_twice_count_once() {
    let decisions = [sent(1, "email", 0), withheld(2, "email", WithheldReason::Suppressed)];
    let outcomes = [outcome(&decisions[0], OutcomeKind::Converted, 10), leak(3, 1, "media")];
    let twice =
        report(&[decisions.clone(), decisions.clone()].concat(), &[outcomes.clone(), outcomes.clone()].concat());
    assert_eq!(twice, report(&decisions, &outcomes));
}

#[test]
fn the_erased_leave_no_decision_and_no_outcome() {
    let (gone, stays) = (sent(1, "email", 0), sent(2, "email", 0));
    let told = |decision: &Decision| outcome(decision, OutcomeKind::Delivered, 10);
    let mut erased = fold(&[gone.clone(), stays.clone()], &[told(&gone), told(&stays)]);
    erased.erase_decisions(gone.person_id);
    erased.erase_outcomes(gone.person_id);
    assert_eq!(erased.report(), report(std::slice::from_ref(&stays), &[told(&stays)]));
}

#[test]
fn an_outcome_counts_when_its_decision_does() {
    let mut fold = SiloFold::new(Some(begin() + DAY_MS));
    let (before, after) = (sent(1, "email", 0), sent(2, "email", 1));
    for decision in [&before, &after] {
        fold.decision(decision);
        fold.outcome(&outcome(decision, OutcomeKind::Delivered, 2 * DAY_MS));
    }
    let report = fold.report();
    assert_eq!((of(&report.loops.closed), report.hand_over.teams[0].acted), ((1, 1), 1));
}
