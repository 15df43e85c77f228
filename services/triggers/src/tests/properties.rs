//! What holds for every journey.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_model::{Arm, Fate, JourneyEvent, WithheldReason};

use super::harness::{TouchExt, World, monday, touch};
use crate::TriggerState;

const TYPES: [&str; 6] =
    ["page.viewed", "cart.updated", "order.placed", "email.sent", "coupon.offered", "consent.changed"];

const MESSAGE: &str = "{id: view, version: 1, team: web, action: message, channels: [email, push], consent: opt_out, \
    validity: 30d, pattern: [{on: page.viewed}], reentry: {per: touchpoint}, holdout_percent: 30, priority: 3, \
    caps: [{scope: trigger, max: 3, per: 6h}, {scope: channel, max: 2, per: day}]}";
const SEQUENCE: &str = "{id: sequence, version: 1, team: shop, action: message, channels: [push], consent: opt_out, \
    validity: 60d, pattern: [{on: page.viewed, count: 2, within: 4h}, {on: cart.updated, within: 1d}], \
    reentry: {per: touchpoint}, caps: [{scope: team, max: 1, per: 12h}]}";
const ABSENCE: &str = "{id: absence, version: 1, team: crm, action: message, channels: [email], validity: 9d, \
    pattern: [{on: cart.updated}], absent: {on: order.placed, for: 2h}, reentry: {per: session}}";
const SUPPRESS: &str = "{id: suppress, version: 1, team: media, action: suppress, pattern: [{on: order.placed}], \
    reentry: {per: order}, validity: 60d, suppress: {channels: [email], for: 3h}}";

fn config() -> crate::TriggersConfig {
    crate::TriggersConfig {
        caps: vec![serde_json::json!({"scope": "all", "max": 4, "per": "1d"})],
        quiet_hours: Some(serde_json::json!({"from": "22:00", "to": "06:00", "policy": "queue"})),
        ..crate::TriggersConfig::default()
    }
}

fn world() -> World {
    World::with(&[MESSAGE, SEQUENCE, ABSENCE, SUPPRESS], &config())
}

/// Touches of mixed kinds at distinct minutes of three days.
fn touches() -> impl Strategy<Value = Vec<JourneyEvent>> {
    prop::collection::btree_map(0_i64..3 * 24 * 60, (0..TYPES.len(), any::<bool>()), 1..40).prop_map(|kinds| {
        let one = |(minute, (kind, flag)): (i64, (usize, bool))| {
            let event = touch(TYPES[kind], monday() + minute * MINUTE_MS);
            match TYPES[kind] {
                "email.sent" => event.outbound(if flag { "email" } else { "push" }, if flag { "email" } else { "web" }),
                "order.placed" => event.worth(100).order(if flag { "A" } else { "B" }),
                "consent.changed" => event.consent("email", "marketing", flag),
                _ => event,
            }
        };
        kinds.into_iter().map(one).collect()
    })
}

fn shuffled() -> impl Strategy<Value = (Vec<JourneyEvent>, Vec<JourneyEvent>)> {
    touches().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
}

fn lived(events: &[JourneyEvent]) -> World {
    let mut world = world();
    for event in events {
        world.see(event.clone());
    }
    world.pass_to(monday() + 10 * DAY_MS);
    world
}

/// What a decision is about: everything but what became of it.
fn eligible(world: &World, trigger_id: &str) -> BTreeSet<(String, i64)> {
    let about = world.decisions.iter().filter(|decision| decision.trigger_id == trigger_id);
    about.map(|decision| (decision.decision_id.clone(), decision.decided_at)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arrival_order_changes_no_facts((sorted, shuffled) in shuffled()) {
        let (first, second) = (lived(&sorted), lived(&shuffled));
        for trigger_id in ["view", "sequence"] {
            prop_assert_eq!(eligible(&first, trigger_id), eligible(&second, trigger_id));
        }
        let consents = |world: &World| world.state.facts().map(|facts| facts.consents.clone()).unwrap_or_default();
        prop_assert_eq!(consents(&first), consents(&second));
        let orders = |world: &World| eligible(world, "suppress").into_iter().map(|(id, _)| id).collect::<BTreeSet<_>>();
        prop_assert_eq!(orders(&first), orders(&second));
        let idle = |world: &World| world.state.facts().is_none_or(|facts| facts.waits.is_empty() && facts.held.is_empty());
        prop_assert!(idle(&first) && idle(&second), "nothing waits for ever");
    }

    #[test]
    fn each_decision_is_made_once_and_each_sent_one_has_its_intent((_, events) in shuffled()) {
        let mut world = lived(&events);
        let ids: BTreeSet<&String> = world.decisions.iter().map(|decision| &decision.decision_id).collect();
        prop_assert_eq!(ids.len(), world.decisions.len());
        let sent: Vec<&String> =
            world.decisions.iter().filter(|d| d.fate == Fate::Sent).map(|d| &d.decision_id).collect();
        let intents: Vec<&String> = world.intents.iter().map(|intent| &intent.decision_id).collect();
        prop_assert_eq!(sent, intents);
        for decision in &world.decisions {
            prop_assert_eq!(decision.fate == Fate::Sent, decision.reason.is_none());
            prop_assert!(decision.arm == Arm::HeldOut || decision.reason != Some(WithheldReason::HeldOut));
            prop_assert!(!decision.evidence.is_empty());
        }
        let again = lived(&events);
        prop_assert_eq!(&again.decisions, &world.decisions);
        prop_assert_eq!(&again.intents, &world.intents);

        let said = world.decisions.len();
        let restated = world.history.clone();
        world.step(|engine, person, state, effects| {
            tributary_model::step::PersonStep::on_journey(engine, person, &restated, state, effects);
        });
        world.pass_to(monday() + 20 * DAY_MS);
        prop_assert_eq!(world.decisions.len(), said, "a replay says nothing twice");
    }

    #[test]
    fn no_cap_is_exceeded_in_any_order((_, events) in shuffled()) {
        let world = lived(&events);
        let facts = world.state.facts().cloned().unwrap_or_default();
        let sends: Vec<_> = facts.contacts.sends().map(|(_, send)| send.clone()).collect();
        let most = |span_ms: i64, counts: &dyn Fn(&crate::contact::Send) -> bool| {
            let in_window = |end: i64| sends.iter().filter(|s| counts(s) && s.at > end - span_ms && s.at <= end).count();
            sends.iter().map(|send| in_window(send.at)).max().unwrap_or(0)
        };
        let reaches = |send: &crate::contact::Send| send.reaches_person && !send.is_ghost;
        prop_assert!(most(DAY_MS, &reaches) <= 4);
        prop_assert!(most(6 * HOUR_MS, &|send| send.trigger_id == "view") <= 3);
        prop_assert!(most(12 * HOUR_MS, &|send| reaches(send) && send.trigger_id == "sequence") <= 1);
    }

    #[test]
    fn absorbing_is_associative_commutative_and_idempotent(a in touches(), b in touches(), c in touches()) {
        let states = [a, b, c].map(|events| {
            let mut world = world();
            for event in events {
                world.see(event);
            }
            world.state
        });
        let join = |left: &TriggerState, right: &TriggerState| {
            let mut joined = left.clone();
            joined.absorb(right.clone());
            joined
        };
        let [a, b, c] = &states;
        prop_assert_eq!(join(a, b), join(b, a));
        prop_assert_eq!(join(&join(a, b), c), join(a, &join(b, c)));
        prop_assert_eq!(&join(a, a), a);
        prop_assert_eq!(join(&join(a, b), b), join(a, b));
    }
}
