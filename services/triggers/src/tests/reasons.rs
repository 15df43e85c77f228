//! Every reason for which a decision is withheld, and the proof on those that are sent.

use serde_json::json;
use tributary_model::Arm;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, to_rfc3339};

use super::harness::{TouchExt, World, monday, touch};
use crate::TriggersConfig;

/// A message trigger on `view.<id>`, once a touch, that anybody may get who has not objected.
fn message(id: &str, rest: &str) -> String {
    format!(
        "{{id: {id}, version: 3, team: {id}-team, action: message, channels: [email, push], consent: opt_out, \
         pattern: [{{on: [view.{id}, view.all]}}], reentry: {{per: touchpoint}}{rest}}}"
    )
}

fn view(what: &str, minutes: i64) -> tributary_model::JourneyEvent {
    touch(&format!("view.{what}"), monday() + minutes * MINUTE_MS)
}

fn details(world: &World) -> Vec<&str> {
    world.decisions.iter().map(|decision| decision.detail.as_deref().unwrap_or_default()).collect()
}

#[test]
fn sent_decisions_carry_their_proof_and_their_intent() {
    let mut world = World::of(&[&message(
        "a",
        ", validity: 2h, caps: [{scope: all, max: 2, per: 7d}], \
                                               payload: {at: '{{decision.decided_at}}', fixed: 7}",
    )]);
    world.see(view("a", 0));
    let decision = world.only().clone();
    assert_eq!(decision.detail.as_deref(), Some("no objection to email/marketing; 0 used of all 2 per 7d"));
    assert_eq!((decision.trigger_version, decision.team_id.as_str()), (3, "a-team"));
    assert_eq!(decision.valid_until_at, monday() + 2 * HOUR_MS);
    let intent = &world.intents[0];
    assert_eq!(intent.decision_id, decision.decision_id);
    assert_eq!(intent.payload, format!(r#"{{"at":{},"fixed":7}}"#, monday()));
}

#[test]
fn caps_of_a_trigger_count_its_own_sends() {
    let mut world = World::of(&[&message("a", ", caps: [{scope: trigger, max: 1, per: 1h}]"), &message("b", "")]);
    world.see(view("b", 0)).see(view("a", 1)).see(view("a", 60)).see(view("a", 61));
    assert_eq!(world.fates(), ["sent", "sent", "capped", "sent"]);
    assert_eq!(details(&world)[2], "1 used of trigger 1 per 1h");
}

#[test]
fn caps_of_a_channel_count_everybody_and_another_channel_may_be_free() {
    let mut world = World::of(&[&message("a", ", caps: [{scope: channel, max: 1, per: 1d}]")]);
    world.see(touch("email.sent", monday() - HOUR_MS).outbound("email", "email")).see(view("a", 0)).see(view("a", 1));
    assert_eq!(world.fates(), ["sent", "capped"]);
    assert_eq!((world.decisions[0].channel.as_str(), world.decisions[1].channel.as_str()), ("push", "email"));
}

#[test]
fn contact_pressure_counts_sales_calls_and_paid_media_and_no_outcome_twice() {
    let mut world = World::of(&[&message("a", ", caps: [{scope: all, max: 4, per: 7d}]")]);
    world.see(touch("call.held", monday() - 3 * HOUR_MS).outbound("sales", "sales"));
    world.see(touch("ad.shown", monday() - 2 * HOUR_MS).outbound("display", "media"));
    world.see(touch("page.viewed", monday() - HOUR_MS)).see(view("a", 0));
    let decision_id = world.only().decision_id.clone();
    for (event_type, minute) in [("email.sent", 1), ("email.delivered", 2)] {
        let outcome = touch(event_type, monday() + minute * MINUTE_MS).outbound("email", "a-team");
        world.see(outcome.change(|event| event.touchpoint.decision_id = Some(decision_id.clone())));
    }
    world.see(view("a", 3)).see(view("a", 4));
    assert_eq!(world.fates(), ["sent", "sent", "capped"]);
    assert_eq!(details(&world)[2], "4 used of all 4 per 7d");
}

#[test]
fn caps_of_a_team_count_the_team_and_a_notice_is_no_contact() {
    let notice =
        "{id: n, version: 1, team: a-team, action: notify, pattern: [{on: view.n}], reentry: {per: touchpoint}}";
    let mut world = World::of(&[&message("a", ", caps: [{scope: team, max: 1, per: day}]"), notice]);
    world.see(touch("ad.shown", monday() - HOUR_MS).outbound("display", "media")).see(view("n", 0));
    world.see(view("a", 1)).see(view("a", 2));
    assert_eq!(world.fates(), ["sent", "sent", "capped"]);
}

#[test]
fn a_days_cap_is_over_at_the_persons_midnight() {
    let config = TriggersConfig {
        caps: vec![json!({"scope": "all", "max": 1, "per": "day"})],
        default_time_zone: "America/New_York".to_owned(),
        ..TriggersConfig::default()
    };
    let mut world = World::with(&[&message("a", "")], &config);
    // Midnight in New York is five in the morning in UTC.
    let midnight = 19 * 60;
    world.see(view("a", 0)).see(view("a", midnight - 1)).see(view("a", midnight)).see(view("a", midnight + 1));
    assert_eq!(world.fates(), ["sent", "capped", "sent", "capped"]);
}

#[test]
fn consent_is_asked_per_channel_and_purpose_and_the_latest_statement_counts() {
    let strict = message("a", "").replace(", consent: opt_out", "");
    let mut world = World::of(&[&strict]);
    world.see(view("a", 0)).see(touch("consent.changed", monday() + MINUTE_MS).consent("push", "marketing", true));
    world.see(view("a", 2)).see(touch("consent.changed", monday() + 3 * MINUTE_MS).consent("*", "marketing", false));
    world.see(view("a", 4)).see(touch("consent.changed", monday() + 5 * MINUTE_MS).consent("email", "*", true));
    world.see(view("a", 6));
    assert_eq!(world.fates(), ["no_consent", "sent", "no_consent", "sent"]);
    let (push, withdrawn) = (monday() + MINUTE_MS, monday() + 3 * MINUTE_MS);
    assert_eq!(details(&world)[0], "email/marketing never given");
    let by = |at: i64| format!("by test:consent.changed@{at} from test at {}", to_rfc3339(at));
    assert_eq!(details(&world)[1], format!("consent push/marketing {}", by(push)));
    assert_eq!(details(&world)[2], format!("email/marketing withdrawn {}", by(withdrawn)));
    assert_eq!(world.decisions[0].consent, None);
    let proof = |index: usize| world.decisions[index].consent.clone().unwrap();
    let (given, taken) = (proof(1), proof(2));
    assert_eq!((given.channel.as_str(), given.purpose.as_str(), given.granted), ("push", "marketing", true));
    assert_eq!((given.occurred_at, given.source.as_str()), (push, "test"));
    assert_eq!((taken.granted, taken.occurred_at), (false, withdrawn));
    assert_eq!(taken.touchpoint_id, format!("test:consent.changed@{withdrawn}"));
}

#[test]
fn an_older_statement_that_comes_late_does_not_overrule_a_newer_one() {
    let mut world = World::of(&[&message("a", "").replace("[email, push]", "[email]")]);
    world.see(touch("email.unsubscribed", monday()).change(|event| event.touchpoint.channel = "email".to_owned()));
    world.see(touch("consent.changed", monday() - DAY_MS).consent("email", "marketing", true)).see(view("a", 1));
    assert_eq!(world.fates(), ["no_consent"]);
}

#[test]
fn transactional_messages_pass_everything_but_an_objection() {
    let config = TriggersConfig {
        caps: vec![json!({"scope": "all", "max": 0, "per": "day"})],
        quiet_hours: Some(json!({"from": "09:00", "to": "11:00"})),
        ..TriggersConfig::default()
    };
    let suppress = "{id: s, version: 1, team: x, action: suppress, pattern: [{on: view.s}], \
                    suppress: {channels: '*', for: 1d}}";
    let receipt = message("a", ", transactional: true, purpose: service");
    let mut world = World::with(&[&receipt, &message("b", ""), suppress], &config);
    world.see(view("s", 0)).see(view("all", 1));
    world.see(touch("consent.changed", monday() + 2 * MINUTE_MS).consent("*", "service", false)).see(view("a", 3));
    assert_eq!(world.fates(), ["sent", "sent", "suppressed", "no_consent"]);
}

#[test]
fn quiet_hours_discard_or_queue_until_they_end() {
    let quiet = |policy: &str| {
        message("a", &format!(", validity: 1d, quiet_hours: {{from: '09:00', to: '11:00', policy: {policy}}}"))
    };
    let mut discards = World::of(&[&quiet("discard")]);
    discards.see(view("a", 0));
    assert_eq!((discards.fates(), details(&discards)), (vec!["quiet_hours"], vec!["until 2026-03-02T11:00:00Z"]));

    let mut queues = World::of(&[&quiet("queue")]);
    queues.see(view("a", 0)).see(view("a", 59));
    assert_eq!(queues.fates(), [] as [&str; 0]);
    queues.pass_to(monday() + HOUR_MS);
    // Both are released at once, and only one of them gets the channel.
    assert_eq!(queues.fates(), ["sent", "lost_arbitration"]);
    assert_eq!(queues.decisions[0].decided_at, monday());
    assert!(queues.timers.is_empty());

    let mut too_long = World::of(&[&quiet("queue").replace("validity: 1d", "validity: 30m")]);
    too_long.see(view("a", 0));
    assert_eq!(too_long.fates(), ["quiet_hours"]);
}

#[test]
fn what_waits_is_judged_afresh_at_the_end() {
    let quiet = message("a", ", validity: 1d, quiet_hours: {from: '09:00', to: '11:00', policy: queue}");
    let mut world = World::of(&[&quiet]);
    world.see(view("a", 0)).see(touch("consent.changed", monday() + MINUTE_MS).consent("*", "*", false));
    world.pass_to(monday() + HOUR_MS);
    assert_eq!(world.fates(), ["no_consent"]);
}

#[test]
fn a_suppression_holds_for_its_time_channels_and_purposes() {
    let suppress = "{id: s, version: 1, team: x, action: suppress, pattern: [{on: view.s}], \
                    suppress: {channels: [email], purposes: [marketing], for: 1h}}";
    let news = message("a", "").replace("[email, push]", "[email]");
    let service = message("b", ", purpose: service").replace("[email, push]", "[email]");
    let mut world = World::of(&[suppress, &news, &service]);
    world.see(view("a", -1)).see(view("s", 0)).see(view("a", 1)).see(view("b", 2)).see(view("a", 60));
    assert_eq!(world.fates(), ["sent", "sent", "suppressed", "sent", "sent"]);
    assert_eq!(details(&world)[2], format!("by s until {}", to_rfc3339(monday() + HOUR_MS)));
}

#[test]
fn a_suppression_of_the_same_moment_goes_before_messages() {
    let suppress = "{id: z, version: 1, team: x, action: suppress, pattern: [{on: view.all}], priority: -5, \
                    suppress: {channels: '*', for: 1h}}";
    let mut world = World::of(&[&message("a", ", priority: 100"), suppress]);
    world.see(view("all", 0));
    assert_eq!(world.fates(), ["sent", "suppressed"]);
}

#[test]
fn one_message_a_channel_and_moment_by_priority_then_value() {
    let mut world = World::of(&[
        &message("a", ", priority: 1, expected_value_minor: 900"),
        &message("b", ", priority: 2, expected_value_minor: 100"),
        &message("c", ", priority: 2, expected_value_minor: 200"),
        &message("d", "").replace("[email, push]", "[sms]"),
        &message("e", ", priority: -9, transactional: true"),
    ]);
    world.see(view("all", 0));
    let by_trigger: Vec<(&str, &str)> =
        world.decisions.iter().map(|decision| decision.trigger_id.as_str()).zip(world.fates()).collect();
    let lost = "lost_arbitration";
    assert_eq!(by_trigger, [("c", "sent"), ("b", lost), ("a", lost), ("d", "sent"), ("e", "sent")]);
    assert_eq!(details(&world)[1], "to c on email");
}

#[test]
fn a_ghost_passes_every_check_takes_no_channel_and_counts_for_its_own_cap_only() {
    let experiment = message("a", ", priority: 5, holdout_percent: 50, caps: [{scope: trigger, max: 1, per: 7d}]");
    let other = message("b", ", caps: [{scope: all, max: 1, per: 7d}]");
    let mut world = World::of(&[&experiment, &other]).in_arm("a", 5_000, Arm::HeldOut);
    world.see(view("all", 0)).see(view("a", 1));
    assert_eq!(world.fates(), ["held_out", "sent", "capped"]);
    assert!(world.decisions.iter().filter(|d| d.trigger_id == "a").all(|d| d.arm == Arm::HeldOut));
    assert_eq!(world.intents.len(), 1);

    let strict = experiment.replace(", consent: opt_out", "");
    let mut refused = World::of(&[&strict]).in_arm("a", 5_000, Arm::HeldOut);
    refused.see(view("a", 0));
    assert_eq!(refused.fates(), ["no_consent"], "held out only when it would have been sent");
}

#[test]
fn too_late_is_expired() {
    let mut world = World::of(&[&message("a", ", validity: 1h")]);
    world.see(touch("page.viewed", monday() + 61 * MINUTE_MS)).see(view("a", 1)).see(view("a", 0));
    assert_eq!(world.fates(), ["sent", "expired"]);
    let detail = "valid until 2026-03-02T11:00:00Z, decided at 2026-03-02T11:01:00Z";
    assert_eq!(details(&world)[1], detail);
}
