//! What waits of its own will: for a time of day, for others to compete with, for touches that come late.

use serde_json::json;
use tributary_model::JourneyEvent;
use tributary_model::time::{HOUR_MS, MINUTE_MS};

use super::harness::{TouchExt, World, monday, touch};
use crate::TriggersConfig;
use crate::state::MAX_HELD;

fn message(id: &str, rest: &str) -> String {
    format!(
        "{{id: {id}, version: 1, team: {id}-team, action: message, channels: [email], consent: opt_out, \
         pattern: [{{on: [view.{id}, view.all]}}], reentry: {{per: touchpoint}}{rest}}}"
    )
}

fn view(what: &str, minutes: i64) -> JourneyEvent {
    touch(&format!("view.{what}"), monday() + minutes * MINUTE_MS)
}

fn competing(window: &str, scope: &str) -> TriggersConfig {
    let arbitration = Some(json!({"window": window, "scope": scope}));
    TriggersConfig { arbitration, ..TriggersConfig::default() }
}

fn told(world: &World) -> Vec<(&str, &'static str)> {
    world.decisions.iter().map(|decision| decision.trigger_id.as_str()).zip(world.fates()).collect()
}

#[test]
fn what_is_to_be_sent_later_is_checked_then_and_valid_from_then() {
    let later = message("a", ", send: {after: 2h}, validity: 1h");
    let mut world = World::of(&[&later]);
    world.see(view("a", 0)).pass_to(monday() + 2 * HOUR_MS - 1);
    assert!(world.decisions.is_empty());
    world.pass_to(monday() + 2 * HOUR_MS);
    let decision = world.only();
    assert_eq!((decision.decided_at, decision.judged_at), (monday(), Some(monday() + 2 * HOUR_MS)));
    assert_eq!(decision.valid_until_at, monday() + 3 * HOUR_MS);

    let mut objects = World::of(&[&later]);
    objects.see(view("a", 0)).see(touch("consent.changed", monday() + HOUR_MS).consent("email", "*", false));
    objects.pass_to(monday() + 3 * HOUR_MS);
    assert_eq!(objects.fates(), ["no_consent"]);
}

#[test]
fn next_morning_is_the_persons_morning() {
    let mut world = World::of(&[&message("a", ", send: {at: '09:00', weekdays: [tue]}")]);
    world.see(view("a", 0).property("time_zone", "Asia/Tokyo"));
    // Monday ten in the morning in London is seven in the evening in Tokyo; Tuesday at nine there is midnight here.
    world.pass_to(monday() + 14 * HOUR_MS - 1);
    assert!(world.decisions.is_empty());
    world.pass_to(monday() + 14 * HOUR_MS);
    assert_eq!(world.fates(), ["sent"]);
}

#[test]
fn messages_within_the_window_compete_and_the_losers_are_told() {
    let triggers = [message("a", ", priority: 1"), message("b", ", priority: 9"), message("c", "")];
    let texts: Vec<&str> = triggers.iter().map(String::as_str).collect();
    let mut world = World::with(&texts, &competing("10m", "channel"));
    world.see(view("a", 0)).see(view("b", 9)).see(view("c", 11));
    // The window that the first opened has closed at ten minutes; the third opened another.
    assert_eq!(told(&world), [("b", "sent"), ("a", "lost_arbitration")]);
    assert_eq!(world.decisions[1].detail.as_deref(), Some("to b on email"));
    world.pass_to(monday() + 21 * MINUTE_MS);
    assert_eq!(told(&world)[2..], [("c", "sent")]);
}

#[test]
fn one_message_wins_over_all_channels_when_persons_are_the_scope() {
    let sms = message("b", ", priority: 9").replace("[email]", "[sms]");
    let receipt = message("c", ", transactional: true");
    let mut world = World::with(&[&message("a", ""), &sms, &receipt], &competing("10m", "person"));
    world.see(view("all", 0));
    assert_eq!(told(&world), [("c", "sent")], "who is exempt does not wait");
    world.pass_to(monday() + 10 * MINUTE_MS);
    assert_eq!(told(&world)[1..], [("b", "sent"), ("a", "lost_arbitration")]);
    assert_eq!(world.decisions[2].detail.as_deref(), Some("to b on sms"));
}

#[test]
fn what_won_and_waits_for_the_morning_is_not_opened_for_competition_again() {
    let quiet = message("a", ", validity: 2d, quiet_hours: {from: '09:00', to: '12:00', policy: queue}");
    let mut world = World::with(&[&quiet], &competing("10m", "channel"));
    world.see(view("a", 0)).pass_to(monday() + 2 * HOUR_MS);
    assert_eq!(world.fates(), ["sent"]);
    assert_eq!(world.only().judged_at, Some(monday() + 2 * HOUR_MS));
}

#[test]
fn an_absence_is_asked_about_when_its_patience_is_over() {
    let absent = ", absent: {on: order.placed, for: 1h, patience: 5m}";
    let mut world = World::of(&[&message("a", absent)]);
    world.see(view("a", 0)).pass_to(monday() + 65 * MINUTE_MS - 1);
    assert!(world.decisions.is_empty());
    world.pass_to(monday() + 65 * MINUTE_MS);
    assert_eq!(world.only().decided_at, monday() + HOUR_MS);

    let mut late = World::of(&[&message("a", absent)]);
    late.see(view("a", 0)).pass_to(monday() + 63 * MINUTE_MS);
    late.see(touch("order.placed", monday() + 59 * MINUTE_MS)).pass_to(monday() + 2 * HOUR_MS);
    assert_eq!(late.fates(), [] as [&str; 0], "the order came late, and in time");
}

#[test]
fn what_waits_is_prompt_and_a_merge_is_not() {
    let mut world = World::of(&[&message("a", ", send: {after: 2h}"), &message("b", ", absent: {on: x.y, for: 1h}")]);
    let changes = world.insert(view("all", 0));
    let mut wakes = (Vec::new(), Vec::new());
    world.step(|engine, person, state, effects| {
        use tributary_model::step::PersonStep;
        engine.on_journey(person, &changes, state, effects);
        wakes = (effects.wake_promptly_at.clone(), effects.wake_at.clone());
    });
    assert_eq!(wakes, (vec![monday() + 2 * HOUR_MS], vec![monday() + HOUR_MS]));
}

#[test]
fn where_too_many_wait_nothing_is_sent_before_its_time() {
    let mut world = World::of(&[&message("a", ", send: {after: 2h}")]);
    for minute in 0..=MAX_HELD as i64 {
        world.see(view("a", minute));
    }
    assert_eq!(world.fates(), ["capped"]);
    assert_eq!(world.only().detail.as_deref(), Some("64 decisions wait already"));
    world.pass_to(monday() + 4 * HOUR_MS);
    assert_eq!(world.fates().iter().filter(|fate| **fate == "sent").count(), MAX_HELD);
}
