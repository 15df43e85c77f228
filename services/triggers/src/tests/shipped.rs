//! Each shipped trigger by a small story.

use tributary_model::Arm;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::harness::{TouchExt, World, fate, monday, touch};
use crate::Definitions;

fn consented(world: &mut World) {
    world.see(touch("consent.changed", monday() - DAY_MS).consent("email", "marketing", true));
}

#[test]
fn the_shipped_definitions_are_right_and_have_distinct_teams_with_topics() {
    let definitions = Definitions::builtin().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(definitions.iter().count(), 20);
    let teams = ["brand", "care", "ecommerce", "email", "media", "retail-media", "sales"];
    assert_eq!(definitions.teams().into_iter().collect::<Vec<_>>(), teams);
    assert_eq!(definitions.check_teams(&teams.into_iter().collect()), []);
    assert_eq!(definitions.check_teams(&teams.into_iter().skip(1).collect()).len(), 4);
}

#[test]
fn an_abandoned_cart_is_reminded_of_an_hour_after_it_was_last_touched() {
    let mut world = World::shipped("cart-abandoned").in_arm("cart-abandoned", 1_000, Arm::Treated);
    world.see(touch("cart.updated", monday())).see(touch("checkout.started", monday() + 20 * MINUTE_MS).worth(4_990));
    world.pass_to(monday() + HOUR_MS + 19 * MINUTE_MS);
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.pass_to(monday() + HOUR_MS + 20 * MINUTE_MS);
    let decision = world.only();
    assert_eq!(fate(decision), "sent");
    assert_eq!(decision.decided_at, monday() + 80 * MINUTE_MS);
    assert_eq!(decision.channel, "email");
    assert_eq!(decision.evidence, [format!("test:checkout.started@{}", monday() + 20 * MINUTE_MS)]);
    assert_eq!(world.intents[0].payload, r#"{"cart_value_minor":4990,"currency":"EUR","items":[]}"#);
    world.pass_to(monday() + 30 * DAY_MS);
    assert_eq!(world.decisions.len(), 1);
}

#[test]
fn a_cart_that_was_bought_online_or_in_a_store_is_not_reminded_of() {
    for sale in ["order.placed", "store.purchased"] {
        let mut world = World::shipped("cart-abandoned");
        world.see(touch("cart.updated", monday())).see(touch(sale, monday() + 59 * MINUTE_MS).worth(4_990));
        world.pass_to(monday() + 30 * DAY_MS);
        assert_eq!(world.fates(), [] as [&str; 0], "{sale}");
    }
}

#[test]
fn a_store_purchase_stops_paid_media_for_two_weeks_and_asks_once_a_week() {
    let mut world = World::shipped("bought-in-store-suppress-ads");
    world.see(touch("store.purchased", monday()).worth(1_000));
    world.see(touch("store.purchased", monday() + DAY_MS).worth(1_000));
    world.see(touch("store.purchased", monday() + 2 * DAY_MS).worth(0));
    let decision = world.only();
    assert_eq!((fate(decision), decision.team_id.as_str()), ("sent", "media"));
    let payload: serde_json::Value = serde_json::from_str(&world.intents[0].payload).unwrap();
    assert_eq!(payload["suppress"]["until_at"], monday() + 14 * DAY_MS);
    assert_eq!(world.intents[0].action, "suppress");
    world.see(touch("store.purchased", monday() + 7 * DAY_MS).worth(1_000));
    assert_eq!(world.fates(), ["sent", "sent"]);
}

#[test]
fn a_lead_that_engages_three_times_in_a_week_goes_to_sales() {
    let mut world = World::shipped("lead-hot-to-sales");
    world.see(touch("page.viewed", monday() - HOUR_MS)).see(touch("lead.created", monday()));
    world.see(touch("page.viewed", monday() + DAY_MS)).see(touch("email.clicked", monday() + 2 * DAY_MS));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.see(touch("product.viewed", monday() + 3 * DAY_MS));
    let decision = world.only();
    assert_eq!((fate(decision), decision.team_id.as_str(), decision.evidence.len()), ("sent", "sales", 4));
    let mut slow = World::shipped("lead-hot-to-sales");
    slow.see(touch("lead.created", monday()));
    for day in [3, 5, 8] {
        slow.see(touch("page.viewed", monday() + day * DAY_MS));
    }
    assert_eq!(slow.fates(), [] as [&str; 0]);
}

#[test]
fn a_known_contact_who_reads_the_prices_goes_to_sales() {
    let mut world = World::shipped("pricing-visit-to-sales");
    world.see(touch("page.viewed", monday()).property("path", "/pricing"));
    world.see(touch("form.submitted", monday() + MINUTE_MS));
    world.see(touch("page.viewed", monday() + 2 * MINUTE_MS).property("path", "/about"));
    world.see(touch("page.viewed", monday() + 3 * MINUTE_MS));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.see(touch("page.viewed", monday() + 4 * MINUTE_MS).property("url", "https://shop.example/pricing?x=1"));
    assert_eq!(world.only().evidence.len(), 2);
}

#[test]
fn a_loyal_customer_without_a_purchase_for_thirty_days_is_called_back_and_others_are_not() {
    let mut world = World::shipped("lapsing-loyal-customer").in_arm("lapsing-2026", 2_000, Arm::Treated);
    for day in [0, 10, 20] {
        world.see(touch("store.purchased", monday() + day * DAY_MS).worth(1_000));
    }
    assert_eq!(world.timers.len(), 1, "one timer a trigger: {:?}", world.timers);
    world.see(touch("page.viewed", monday() + 49 * DAY_MS));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.pass_to(monday() + 50 * DAY_MS);
    assert_eq!(fate(world.only()), "sent");
    assert_eq!(world.only().decided_at, monday() + 50 * DAY_MS);

    let mut held = World::shipped("lapsing-loyal-customer").in_arm("lapsing-2026", 2_000, Arm::HeldOut);
    let mut newcomer = World::shipped("lapsing-loyal-customer");
    for day in [0, 10, 20] {
        held.see(touch("store.purchased", monday() + day * DAY_MS).worth(1_000));
    }
    newcomer.see(touch("store.purchased", monday()).worth(1_000));
    held.pass_to(monday() + 50 * DAY_MS);
    newcomer.pass_to(monday() + 50 * DAY_MS);
    assert_eq!(held.fates(), ["held_out"]);
    assert!(held.intents.is_empty());
    assert_eq!(newcomer.fates(), [] as [&str; 0]);
}

#[test]
fn brand_hears_of_conflicts_and_of_three_narratives() {
    let mut world = World::shipped("story-conflict-brand");
    let told = |at, narratives, conflicts: &[&str]| {
        touch("email.sent", at).outbound("email", "email").change(|event| {
            event.story.narrative_count = narratives;
            event.story.conflicts = conflicts.iter().map(ToString::to_string).collect();
        })
    };
    world.see(told(monday(), 2, &[]));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.see(told(monday() + HOUR_MS, 2, &["offer"])).see(told(monday() + 2 * HOUR_MS, 3, &[]));
    assert_eq!(fate(world.only()), "sent");
    let payload: serde_json::Value = serde_json::from_str(&world.intents[0].payload).unwrap();
    assert_eq!(payload["conflicts"], serde_json::json!(["offer"]));
    assert_eq!(payload["told_by"], "email");
    world.see(told(monday() + 31 * DAY_MS, 3, &[]));
    assert_eq!(world.fates(), ["sent", "sent"]);
}

#[test]
fn the_first_purchase_is_welcomed_once_even_during_a_suppression_of_marketing() {
    let both = World::shipped("welcome-new-customer bought-in-store-suppress-ads");
    let mut world = both.in_arm("welcome-new-customer", 500, Arm::Treated);
    world.see(touch("store.purchased", monday()).worth(900).order("A1"));
    world.see(touch("store.purchased", monday() + HOUR_MS).worth(900).order("A2"));
    assert_eq!(world.fates(), ["sent", "sent"]);
    assert_eq!(world.intents[0].action, "suppress");
    assert_eq!((world.intents[1].action.as_str(), world.intents[1].channel.as_str()), ("message", "email"));
    assert!(world.intents[1].payload.contains("your order A1"), "{}", world.intents[1].payload);
}

#[test]
fn an_open_case_stops_marketing_until_it_is_closed() {
    const OFFER: &str = "{id: offer, version: 1, team: email, action: message, channels: [email], consent: opt_out, \
                         pattern: [{on: product.viewed}], reentry: {per: touchpoint}}";
    let open_case = include_str!("../../../../schemas/triggers/open-case-suppress-marketing.yaml");
    let mut world = World::of(&[open_case, OFFER]);
    world.see(touch("product.viewed", monday())).see(touch("case.opened", monday() + HOUR_MS));
    world.see(touch("product.viewed", monday() + 2 * HOUR_MS)).see(touch("case.closed", monday() + 3 * HOUR_MS));
    world.see(touch("product.viewed", monday() + 4 * HOUR_MS));
    assert_eq!(world.fates(), ["sent", "sent", "suppressed", "sent"]);
    let detail = world.decisions[2].detail.as_deref();
    assert_eq!(detail, Some("by open-case-suppress-marketing until 2026-04-01T11:00:00Z"));
}

#[test]
fn an_unredeemed_coupon_is_reminded_of_only_with_consent() {
    let story = |world: &mut World| {
        world.see(touch("coupon.offered", monday()).outbound("in_store", "store"));
        world.pass_to(monday() + 8 * DAY_MS);
    };
    let new = || World::shipped("coupon-unredeemed").in_arm("coupon-unredeemed", 1_000, Arm::Treated);
    let (mut without, mut with, mut redeemed) = (new(), new(), new());
    story(&mut without);
    assert_eq!(without.fates(), ["no_consent"]);
    assert_eq!(without.only().detail.as_deref(), Some("email/marketing never given"));
    consented(&mut with);
    story(&mut with);
    assert_eq!(with.fates(), ["sent"]);
    consented(&mut redeemed);
    redeemed.see(touch("coupon.offered", monday()).outbound("in_store", "store"));
    redeemed.see(touch("coupon.redeemed", monday() + DAY_MS));
    redeemed.pass_to(monday() + 8 * DAY_MS);
    assert_eq!(redeemed.fates(), [] as [&str; 0]);
}

#[test]
fn a_return_is_cared_for_once_an_order_at_any_hour() {
    let mut world = World::shipped("post-return-care");
    let night = monday() + 13 * HOUR_MS;
    world.see(touch("order.refunded", night).worth(-500).order("A1"));
    world.see(touch("order.refunded", night + HOUR_MS).worth(-200).order("A1"));
    world.see(touch("store.returned", night + 2 * HOUR_MS).worth(-200));
    assert_eq!(world.fates(), ["sent", "sent"]);
}
