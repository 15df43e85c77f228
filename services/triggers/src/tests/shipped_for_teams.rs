//! The shipped triggers that sales, brand, retail media and care own, each by a small story; and that every demand of the
//! mission has one.

use tributary_model::Arm;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::harness::{TouchExt, World, fate, monday, touch};
use crate::Definitions;

fn payload(world: &World, index: usize) -> serde_json::Value {
    serde_json::from_str(&world.intents[index].payload).unwrap()
}

#[test]
fn each_demand_on_triggers_has_a_shipped_one() {
    let texts: Vec<String> = Definitions::builtin().unwrap().summaries().map(|one| one.text).collect();
    assert!(texts.len() >= 15);
    for demand in ["R3", "R5", "R7", "R8", "R9", "R13", "R15"] {
        let names = |text: &&String| {
            let first = text.lines().next().unwrap_or_default().trim_start_matches("# ");
            first.split([' ', ',', '.']).any(|word| word == demand)
        };
        assert!(texts.iter().any(|text| names(&text)), "no shipped trigger says that it is for {demand}");
    }
    for user in ["a retailer", "a B2B seller", "a brand"] {
        assert!(texts.iter().any(|text| text.lines().next().is_some_and(|first| first.contains(user))), "{user}");
    }
}

#[test]
fn an_online_purchase_stops_paid_performance_media_for_a_week_and_a_free_sample_does_not() {
    let mut world = World::shipped("bought-online-suppress-ads");
    world.see(touch("order.placed", monday()).worth(0));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.see(touch("order.placed", monday() + HOUR_MS).worth(4_000).order("A1"));
    world.see(touch("order.placed", monday() + DAY_MS).worth(4_000).order("A2"));
    assert_eq!((fate(world.only()), world.intents[0].action.as_str()), ("sent", "suppress"));
    assert_eq!(payload(&world, 0)["suppress"]["until_at"], monday() + HOUR_MS + 7 * DAY_MS);
    assert_eq!(payload(&world, 0)["order_id"], "A1");
}

#[test]
fn a_lead_that_nobody_speaks_with_goes_to_sales_after_a_day() {
    let mut silent = World::shipped("lead-not-called");
    silent.see(touch("lead.created", monday())).see(touch("email.sent", monday() + HOUR_MS).outbound("email", "email"));
    silent.pass_to(monday() + DAY_MS - 1);
    assert_eq!(silent.fates(), [] as [&str; 0]);
    silent.pass_to(monday() + DAY_MS);
    assert_eq!((fate(silent.only()), silent.only().team_id.as_str()), ("sent", "sales"));
    let mut called = World::shipped("lead-not-called");
    called.see(touch("lead.created", monday()));
    called.see(touch("call.held", monday() + 3 * HOUR_MS).outbound("sales", "sales"));
    called.pass_to(monday() + 30 * DAY_MS);
    assert_eq!(called.fates(), [] as [&str; 0]);
}

#[test]
fn an_opportunity_that_stands_still_goes_to_sales_and_one_that_moves_or_ends_does_not() {
    let opened = || touch("opportunity.created", monday()).property("opportunity_id", "opp-1");
    let mut still = World::shipped("opportunity-stalled");
    still
        .see(opened())
        .see(touch("opportunity.stage_changed", monday() + 5 * DAY_MS).property("opportunity_id", "opp-1"));
    still.pass_to(monday() + 18 * DAY_MS);
    assert_eq!(still.fates(), [] as [&str; 0]);
    still.pass_to(monday() + 19 * DAY_MS);
    assert_eq!(fate(still.only()), "sent");
    assert_eq!(payload(&still, 0)["opportunity_id"], "opp-1");
    let mut won = World::shipped("opportunity-stalled");
    won.see(opened()).see(touch("opportunity.won", monday() + 13 * DAY_MS).worth(90_000));
    won.pass_to(monday() + 60 * DAY_MS);
    assert_eq!(won.fates(), [] as [&str; 0]);
}

#[test]
fn a_click_at_a_partners_shelf_after_brand_media_goes_to_retail_media() {
    let click = |at: i64, partner: Option<&str>| {
        touch("ad.clicked", at).change(|event| {
            event.touchpoint.channel = "retail_media".to_owned();
            event.touchpoint.partner = partner.map(str::to_owned);
        })
    };
    let film = |at: i64| touch("ad.shown", at).outbound("paid_video", "brand");
    let mut world = World::shipped("tentpole-shelf-response");
    world.see(click(monday(), Some("marketplace-one"))).see(film(monday() + HOUR_MS));
    world.see(click(monday() + 2 * HOUR_MS, None));
    assert_eq!(world.fates(), [] as [&str; 0], "no film before it, or nobody's shelf");
    world.see(click(monday() + 3 * HOUR_MS, Some("marketplace-one")));
    let decision = world.only();
    assert_eq!((fate(decision), decision.team_id.as_str(), decision.evidence.len()), ("sent", "retail-media", 2));
    assert_eq!(payload(&world, 0)["partner"], "marketplace-one");
    let mut late = World::shipped("tentpole-shelf-response");
    late.see(film(monday())).see(click(monday() + 31 * DAY_MS, Some("marketplace-one")));
    assert_eq!(late.fates(), [] as [&str; 0]);
}

#[test]
fn a_text_message_that_nobody_answers_goes_to_care_on_the_channel_that_was_chosen() {
    let mut ignored = World::shipped("text-unanswered-care");
    ignored.see(touch("sms.replied", monday())).pass_to(monday() + HOUR_MS);
    assert_eq!((fate(ignored.only()), ignored.only().team_id.as_str()), ("sent", "care"));
    assert_eq!(payload(&ignored, 0)["answer_on"], "sms");
    let mut answered = World::shipped("text-unanswered-care");
    answered.see(touch("sms.replied", monday()));
    answered.see(touch("sms.sent", monday() + 50 * MINUTE_MS).outbound("sms", "care"));
    answered.pass_to(monday() + DAY_MS);
    assert_eq!(answered.fates(), [] as [&str; 0]);
}

#[test]
fn who_leaves_emails_unopened_is_spoken_with_on_another_channel_if_that_was_agreed_to() {
    let delivered = |day: i64| touch("email.delivered", monday() + day * DAY_MS).outbound("email", "email");
    let new =
        || World::shipped("email-ignored-other-channel").in_arm("email-ignored-other-channel", 1_000, Arm::Treated);
    let story = |world: &mut World, is_opened: bool| {
        world.see(touch("order.placed", monday() - 2 * DAY_MS).worth(4_000));
        for day in [0, 7, 14] {
            world.see(delivered(day));
        }
        if is_opened {
            world.see(touch("email.opened", monday() + 15 * DAY_MS));
        }
        world.pass_to(monday() + 30 * DAY_MS);
    };
    let (mut silent, mut agreed, mut reader) = (new(), new(), new());
    story(&mut silent, false);
    assert_eq!(silent.fates(), ["no_consent"]);
    agreed.see(touch("consent.changed", monday() - 3 * DAY_MS).consent("sms", "marketing", true));
    story(&mut agreed, false);
    assert_eq!((agreed.fates(), agreed.only().channel.as_str()), (vec!["sent"], "sms"));
    story(&mut reader, true);
    assert_eq!(reader.fates(), [] as [&str; 0]);
}

#[test]
fn poor_reviews_go_to_brand_and_praise_of_the_loyal_is_answered_with_an_invitation() {
    let review =
        |at: i64, name: &str, stars: &str| touch("product.reviewed", at).property(name, stars).property("sku", "41001");
    let mut poor = World::shipped("poor-review-to-brand");
    poor.see(review(monday(), "stars", "4")).see(touch("product.reviewed", monday() + HOUR_MS));
    assert_eq!(poor.fates(), [] as [&str; 0]);
    poor.see(review(monday() + 2 * HOUR_MS, "rating", "1")).see(review(monday() + 3 * HOUR_MS, "stars", "2"));
    assert_eq!(poor.fates(), ["sent", "sent"]);
    assert_eq!(payload(&poor, 0)["sku"], "41001");

    let new = || World::shipped("advocate-invite").in_arm("advocate-invite", 1_000, Arm::Treated);
    let story = |world: &mut World, orders: i64, stars: &str| {
        world.see(touch("consent.changed", monday() - DAY_MS).consent("email", "marketing", true));
        for day in 0..orders {
            world.see(touch("order.placed", monday() + day * DAY_MS).worth(1_000));
        }
        world.see(review(monday() + 9 * DAY_MS, "stars", stars));
    };
    for (orders, stars, expected) in [(3, "5", vec!["sent"]), (1, "5", vec![]), (3, "3", vec![])] {
        let mut world = new();
        story(&mut world, orders, stars);
        assert_eq!(world.fates(), expected, "{orders} orders, {stars} stars");
    }
}

#[test]
fn two_returns_within_sixty_days_go_to_brand_and_one_does_not() {
    let mut world = World::shipped("repeated-returns-to-brand");
    world.see(touch("order.refunded", monday()).worth(-500).order("A1"));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.see(touch("store.returned", monday() + 59 * DAY_MS).worth(-700).order("A2"));
    assert_eq!((fate(world.only()), world.only().evidence.len()), ("sent", 2));
    assert_eq!(payload(&world, 0)["returned_minor"], -700);
    let mut slow = World::shipped("repeated-returns-to-brand");
    slow.see(touch("order.refunded", monday()).worth(-500)).see(touch("store.returned", monday() + 61 * DAY_MS));
    assert_eq!(slow.fates(), [] as [&str; 0]);
}

#[test]
fn the_purchase_that_makes_loyal_is_thanked_for_once() {
    let new = World::shipped("loyalty-reached-thanks").in_arm("loyalty-reached-thanks", 1_000, Arm::Treated);
    let mut world = new;
    let buy = |day: i64| touch("order.placed", monday() + day * DAY_MS).worth(1_000);
    let becomes_loyal =
        |event: tributary_model::JourneyEvent| event.change(|event| event.previous_stage = Some("customer".to_owned()));
    world.see(buy(0)).see(buy(1));
    assert_eq!(world.fates(), [] as [&str; 0]);
    world.see(becomes_loyal(buy(2))).see(buy(3));
    assert_eq!((world.fates(), world.only().channel.as_str()), (vec!["sent"], "email"));
    assert_eq!(payload(&world, 0)["order_count"], 3);
}
