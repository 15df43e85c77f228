use proptest::prelude::*;
use tributary_model::{Identifier, Money};

use super::*;
use crate::testing::{START, canvas, person, random_touchpoints, sale, stages, touchpoint};
use crate::touch::Touch;

fn account() -> AccountId {
    AccountId::of(&crate::Config::default().realm_uuid(), &Identifier::new("crm_account_id", "a1"))
}

fn statement(person_id: PersonId, touchpoint: Touchpoint) -> JourneyEvent {
    let realm = crate::Config::default().realm_uuid();
    JourneyEvent { revision: 1, ..Touch::new(&realm, person_id, &canvas(), touchpoint).event }
}

fn taken_back(statement: &JourneyEvent) -> JourneyEvent {
    JourneyEvent { retracted: true, ..statement.clone() }
}

fn rollups() -> AccountRollups {
    AccountRollups::new(stages(), 1_000)
}

fn result_of(statements: &[JourneyEvent]) -> Option<AccountEvent> {
    let mut rollups = rollups();
    statements.iter().map(|statement| rollups.apply(account(), statement)).last()
}

fn opportunity(id: &str, kind: &str, at: i64) -> Touchpoint {
    let mut made = touchpoint(id, kind, START + at);
    made.properties.insert(OPPORTUNITY_ID.to_owned(), "o1".to_owned());
    made
}

#[test]
fn an_account_climbs_with_its_buying_group() {
    let mut rollups = rollups();
    let mut apply = |name: &str, made: Touchpoint| rollups.apply(account(), &statement(person(name), made));
    assert_eq!(apply("ada", touchpoint("a", "email.sent", START)).stage, "target");
    assert_eq!(apply("bob", touchpoint("b", "page.viewed", START + 1)).stage, "engaged");
    assert_eq!(apply("bob", touchpoint("c", "lead.qualified", START + 2)).stage, "qualified");
    let open = apply("ada", opportunity("d", "opportunity.created", 3));
    assert_eq!((open.stage.as_str(), open.open_opportunity_count, open.person_count), ("opportunity", 1, 2));
    let value = Some(Money::new("USD", 90_000));
    let won = apply("ada", Touchpoint { value, ..opportunity("e", "opportunity.won", 4) });
    assert_eq!((won.stage.as_str(), won.open_opportunity_count, won.order_count), ("customer", 0, 1));
    assert_eq!((won.value_minor, won.currency.as_deref()), (90_000, Some("USD")));
    let mut second = opportunity("f", "opportunity.created", 5);
    second.properties.insert(OPPORTUNITY_ID.to_owned(), "o2".to_owned());
    let expanding = apply("bob", second);
    assert_eq!((expanding.stage.as_str(), expanding.revision, expanding.last_at), ("expansion", 6, START + 5));
    let teams: Vec<(&str, i64)> =
        expanding.last_touches.iter().map(|touch| (touch.team_id.as_str(), touch.occurred_at - START)).collect();
    assert_eq!(teams, [("crm", 0), ("web", 5)]);
}

#[test]
fn taking_a_person_away_leaves_what_the_others_did() {
    let of_ada = statement(person("ada"), sale("a", START, 500));
    let of_bob = statement(person("bob"), sale("b", START + 1, 300));
    let left = result_of(&[of_ada.clone(), of_bob.clone(), taken_back(&of_bob)]).unwrap();
    let alone = result_of(&[of_ada]).unwrap();
    assert_eq!(AccountEvent { revision: 1, ..left }, alone);
}

#[test]
fn the_newest_times_are_kept_and_the_last_touch_stays_right() {
    let mut rollups = AccountRollups::new(stages(), 3);
    let mut last = None;
    for index in 0..10 {
        let made = touchpoint(&format!("t{index}"), "page.viewed", START + index);
        last = Some(rollups.apply(account(), &statement(person("ada"), made)));
    }
    assert_eq!(rollups.times.list_len(&account()), 3);
    let last = last.unwrap();
    assert_eq!((last.touch_count, last.last_at), (10, START + 9));
}

proptest! {
    #[test]
    fn the_result_is_the_same_for_any_order_of_statements_and_retractions(
        (plain, shuffled) in random_touchpoints(30, 50).prop_flat_map(|made| {
            let people = ["ada", "bob", "cyd"];
            let all: Vec<JourneyEvent> = made.into_iter().enumerate()
                .map(|(index, made)| statement(person(people[index % 3]), made)).collect();
            // Every third statement moves from its person to another, as in a merge.
            let moved: Vec<&JourneyEvent> = all.iter().step_by(3).collect();
            let again = moved.iter().map(|statement| JourneyEvent { person_id: person("dan"), ..(*statement).clone() });
            let stream: Vec<JourneyEvent> =
                all.iter().cloned().chain(moved.iter().map(|statement| taken_back(statement))).chain(again.clone()).collect();
            let plain: Vec<JourneyEvent> = all.iter().enumerate()
                .filter(|(index, _)| index % 3 != 0).map(|(_, statement)| statement.clone()).chain(again).collect();
            (Just(plain), Just(stream).prop_shuffle())
        })
    ) {
        let unnumbered = |event: Option<AccountEvent>| event.map(|event| AccountEvent { revision: 0, ..event });
        prop_assert_eq!(unnumbered(result_of(&shuffled)), unnumbered(result_of(&plain)));
    }
}
