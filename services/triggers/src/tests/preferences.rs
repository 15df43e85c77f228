//! The channel that suits the person.

use serde_json::json;
use tributary_model::JourneyEvent;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::harness::{TouchExt, World, monday, touch};
use crate::TriggersConfig;

const MESSAGE: &str = "{id: a, version: 1, team: x, action: message, channels: [email, sms], channel_choice: preference, \
                       consent: opt_out, pattern: [{on: view.a}], reentry: {per: touchpoint}}";

fn reply(event_type: &str, channel: &str, at: i64) -> JourneyEvent {
    touch(event_type, at).change(|event| event.touchpoint.channel = channel.to_owned())
}

/// Contacts on a channel on so many days before Monday, of which the first `answered` are answered an hour later.
fn talk(world: &mut World, (sent, answer): (&str, &str), channel: &str, days: i64, answered: i64) {
    for day in 0..days {
        let at = monday() - (days - day) * DAY_MS;
        world.see(touch(sent, at).outbound(channel, "x"));
        if day < answered {
            world.see(reply(answer, channel, at + HOUR_MS));
        }
    }
}

#[test]
fn who_answers_text_messages_gets_them_and_is_told_why() {
    let mut world = World::of(&[MESSAGE]);
    world.see(touch("view.a", monday() - 30 * DAY_MS));
    assert_eq!(world.only().channel, "email", "nothing is known: the order written");
    talk(&mut world, ("email.sent", "email.clicked"), "email", 8, 0);
    talk(&mut world, ("sms.sent", "sms.replied"), "sms", 4, 3);
    world.see(touch("view.a", monday()));
    let decision = &world.decisions[1];
    assert_eq!(decision.channel, "sms");
    let why = decision.channel_reason.clone().unwrap();
    assert!(why.starts_with("sms 0.2") && why.contains("(3 of 4 responded to), email 0.0"), "{why}");
    assert!(why.ends_with("(0 of 8 responded to)"), "{why}");
}

#[test]
fn a_channel_without_consent_is_passed_over_whatever_is_preferred() {
    let mut world = World::of(&[MESSAGE]);
    talk(&mut world, ("sms.sent", "sms.replied"), "sms", 4, 4);
    world.see(touch("consent.changed", monday() - HOUR_MS).consent("sms", "marketing", false));
    world.see(touch("view.a", monday()));
    assert_eq!(world.only().channel, "email");
}

#[test]
fn one_contact_has_one_response_and_an_old_one_none() {
    let mut world = World::of(&[MESSAGE]);
    world.see(touch("sms.sent", monday() - 20 * DAY_MS).outbound("sms", "x"));
    for minute in 0..3 {
        world.see(reply("sms.replied", "sms", monday() - 12 * DAY_MS + minute * MINUTE_MS));
    }
    world.see(touch("sms.sent", monday() - 3 * DAY_MS).outbound("sms", "x"));
    for minute in 0..3 {
        world.see(reply("sms.replied", "sms", monday() - 2 * DAY_MS + minute * MINUTE_MS));
    }
    world.see(touch("view.a", monday()));
    let why = world.only().channel_reason.clone().unwrap();
    assert!(why.contains("(1 of 2 responded to)"), "{why}");
}

#[test]
fn priors_decide_before_anything_is_known_and_wear_off() {
    let preference = json!({"priors": {"sms": 0.4, "email": 0.1}, "strength": 5});
    let config = TriggersConfig { preference: Some(preference), ..TriggersConfig::default() };
    let mut world = World::with(&[MESSAGE], &config);
    world.see(touch("view.a", monday() - 30 * DAY_MS));
    assert_eq!(world.decisions[0].channel, "sms");
    talk(&mut world, ("sms.sent", "sms.replied"), "sms", 25, 0);
    world.see(touch("view.a", monday()));
    assert_eq!(world.decisions[1].channel, "email");
}
