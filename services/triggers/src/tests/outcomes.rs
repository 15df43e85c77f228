//! What happens after decisions: by their id, by rule, for ghosts, for suppressions, and over caps by a merge.

use serde_json::json;
use tributary_model::step::PersonStep;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_model::{Arm, DecisionOutcome, JourneyEvent, MatchedBy};

use super::harness::{TouchExt, World, monday, person, touch};
use crate::TriggersConfig;

const MESSAGE: &str = "{id: a, version: 1, team: x, action: message, channels: [email], consent: opt_out, \
                       pattern: [{on: view.a}], reentry: {per: touchpoint}";

fn message(rest: &str) -> String {
    format!("{MESSAGE}{rest}}}")
}

fn kinds(world: &World) -> Vec<&'static str> {
    world.outcomes.iter().map(|outcome| outcome.kind.name()).collect()
}

fn of_decision(event: JourneyEvent, world: &World) -> JourneyEvent {
    let decision_id = world.decisions[0].decision_id.clone();
    event.change(|event| event.touchpoint.decision_id = Some(decision_id))
}

#[test]
fn touches_that_carry_the_decision_are_its_outcomes_each_once() {
    let mut world = World::of(&[&message("")]);
    world.see(touch("view.a", monday()));
    for (minute, event_type) in [(1, "email.sent"), (2, "email.delivered"), (3, "email.opened"), (4, "email.clicked")] {
        let event = of_decision(touch(event_type, monday() + minute * MINUTE_MS), &world);
        world.see(event);
    }
    assert_eq!(kinds(&world), ["acted", "delivered", "opened", "clicked"]);
    let clicked = &world.outcomes[3];
    assert_eq!((clicked.loop_ms, clicked.matched_by), (4 * MINUTE_MS, MatchedBy::DecisionId));
    assert_eq!(clicked.decision_id, world.decisions[0].decision_id);
    assert!(!clicked.is_ghost);
}

#[test]
fn a_sale_within_the_window_is_an_outcome_of_treated_and_held_out_alike() {
    for (arm, is_ghost) in [(Arm::Treated, false), (Arm::HeldOut, true)] {
        let mut world = World::of(&[&message(", holdout_percent: 50")]).in_arm("a", 5_000, arm);
        world.see(touch("view.a", monday()));
        world.see(touch("order.placed", monday() + 6 * DAY_MS).worth(500));
        world.see(touch("order.placed", monday() + 8 * DAY_MS).worth(900));
        assert_eq!(kinds(&world), ["converted"]);
        let DecisionOutcome { matched_by, value, is_ghost: told, .. } = &world.outcomes[0];
        assert_eq!((*matched_by, *told), (MatchedBy::Rule, is_ghost));
        assert_eq!(value.as_ref().map(|money| money.amount_minor), Some(500));
    }
}

#[test]
fn a_trigger_may_say_what_its_outcome_is() {
    let mut world = World::of(&[&message(", outcome: {on: meeting.held, within: 2d}")]);
    world.see(touch("view.a", monday())).see(touch("order.placed", monday() + HOUR_MS).worth(1));
    world.see(touch("meeting.held", monday() + DAY_MS)).see(touch("meeting.held", monday() + 3 * DAY_MS));
    assert_eq!(kinds(&world), ["acted"]);
}

#[test]
fn contacts_during_a_suppression_are_told_with_the_team_that_made_them() {
    let suppress = "{id: s, version: 1, team: care, action: suppress, pattern: [{on: case.opened}], \
                    suppress: {channels: [email, display], for: 2d}}";
    let mut world = World::of(&[suppress]);
    world.see(touch("email.sent", monday() - HOUR_MS).outbound("email", "crm")).see(touch("case.opened", monday()));
    world.see(touch("email.sent", monday() + HOUR_MS).outbound("email", "crm"));
    let receipt = touch("email.sent", monday() + 2 * HOUR_MS).outbound("email", "shop");
    world.see(receipt.property("transactional", "true"));
    world.see(touch("sms.sent", monday() + 3 * HOUR_MS).outbound("sms", "crm"));
    world.see(touch("ad.shown", monday() + 47 * HOUR_MS).outbound("display", "media"));
    world.see(touch("ad.shown", monday() + 49 * HOUR_MS).outbound("display", "media"));
    let leaks: Vec<(&str, i64)> =
        world.outcomes.iter().map(|one| (one.touchpoint_team_id.as_deref().unwrap(), one.loop_ms)).collect();
    assert_eq!(leaks, [("crm", HOUR_MS), ("media", 47 * HOUR_MS)]);
    assert!(kinds(&world).iter().all(|kind| *kind == "leaked"));
}

#[test]
fn contacts_that_a_link_makes_too_many_are_told_once() {
    let config =
        TriggersConfig { caps: vec![json!({"scope": "all", "max": 2, "per": "7d"})], ..TriggersConfig::default() };
    let definition = message("");
    let mut winner = World::with(&[&definition], &config);
    let mut loser = World::with(&[&definition], &config);
    loser.person_id = person(2);
    for hour in [0, 2, 4] {
        winner.see(touch("view.a", monday() + hour * HOUR_MS));
        loser.see(touch("view.a", monday() + (hour + 1) * HOUR_MS));
    }
    assert_eq!((winner.fates(), loser.fates()), (vec!["sent", "sent", "capped"], vec!["sent", "sent", "capped"]));
    winner.history.extend(loser.history.into_iter().map(|event| JourneyEvent { person_id: winner.person_id, ..event }));
    winner.recompute();
    let joined = loser.state.clone();
    winner.step(|engine, person, state, effects| engine.absorb(person, state, joined, effects));
    // Sends at 0, 1, 2 and 3 o'clock: the last two would have been too many.
    assert_eq!(kinds(&winner), ["over_cap", "over_cap"]);
    let mut told: Vec<(i64, Option<&str>)> =
        winner.outcomes.iter().map(|one| (one.occurred_at - monday(), one.detail.as_deref())).collect();
    told.sort();
    let words = |used: usize| Some(format!("{used} used of all 2 per 7d before it"));
    assert_eq!(told, [(2 * HOUR_MS, words(2).as_deref()), (3 * HOUR_MS, words(3).as_deref())]);
    winner.step(|engine, person, state, effects| engine.absorb(person, state, loser.state, effects));
    assert_eq!(winner.outcomes.len(), 2, "told once");
}
