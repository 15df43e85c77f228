//! Hold-outs by household, the global control group, and who is no use to an experiment.

use serde_json::json;
use tributary_model::time::{DAY_MS, MINUTE_MS};
use tributary_model::{Arm, EnrolmentStatus, Identifier, JourneyEvent};

use super::harness::{TouchExt, World, monday, person, touch};
use crate::enrolled::enrolments;
use crate::{TriggerState, TriggersConfig};

const MESSAGE: &str = "{id: a, version: 1, team: x, action: message, channels: [email], consent: opt_out, \
                       pattern: [{on: view.a}], reentry: {per: touchpoint}";

fn message(rest: &str) -> String {
    format!("{MESSAGE}{rest}}}")
}

fn view(minutes: i64) -> JourneyEvent {
    touch("view.a", monday() + minutes * MINUTE_MS)
}

fn at_home(household: u32, minutes: i64) -> JourneyEvent {
    let identifier = Identifier::new("household_id", household.to_string());
    view(minutes).change(|event| event.touchpoint.account_identifiers.push(identifier))
}

fn of_person(number: u32, definition: &str, config: &TriggersConfig) -> World {
    let mut world = World::with(&[definition], config);
    world.person_id = person(number);
    world
}

#[test]
fn a_household_is_held_out_together_and_its_share_is_right() {
    let by_household = message(", holdout_percent: 30, holdout_by: household");
    let mut held_out = 0;
    for household in 0..400 {
        let arms: Vec<Arm> = (0..3)
            .map(|member| {
                let mut world = of_person(household * 3 + member, &by_household, &TriggersConfig::default());
                world.see(at_home(household, 0));
                world.only().arm
            })
            .collect();
        assert!(arms.iter().all(|arm| *arm == arms[0]), "household {household}: {arms:?}");
        held_out += u32::from(arms[0] == Arm::HeldOut);
    }
    // Four standard deviations of a share of 0.3 in 400.
    assert!((83..=157).contains(&held_out), "{held_out} of 400");
}

#[test]
fn who_has_no_household_is_drawn_alone() {
    let by_household = message(", holdout_percent: 50, holdout_by: household");
    let alone = message(", holdout_percent: 50");
    for number in 0..50 {
        let arm = |definition: &str| {
            let mut world = of_person(number, definition, &TriggersConfig::default());
            world.see(view(0));
            world.only().arm
        };
        assert_eq!(arm(&by_household), arm(&alone));
    }
}

#[test]
fn who_moves_to_a_household_of_the_other_arm_tells_nothing_any_more() {
    let by_household = message(", holdout_percent: 50, holdout_by: household");
    let arm_of = |household| {
        let mut world = of_person(1, &by_household, &TriggersConfig::default());
        world.see(at_home(household, 0));
        world.only().arm
    };
    let other = (1..100).find(|household| arm_of(*household) != arm_of(0)).unwrap();
    let mut world = of_person(1, &by_household, &TriggersConfig::default());
    world.see(at_home(0, 0)).see(at_home(other, 1));
    assert_eq!(world.fates()[1], "contaminated");
    let detail = world.decisions[1].detail.clone().unwrap();
    assert_eq!(detail, "now among others than when the arm of a:a was fixed");
}

#[test]
fn the_global_control_group_gets_no_message_of_anybody_and_its_receipts() {
    let config = TriggersConfig {
        global_control: Some(json!({"holdout_percent": 20, "seed": "2026"})),
        ..TriggersConfig::default()
    };
    let receipt = message(", transactional: true").replace("id: a", "id: r");
    let mut held_out = 0;
    for number in 0..500 {
        let mut world = World::with(&[&message(""), &receipt], &config);
        world.person_id = person(number);
        world.see(view(0)).see(view(1));
        let (ours, receipts): (Vec<_>, Vec<_>) = world.decisions.iter().partition(|one| one.trigger_id == "a");
        assert!(receipts.iter().all(|one| one.reason.is_none() && one.experiment.is_none()));
        assert!(ours.iter().all(|one| one.arm == ours[0].arm));
        assert!(ours.iter().all(|one| one.experiment.as_deref() == Some("global:2026")));
        held_out += u32::from(ours[0].arm == Arm::HeldOut);
        let sent = world.intents.iter().filter(|intent| intent.trigger_id == "a").count();
        assert_eq!(sent, if ours[0].arm == Arm::HeldOut { 0 } else { 2 });
    }
    assert!((65..=135).contains(&held_out), "{held_out} of 500");
}

/// What is told of a person, as experiment, arm and how it takes part.
fn told(world: &World) -> Vec<(String, Arm, EnrolmentStatus)> {
    let told = enrolments(world.person_id, &TriggerState::default(), &world.state).into_iter();
    told.map(|one| (one.key.experiment, one.arm, one.status)).collect()
}

#[test]
fn who_is_in_the_global_control_group_takes_part_in_nothing_else() {
    let config = TriggersConfig {
        global_control: Some(json!({"holdout_percent": 50, "seed": "2026"})),
        ..TriggersConfig::default()
    };
    let message = message(", holdout_percent: 50");
    let mut met = std::collections::BTreeSet::new();
    for number in 0..100 {
        let mut world = of_person(number, &message, &config);
        world.see(view(0));
        let of = |experiment: &str, arm| (experiment.to_owned(), arm, EnrolmentStatus::Enrolled);
        let decision = world.only();
        let (experiment, arm) = (decision.experiment.clone().unwrap(), decision.arm);
        met.insert((experiment.clone(), format!("{arm:?}")));
        let expected = match (experiment.as_str(), arm) {
            ("global:2026", Arm::HeldOut) => vec![of("global:2026", Arm::HeldOut)],
            _ => vec![of("a:a", arm), of("global:2026", Arm::Treated)],
        };
        assert_eq!(told(&world), expected, "{number}");
    }
    assert_eq!(met.len(), 3, "{met:?}");
}

#[test]
fn nobody_takes_part_who_would_not_have_been_sent_anything() {
    let needs_consent = message(", holdout_percent: 50").replace("opt_out", "required");
    let mut world = World::of(&[&needs_consent]);
    world.see(view(0));
    assert_eq!((world.fates(), told(&world)), (vec!["no_consent"], Vec::new()));
}

#[test]
fn an_experiment_that_is_run_elsewhere_tells_the_arm_and_both_arms_contaminate() {
    let viewed = |minutes: i64, arm: &str| {
        let properties = [("experiment_id", "mens"), ("arm", arm), ("holdout_percent", "33")];
        touch("experiment.viewed", monday() + minutes * MINUTE_MS).change(|event| {
            let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            event.touchpoint.properties = properties.into_iter().map(text).collect();
        })
    };
    let mut world = World::of(&[&message("")]);
    world.see(viewed(5, "held_out")).see(viewed(9, "held_out"));
    let [one] = enrolments(world.person_id, &TriggerState::default(), &world.state).try_into().unwrap();
    assert_eq!((one.key.experiment.as_str(), one.key.holdout_buckets, one.arm), ("external:mens", 3_300, Arm::HeldOut));
    assert_eq!(one.enrolled_at, monday() + 5 * MINUTE_MS);
    world.see(viewed(20, "treated"));
    assert_eq!(told(&world), [("external:mens".to_owned(), Arm::Treated, EnrolmentStatus::Contaminated)]);
}

#[test]
fn an_arm_once_fixed_outlasts_a_change_of_the_share() {
    let (few, many) = (message(", holdout_percent: 1"), message(", holdout_percent: 99"));
    let mut world = World::of(&[&few]).in_arm("a", 100, Arm::Treated);
    world.see(view(0));
    assert_eq!(world.fates(), ["sent"]);
    let mut changed = World::of(&[&many]);
    (changed.person_id, changed.state, changed.history) = (world.person_id, world.state, world.history);
    changed.see(touch("view.a", monday() + DAY_MS));
    assert_eq!(changed.fates(), ["sent"]);
}

#[test]
fn a_household_keeps_its_arm_when_the_share_changes() {
    let few = message(", holdout_percent: 1, holdout_by: household");
    let many = message(", holdout_percent: 99, holdout_by: household");
    let is_treated = |household: &u32| {
        let mut world = of_person(1, &few, &TriggersConfig::default());
        world.see(at_home(*household, 0));
        world.only().arm == Arm::Treated
    };
    let is_held_out_later = |household: &u32| {
        let mut world = of_person(1, &many, &TriggersConfig::default());
        world.see(at_home(*household, 0));
        world.only().arm == Arm::HeldOut
    };
    let household = (0..100).find(|household| is_treated(household) && is_held_out_later(household)).unwrap();
    let mut world = of_person(1, &few, &TriggersConfig::default());
    world.see(at_home(household, 0));
    let mut changed = of_person(1, &many, &TriggersConfig::default());
    (changed.state, changed.history) = (world.state, world.history);
    changed.see(at_home(household, 1));
    assert_eq!(changed.fates(), ["sent"]);
}
