//! Two persons become one: what waits, what is recognised, what is contaminated, and the laws of absorbing.

use tributary_model::step::PersonStep;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_model::{Arm, Identifier, JourneyEvent};

use super::harness::{TouchExt, World, monday, person, touch};
use crate::TriggerState;

fn message(rest: &str) -> String {
    format!(
        "{{id: t, version: 1, team: x, action: message, channels: [email], consent: opt_out, validity: 1d, {rest}}}"
    )
}

/// Merges `loser` into `winner`: the union of the journeys, then the loser's state.
fn merge(winner: &mut World, loser: World) {
    winner.merge_pending = false;
    winner.history.extend(loser.history.into_iter().map(|event| JourneyEvent { person_id: winner.person_id, ..event }));
    winner.recompute();
    winner.step(|engine, person, state, effects| engine.absorb(person, state, loser.state, effects));
}

fn other(definition: &str) -> World {
    let mut world = World::of(&[definition]);
    world.person_id = person(2);
    world
}

#[test]
fn while_a_merge_is_pending_decisions_wait_and_are_made_on_the_union() {
    let definition = message("pattern: [{on: a.a}], condition: .person.totals.order_count == 0");
    let mut winner = World::of(&[&definition]);
    winner.merge_pending = true;
    winner.see(touch("a.a", monday()));
    assert!(winner.decisions.is_empty());
    let mut bought_before = other(&definition);
    bought_before.see(touch("order.placed", monday() - DAY_MS).worth(1));
    merge(&mut winner, bought_before);
    assert!(winner.decisions.is_empty(), "the union has an order: {:?}", winner.decisions);

    let mut winner = World::of(&[&definition]);
    winner.merge_pending = true;
    winner.see(touch("a.a", monday()));
    merge(&mut winner, other(&definition));
    assert_eq!(winner.fates(), ["sent"]);
}

#[test]
fn a_merge_that_does_not_come_is_not_waited_for_longer_than_allowed() {
    let mut world = World::of(&[&message("pattern: [{on: a.a}], reentry: {per: touchpoint}")]);
    world.merge_pending = true;
    world.see(touch("a.a", monday())).see(touch("a.a", monday() + 4 * MINUTE_MS)).pass_to(monday() + 5 * MINUTE_MS);
    assert_eq!(world.fates(), ["sent"]);
    world.merge_pending = false;
    world.see(touch("b.b", monday() + 6 * MINUTE_MS));
    assert_eq!(world.fates(), ["sent", "sent"]);
}

#[test]
fn what_the_other_person_fired_is_not_fired_again() {
    for reentry in ["once", "{per: touchpoint}", "{per: session}", "{per: order}", "{per: day}", "{per: 7d}"] {
        let definition = message(&format!("pattern: [{{on: a.a}}], reentry: {reentry}"));
        let mut winner = World::of(&[&definition]);
        let mut loser = other(&definition);
        winner.see(touch("b.b", monday() - 10 * MINUTE_MS));
        loser.see(touch("a.a", monday()).order("A"));
        assert_eq!(loser.fates(), ["sent"]);
        merge(&mut winner, loser);
        let restated = winner.history.clone();
        winner.step(|engine, person, state, effects| engine.on_journey(person, &restated, state, effects));
        assert_eq!(winner.fates(), [] as [&str; 0], "{reentry}");
    }
}

#[test]
fn a_pattern_across_both_persons_completes_on_the_union() {
    let definition = message("pattern: [{on: a.a}, {on: b.b, within: 1d}]");
    let (mut winner, mut loser) = (World::of(&[&definition]), other(&definition));
    winner.see(touch("b.b", monday()));
    loser.see(touch("a.a", monday() - HOUR_MS));
    merge(&mut winner, loser);
    assert_eq!(winner.fates(), ["sent"]);
}

#[test]
fn an_absence_the_loser_waited_for_is_judged_on_the_union() {
    let definition = message("pattern: [{on: a.a}], absent: {on: b.b, for: 1h}");
    for (broken_at, expected) in [(None, 1), (Some(monday() + 30 * MINUTE_MS), 0)] {
        let (mut winner, mut loser) = (World::of(&[&definition]), other(&definition));
        loser.see(touch("a.a", monday()));
        winner.see(touch("c.c", monday()));
        if let Some(at) = broken_at {
            winner.see(touch("b.b", at));
        }
        merge(&mut winner, loser);
        winner.pass_to(monday() + 2 * HOUR_MS);
        assert_eq!(winner.decisions.len(), expected);
    }
}

#[test]
fn exposure_in_both_arms_contaminates_and_caps_see_both_persons_sends() {
    let definition = message(
        "pattern: [{on: a.a}], reentry: {per: touchpoint}, holdout_percent: 50, caps: [{scope: trigger, max: 2, per: 7d}]",
    );
    let mut winner = World::of(&[&definition]).in_arm("t", 5_000, Arm::Treated);
    let mut loser = World::of(&[&definition]).in_arm("t", 5_000, Arm::HeldOut);
    winner.see(touch("a.a", monday()));
    loser.see(touch("a.a", monday() + MINUTE_MS));
    assert_eq!((winner.fates(), loser.fates()), (vec!["sent"], vec!["held_out"]));
    merge(&mut winner, loser);
    winner.see(touch("a.a", monday() + HOUR_MS)).see(touch("a.a", monday() + 8 * DAY_MS));
    assert_eq!(winner.fates(), ["sent", "capped", "contaminated"]);
    assert_eq!(winner.decisions[2].detail.as_deref(), Some("a merge joined both arms of t:t"));
    assert_eq!(winner.intents.len(), 1);
}

#[test]
fn the_arm_of_the_first_exposure_stays_when_the_share_changes_or_persons_merge() {
    let at_share = |percent: u32| {
        message(&format!("pattern: [{{on: a.a}}], reentry: {{per: touchpoint}}, holdout_percent: {percent}"))
    };
    let mut world = World::of(&[&at_share(1)]).in_arm("t", 100, Arm::Treated);
    world.see(touch("a.a", monday()));
    let mut later = World::of(&[&at_share(100)]);
    later.person_id = world.person_id;
    later.state = world.state.clone();
    later.see(touch("a.a", monday() + 1));
    assert_eq!(later.fates(), ["sent"]);
}

#[test]
fn states_survive_their_encoding() {
    let mut world = World::shipped("cart-abandoned welcome-new-customer bought-in-store-suppress-ads");
    world.see(touch("consent.changed", monday()).consent("email", "marketing", true));
    world.see(touch("store.purchased", monday() + 1).worth(5)).see(touch("cart.updated", monday() + 2));
    let text = serde_json::to_string(&world.state).unwrap();
    assert_eq!(serde_json::from_str::<TriggerState>(&text).unwrap(), world.state);
    assert_eq!(std::mem::size_of::<TriggerState>(), 8, "nothing but a pointer for those of whom nothing is known");
}

#[test]
fn consents_go_with_the_identifiers_by_which_they_came_and_sends_stay_with_both() {
    let definition =
        message("pattern: [{on: a.a}], reentry: {per: touchpoint}").replace("consent: opt_out", "consent: required");
    let mut world = World::of(&[&definition]);
    let [own, theirs] = ["own", "theirs"].map(|value| Identifier::new("email", value));
    world.via = Some(own.clone());
    world.see(touch("consent.changed", monday()).consent("email", "marketing", true));
    world.via = Some(theirs.clone());
    world.see(touch("consent.changed", monday() + 1).consent("email", "marketing", false));
    world.see(touch("a.a", monday() + 2));
    let mut state = world.state.clone();
    let gone = world.engine.take(&mut state, &|via, _| *via == theirs);
    let mut other = self::other(&definition);
    (world.state, other.state) = (state, gone);
    world.see(touch("a.a", monday() + 3));
    other.see(touch("a.a", monday() + 3));
    assert_eq!((world.fates(), other.fates()), (vec!["no_consent", "sent"], vec!["no_consent"]));
    assert!(
        !world.decisions[0].consent.as_ref().unwrap().granted && world.decisions[1].consent.as_ref().unwrap().granted
    );
    let mut nothing = TriggerState::default();
    assert_eq!(world.engine.take(&mut nothing, &|_, _| true), TriggerState::default());
}
