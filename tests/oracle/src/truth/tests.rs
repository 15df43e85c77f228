//! Tiny stories whose truth was worked out by hand.

use tributary_model::journey::{ExposureContext, StoryContext, Totals};

use super::*;
use crate::names::{account_of, pseudonym};
use crate::truth::accounts::accounts;
use crate::truth::cards::scorecards;
use crate::truth::paths::paths;
use crate::workload::testing::{events, plain};
use crate::workload::{DAY_MS, HOUR_MS, MINUTE_MS, START_AT, Size, Workload};

fn world(drafts: Vec<crate::workload::draft::Draft>) -> World {
    World::of(Ledger::of(events(drafts).iter()))
}

fn email(name: &str) -> Vec<(&'static str, String)> {
    vec![("email", format!("{name}@example.org"))]
}

#[test]
fn components_are_joined_by_chains_and_not_by_what_is_shared() {
    let at = START_AT;
    let pair = |id: &str, one: (&'static str, &str), other: (&'static str, &str)| {
        let ids = vec![(one.0, one.1.to_owned()), (other.0, other.1.to_owned())];
        plain("events-channel", id, "person.identified", at).who(ids)
    };
    let mut till = plain("events-store", "t1", "store.visited", at).who(vec![("customer_id", "c1".to_owned())]);
    till.shared = vec![("email", "till@example.org".to_owned())];
    let mut other = plain("events-store", "t2", "store.visited", at).who(vec![("customer_id", "c2".to_owned())]);
    other.shared = till.shared.clone();
    let world = world(vec![
        pair("a", ("anonymous_id", "x"), ("email", "a@example.org")).into(),
        pair("b", ("email", "b@example.org"), ("phone", "+4912345")).into(),
        pair("c", ("phone", "+4912345"), ("anonymous_id", "x")).into(),
        till.into(),
        other.into(),
        plain("events-channel", "d", "page.viewed", at).into(),
    ]);
    let sizes: Vec<usize> = world.people.all.iter().map(|person| person.identifiers.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 6);
    assert_eq!(sizes.iter().filter(|size| **size == 4).count(), 1, "{sizes:?}");
    assert_eq!(sizes.iter().filter(|size| **size == 1).count(), 2, "two customers stay two");
    assert_eq!(sizes.last(), Some(&0), "who is not named is nobody");
    let of = |id: &str| world.people.of_touch[&format!("events-channel:{id}")];
    assert_eq!(of("a"), of("c"));
    assert_eq!(of("a"), of("b"));
    assert_eq!(world.people.sharers[&pseudonym("email", "till@example.org")].len(), 2);
}

#[test]
fn duplicates_are_dropped_and_what_differs_is_kept_under_an_id_of_its_own() {
    let purchase = plain("events-store", "p", "store.purchased", START_AT).who(email("a")).worth("USD", 500);
    let first: crate::workload::draft::Draft = purchase.into();
    let edited = first.edited().unwrap();
    let (again, edited_again) = (first.clone(), edited.clone());
    let world = world(vec![first, edited, again, edited_again]);
    let ids: Vec<&str> = world.ledger.touches.keys().map(String::as_str).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], "events-store:p");
    assert!(ids[1].starts_with("events-store:p~") && ids[1].len() == "events-store:p~".len() + 8, "{ids:?}");
    assert_eq!(world.ledger.touches[ids[1]].touchpoint.duplicate_of.as_deref(), Some("events-store:p"));
    let account = &world.ledger.sources["events-store"];
    assert_eq!((account.accepted, account.processed, account.drops["duplicate"]), (4, 2, 2));
    // The second version has a value and is no conversion: it must not count twice.
    let totals = &world.people.all[0].journey[1].totals;
    assert_eq!((totals.touch_count, totals.order_count, totals.value_minor), (2, 1, 500));
}

/// An ad, a letter of the brand, two visits half an hour apart, an order, a refund.
fn purchase() -> World {
    let who = email("a");
    let mut order = plain("events-ecommerce", "4", "order.placed", START_AT + 3 * DAY_MS).who(who.clone());
    order.order = Some("o".to_owned());
    order.items = vec![crate::workload::spec::item(0, 2, 500, Some(100))];
    let refund = plain("events-ecommerce", "5", "order.refunded", START_AT + 4 * DAY_MS).who(who.clone());
    let sent = |id: &str, kind: &str, at: i64| plain("events-channel", id, kind, at).who(who.clone());
    let view = |id: &str, at: i64| plain("events-ecommerce", id, "product.viewed", at).who(who.clone()).on("direct");
    world(vec![
        order.on("direct").worth("USD", 1_001).into(),
        refund.on("direct").worth("USD", -301).into(),
        sent("1", "email.sent", START_AT + DAY_MS).on("email").spoken("weekly", "offer-20").into(),
        sent("0", "ad.shown", START_AT).on("display").spoken("film", "film-1").into(),
        view("2", START_AT + 2 * DAY_MS).into(),
        view("3", START_AT + 2 * DAY_MS + 30 * MINUTE_MS - 1).into(),
        view("6", START_AT + 2 * DAY_MS + HOUR_MS - 1).into(),
    ])
}

#[test]
fn a_journey_is_in_order_of_time_and_each_touch_knows_what_was_before() {
    let world = purchase();
    let journey = &world.people.all[0].journey;
    let ids: Vec<&str> = journey
        .iter()
        .map(|event| &event.touchpoint.touchpoint_id[event.touchpoint.touchpoint_id.len() - 1..])
        .collect();
    assert_eq!(ids, ["0", "1", "2", "3", "6", "4", "5"]);
    let stages: Vec<&str> = journey.iter().map(|event| event.stage.as_str()).collect();
    assert_eq!(stages, ["aware", "aware", "considering", "considering", "considering", "customer", "customer"]);
    assert_eq!(journey[0].previous_stage.as_deref(), Some("unaware"));
    assert_eq!(journey[1].previous_stage, None);
    let positions: Vec<i32> = journey.iter().map(|event| event.session.position).collect();
    assert_eq!(positions, [1, 1, 1, 2, 1, 1, 1], "a gap of exactly thirty minutes begins a session");
    let order = &journey[5];
    let expected = ExposureContext {
        count_30d: 2,
        brand_count_30d: 1,
        last_at: Some(START_AT + DAY_MS),
        last_channel: Some("email".to_owned()),
    };
    assert_eq!(order.exposure, expected);
    let path: Vec<(&str, &str)> =
        order.path.iter().map(|step| (step.channel.as_str(), step.team_id.as_str())).collect();
    assert_eq!(path, [("display", "brand"), ("email", "email")]);
    assert!(journey[4].path.is_empty(), "a view is no conversion");
    let last = Totals {
        touch_count: 7,
        order_count: 1,
        value_minor: 700,
        margin_minor: 1_001 - 200 - 301,
        currency: Some("USD".to_owned()),
        other_currency_count: 0,
        first_at: START_AT,
        last_order_at: Some(START_AT + 3 * DAY_MS),
    };
    assert_eq!(journey[6].totals, last);
}

#[test]
fn scorecards_split_a_sale_to_the_cent() {
    let world = purchase();
    let cards = scorecards(&world.people, &[], &[]);
    let card = |team: &str, dimension: &str, subject: &str, currency: &str| {
        let is_it = |key: &&tributary_model::scorecard::ScorecardKey| {
            (
                key.team_id.as_str(),
                key.dimension.as_str(),
                key.subject.as_str(),
                key.currency.as_str(),
                key.window.as_str(),
            ) == (team, dimension, subject, currency, "total")
        };
        let key = cards.keys().find(is_it);
        key.map(|key| cards[key].clone()).unwrap_or_default()
    };
    let whole = card("all", "team", "all", "USD");
    assert_eq!((whole.revenue_minor, whole.margin_minor), (700, 500));
    assert_eq!((whole.conversions, whole.returns, whole.touches, whole.persons, whole.buyers), (1, 1, 2, 1, 1));
    assert_eq!(whole.credit_minor["linear"], 700);
    // 1001 is 501 and 500, -301 is -151 and -150: the earlier step gets the odd cent.
    let (brand, mail) = (card("brand", "team", "brand", "USD"), card("email", "campaign", "weekly", "USD"));
    assert_eq!((brand.credit_minor["first"], brand.credit_minor["linear"]), (700, 350));
    assert_eq!((mail.credit_minor["last"], mail.credit_minor["linear"]), (700, 350));
    assert_eq!(brand.credit_minor.get("last"), None);
    assert_eq!(brand.revenue_minor, 0);
    let counts = card("all", "team", "all", "");
    assert_eq!((counts.touches, counts.exposures, counts.reach, counts.revenue_minor), (7, 2, 1, 0));
    assert_eq!(card("ecommerce", "team", "ecommerce", "USD").revenue_minor, 700);
}

#[test]
fn contradictions_are_heard() {
    let mail = |id: &str, day: i64, campaign: &str, message: &str| {
        plain("events-channel", id, "email.sent", START_AT + day * DAY_MS)
            .who(email("a"))
            .on("email")
            .spoken(campaign, message)
    };
    let mut bought = plain("events-store", "3", "store.purchased", START_AT + 3 * DAY_MS).who(email("a"));
    bought.items = vec![crate::workload::spec::item(1, 1, 900, None)];
    let case = plain("events-crm", "5", "case.opened", START_AT + 5 * DAY_MS).who(email("a"));
    let world = world(vec![
        mail("1", 1, "weekly", "offer-20").into(),
        mail("2", 2, "partner", "offer-30").into(),
        bought.on("in_store").worth("USD", 900).into(),
        mail("4", 4, "weekly", "offer-20").into(),
        case.on("call_center").into(),
        mail("6", 6, "", "welcome-1").into(),
        mail("7", 40, "", "shouting").into(),
    ]);
    let stories: Vec<&StoryContext> = world.people.all[0].journey.iter().map(|event| &event.story).collect();
    let conflicts: Vec<String> = stories.iter().map(|story| story.conflicts.join(" ")).collect();
    assert_eq!(conflicts, ["", "offer", "", "offer already_bought", "", "stage open_case", ""]);
    let narratives: Vec<i32> = stories.iter().map(|story| story.narrative_count).collect();
    assert_eq!(narratives, [1, 2, 2, 2, 2, 3, 1]);
    assert_eq!((stories[5].exposure_count, stories[5].approved_count), (4, 4));
    assert_eq!((stories[6].exposure_count, stories[6].approved_count), (1, 0), "thirty days later all is forgotten");
}

#[test]
fn accounts_add_up_their_persons() {
    let account = ("crm_account_id", "acme".to_owned());
    let touch = |id: &str, kind: &str, name: &str, day: i64| {
        let mut spec = plain("events-crm", id, kind, START_AT + day * DAY_MS).who(email(name)).on("sales");
        spec.accounts = vec![account.clone()];
        spec.with("opportunity_id", "o1")
    };
    let world = world(vec![
        touch("1", "opportunity.created", "a", 1).into(),
        touch("2", "opportunity.created", "b", 2).with("opportunity_id", "o2").into(),
        touch("3", "opportunity.won", "b", 3).worth("EUR", 900).into(),
    ]);
    let ids: Vec<_> = world.people.all.iter().map(|person| person.ids()[0]).collect();
    let all = accounts(&world.people, &ids);
    let found = &all[&account_of(&pseudonym("crm_account_id", "acme"))];
    assert_eq!((found.person_count, found.touch_count, found.order_count, found.value_minor), (2, 3, 1, 900));
    assert_eq!((found.open_opportunity_count, found.stage.as_str()), (1, "expansion"));
    assert_eq!(found.last_touches.len(), 1);
    assert_eq!(found.last_at, START_AT + 3 * DAY_MS);
    assert_eq!(found.open_opportunities.len(), 1);
    // Three opportunities' touches, one and two days older than the newest.
    assert_eq!(found.engagement_milli, 20_000 + 19_543 + 19_097);
    assert!(found.members.iter().all(|member| member.is_primary && member.source == "crm_account_id"));
}

#[test]
fn accounts_that_are_one_are_found_under_the_higher_kind() {
    let (acme, other, domain) = (("crm_account_id", "acme"), ("crm_account_id", "other"), ("company_domain", "d.test"));
    let touch = |id: &str, kind: &str, accounts: &[(&'static str, &str)]| {
        let mut spec = plain("events-crm", id, kind, START_AT).who(email(id)).on("sales");
        spec.accounts = accounts.iter().map(|(namespace, value)| (*namespace, (*value).to_owned())).collect();
        spec
    };
    let id = |(namespace, value): (&str, &str)| account_of(&pseudonym(namespace, value));
    let all = |drafts: Vec<crate::workload::spec::Spec>| {
        let world = world(drafts.into_iter().map(Into::into).collect());
        let ids: Vec<_> = world.people.all.iter().map(|person| person.ids()[0]).collect();
        accounts(&world.people, &ids)
    };
    let alone = || touch("1", "call.held", &[domain]);
    let both = || touch("2", "meeting.held", &[domain, acme]);
    let one = all(vec![alone(), both()]);
    assert_eq!((one[&id(acme)].touch_count, one[&id(acme)].person_count), (2, 2));
    assert_eq!(one[&id(acme)].merged_accounts, [id(domain)]);
    assert_eq!((one[&id(domain)].touch_count, one[&id(domain)].merged_into), (0, Some(id(acme))));
    let two = all(vec![alone(), both(), touch("3", "meeting.held", &[domain, other])]);
    assert_eq!([acme, other, domain].map(|account| two[&id(account)].touch_count), [1, 1, 1]);
    assert_eq!(two[&id(domain)].contested_by.len(), 2);
}

#[test]
fn a_buying_group_hears_what_each_of_it_hears() {
    let acme = |spec: crate::workload::spec::Spec| {
        let accounts = vec![("crm_account_id", "acme".to_owned())];
        crate::workload::spec::Spec { accounts, ..spec }
    };
    let touch = |id: &str, kind: &str, name: &str, day: i64| {
        plain("events-crm", id, kind, START_AT + day * DAY_MS).who(vec![("customer_id", name.to_owned())]).on("sales")
    };
    let sent = |id: &str, name: &str, day: i64| {
        plain("events-channel", id, "email.sent", START_AT + day * DAY_MS)
            .who(vec![("customer_id", name.to_owned())])
            .on("email")
    };
    let world = world(vec![
        sent("1", "a", 0).spoken("film", "film-1").into(),
        acme(touch("2", "page.viewed", "a", 1)).into(),
        sent("3", "b", 2).spoken("partner", "shouting").into(),
        sent("4", "c", 2).spoken("win-new", "welcome-1").into(),
        acme(touch("5", "opportunity.won", "b", 3)).worth("EUR", 900).into(),
        touch("6", "order.placed", "a", 4).worth("EUR", 50).into(),
    ]);
    let ids: Vec<_> = world.people.all.iter().map(|person| person.ids()[0]).collect();
    let story = &accounts(&world.people, &ids)[&account_of(&pseudonym("crm_account_id", "acme"))].story;
    assert_eq!((story.narrative_count, story.exposure_count, story.approved_count), (2, 2, 1));
    let names: Vec<&str> = story.narratives.iter().map(|heard| heard.narrative_id.as_str()).collect();
    assert_eq!(names, ["cheapest-in-town", "made-to-last"]);
    let paths = paths(&world.people);
    let of_accounts: Vec<_> = paths.iter().filter(|(key, _)| key.is_account).collect();
    let [(key, counts)] = of_accounts.as_slice() else { panic!("{of_accounts:?}") };
    let teams: Vec<&str> = key.waypoints.iter().map(|waypoint| waypoint.team_id.as_str()).collect();
    assert_eq!(teams, ["brand", "trade"], "the sale to b was heard of by a, too, and c is of no account");
    assert_eq!((counts.conversions, counts.value_minor["EUR"], counts.nulls), (1, 900, 0));
}

#[test]
fn workloads_have_groups_that_hear_several_stories_and_go_ways_of_their_own() {
    let (mut several, mut longer, mut nulls) = (0, 0, 0);
    for seed in 0..48 {
        let world = World::of(Ledger::of(Workload::generate(seed, Size::SMALL).events.iter()));
        let ids: Vec<_> = world.people.all.iter().map(|person| person.ids()[0]).collect();
        several += accounts(&world.people, &ids).values().filter(|account| account.story.narrative_count > 1).count();
        for (key, counts) in paths(&world.people).iter().filter(|(key, _)| key.is_account) {
            longer += usize::from(counts.conversions > 0 && key.waypoints.len() > 1);
            nulls += usize::from(counts.nulls > 0);
        }
    }
    assert!(several > 3 && longer > 3 && nulls > 3, "{several} hear several, {longer} sales and {nulls} without");
}

#[test]
fn workloads_have_accounts_that_are_one_that_several_claim_and_that_have_roles() {
    let (mut merged, mut contested, mut known_roles) = (0, 0, 0);
    for seed in 0..48 {
        let world = World::of(Ledger::of(Workload::generate(seed, Size::SMALL).events.iter()));
        let ids: Vec<_> = world.people.all.iter().map(|person| person.ids()[0]).collect();
        for account in accounts(&world.people, &ids).into_values() {
            merged += usize::from(account.merged_into.is_some());
            contested += usize::from(!account.contested_by.is_empty());
            known_roles += account.coverage.known_roles.len();
        }
    }
    assert!(
        merged > 3 && contested > 3 && known_roles > 3,
        "{merged} merged, {contested} contested, {known_roles} roles"
    );
}

#[test]
fn the_truth_does_not_depend_on_the_order_of_arrival() {
    for seed in 0..5 {
        let workload = Workload::generate(seed, Size::SMALL);
        let sorted = World::of(Ledger::of(workload.events.iter()));
        let shuffled = World::of(Ledger::of(workload.shuffled(seed).events.iter()));
        assert_eq!(sorted.ledger.sources, shuffled.ledger.sources);
        assert_eq!(sorted.ledger.dead_letters, shuffled.ledger.dead_letters);
        let journeys = |world: &World| -> Vec<_> {
            world.people.all.iter().map(|person| (person.identifiers.clone(), person.journey.clone())).collect()
        };
        assert_eq!(journeys(&sorted), journeys(&shuffled), "seed {seed}");
        assert_eq!(scorecards(&sorted.people, &[], &[]), scorecards(&shuffled.people, &[], &[]), "seed {seed}");
    }
}
