//! A sent decision, judged again when it is about to leave the hub late.

use tributary_model::step::{PersonStep, PersonView};
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, to_rfc3339};
use tributary_model::{Past, Permission, Recheck};

use super::harness::{TouchExt, World, monday, touch};

/// A message on `view`, to anybody who has not objected.
fn message(rest: &str) -> String {
    format!(
        "{{id: a, version: 1, team: a-team, action: message, channels: [email, push], consent: opt_out, validity: 1d, \
         pattern: [{{on: view.page}}], reentry: {{per: touchpoint}}{rest}}}"
    )
}

/// A world in which a message was just sent.
fn sent(definitions: &[&str]) -> World {
    let mut world = World::of(definitions);
    world.see(touch("view.page", monday()));
    assert_eq!(world.fates(), ["sent"]);
    world
}

/// What is said of the first decision at this time: `send`, the reason with its detail, or until when to wait.
fn again(world: &World, at: i64) -> String {
    let decision = &world.decisions[0];
    let asked = Recheck {
        person_id: world.person_id,
        destination: "crm".to_owned(),
        decision_id: decision.decision_id.clone(),
        trigger_id: decision.trigger_id.clone(),
        channel: decision.channel.clone(),
        decided_at: decision.decided_at,
        valid_until_at: decision.valid_until_at,
        asked_at: at,
    };
    let history: Vec<Past<'_>> = world.history.iter().map(Past::of).collect();
    let person = PersonView {
        person_id: world.person_id,
        experiment_id: world.person_id,
        history: &history,
        via: None,
        merge_pending: world.merge_pending,
    };
    match world.engine.recheck(person, &asked, &world.state) {
        Permission::Send => "send".to_owned(),
        Permission::Withhold { reason, detail } => reason.with(&detail),
        Permission::Postpone { until_at } => to_rfc3339(until_at),
    }
}

fn soon() -> i64 {
    monday() + HOUR_MS
}

#[test]
fn its_own_reservation_does_not_count_and_those_of_others_do() {
    let world = &mut sent(&[&message(", caps: [{scope: all, max: 1, per: 1d}]")]);
    assert_eq!(again(world, soon()), "send");
    world.see(touch("email.sent", monday() + MINUTE_MS).outbound("email", "somebody"));
    assert_eq!(again(world, soon()), "capped: 1 used of all 1 per 1d");
    assert_eq!(again(world, monday() + DAY_MS + 2 * MINUTE_MS), "send", "the others' message has left the window");
}

#[test]
fn a_withdrawal_counts_and_another_channel_is_not_taken_instead() {
    let world = &mut sent(&[&message("")]);
    world.see(touch("consent.changed", monday() + MINUTE_MS).consent("email", "marketing", false));
    let answer = again(world, soon());
    assert!(answer.starts_with("no_consent: email/marketing withdrawn by test:consent.changed"), "{answer}");
}

#[test]
fn a_suppression_that_began_meanwhile_holds_until_it_ends() {
    let suppress = "{id: s, version: 1, team: x, action: suppress, pattern: [{on: stop.now}], \
                    suppress: {channels: [email], for: 2h}}";
    let world = &mut sent(&[&message(""), suppress]);
    world.see(touch("stop.now", monday() + MINUTE_MS));
    assert_eq!(again(world, soon()), "suppressed: by s until 2026-03-02T12:01:00Z");
    assert_eq!(again(world, monday() + 3 * HOUR_MS), "send");
}

#[test]
fn at_night_it_waits_for_the_morning_if_it_is_valid_then() {
    let world = &mut sent(&[&message(", quiet_hours: {from: '21:00', to: '08:00', policy: queue}")]);
    assert_eq!(again(world, monday() + 12 * HOUR_MS), "2026-03-03T08:00:00Z");
    let world = &mut sent(&[&message(", quiet_hours: {from: '21:00', to: '08:00', policy: discard}")]);
    assert_eq!(again(world, monday() + 12 * HOUR_MS), "quiet_hours: until 2026-03-03T08:00:00Z");
}

#[test]
fn it_waits_for_a_merge_and_ends_with_its_trigger() {
    let world = &mut sent(&[&message("")]);
    world.merge_pending = true;
    assert_eq!(again(world, soon()), "2026-03-02T11:00:05Z");
    let mut without = World::of(&[]);
    (without.decisions, without.history) = (world.decisions.clone(), world.history.clone());
    assert_eq!(again(&without, soon()), "suppressed: the trigger a does not run any more");
}
