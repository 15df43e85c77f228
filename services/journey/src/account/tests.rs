use proptest::prelude::*;
use tributary_model::time::DAY_MS;
use tributary_model::{Identifier, Money, PersonId, Touchpoint};

use super::*;
use crate::membership::Memberships;
use crate::testing::{
    AccountInput, START, account_inputs, accounts_after, person, random_touchpoints, rollups, rules, sale, touch,
    touchpoint,
};

const CRM: &str = "crm_account_id";
const DOMAIN: &str = "company_domain";

fn id(namespace: &str, value: &str) -> AccountId {
    AccountId::of(&crate::Config::default().realm_uuid(), &Identifier::new(namespace, value))
}

fn account() -> AccountId {
    id(CRM, "a1")
}

fn of(mut made: Touchpoint, accounts: &[(&str, &str)]) -> Touchpoint {
    made.account_identifiers = accounts.iter().map(|(space, value)| Identifier::new(*space, *value)).collect();
    made
}

fn statement(person_id: PersonId, touchpoint: Touchpoint) -> JourneyEvent {
    JourneyEvent { revision: 1, ..touch(person_id, touchpoint).event }
}

fn taken_back(statement: &JourneyEvent) -> JourneyEvent {
    JourneyEvent { retracted: true, ..statement.clone() }
}

/// A person's statement about the account, from a membership that one touch tells of.
fn member(event: &JourneyEvent) -> Delta {
    let rules = rules(&crate::Config::default());
    let mut memberships = Memberships::default();
    memberships.add(&rules.accounts, &rules.realm, event);
    let statement = memberships.statements(&rules.accounts).remove(&account()).unwrap();
    Delta::of_member(event.person_id, vec![(statement, 1)])
}

fn opportunity(id: &str, kind: &str, at: i64) -> Touchpoint {
    let mut made = of(touchpoint(id, kind, START + at), &[(CRM, "a1")]);
    made.properties.insert("opportunity_id".to_owned(), "o1".to_owned());
    made
}

#[test]
fn an_account_climbs_with_its_buying_group() {
    let mut rollups = rollups(1_000);
    let mut apply = |name: &str, made: Touchpoint| {
        let event = statement(person(name), of(made, &[(CRM, "a1")]));
        rollups.enter(account(), member(&event));
        rollups.on_touch(account(), &event).event
    };
    assert_eq!(apply("ada", touchpoint("a", "email.sent", START)).stage, "target");
    assert_eq!(apply("bob", touchpoint("b", "page.viewed", START + 1)).stage, "engaged");
    assert_eq!(apply("bob", touchpoint("c", "lead.qualified", START + 2)).stage, "qualified");
    let mut made = opportunity("d", "opportunity.created", 3);
    made.properties.insert("opportunity_stage".to_owned(), "proposal".to_owned());
    let open = apply("ada", made);
    assert_eq!((open.stage.as_str(), open.open_opportunity_count, open.person_count), ("opportunity", 1, 2));
    assert_eq!(open.open_opportunities[0].opportunity_id, "o1");
    assert_eq!(open.open_opportunities[0].stage.as_deref(), Some("proposal"));
    let value = Some(Money::new("USD", 90_000));
    let won = apply("ada", Touchpoint { value, ..opportunity("e", "opportunity.won", 4) });
    assert_eq!((won.stage.as_str(), won.open_opportunity_count, won.order_count), ("customer", 0, 1));
    assert_eq!((won.value_minor, won.currency.as_deref(), won.open_opportunities.len()), (90_000, Some("USD"), 0));
    let mut second = opportunity("f", "opportunity.created", 5);
    second.properties.insert("opportunity_id".to_owned(), "o2".to_owned());
    let expanding = apply("bob", second);
    assert_eq!((expanding.stage.as_str(), expanding.revision, expanding.last_at), ("expansion", 12, START + 5));
    let teams: Vec<(&str, i64)> =
        expanding.last_touches.iter().map(|touch| (touch.team_id.as_str(), touch.occurred_at - START)).collect();
    assert_eq!(teams, [("crm", 0), ("web", 5)]);
    // A page, a lead that was qualified, and three touches of opportunities.
    assert_eq!(expanding.engagement_milli, 1_000 * (3 + 15 + 20 + 20 + 20));
}

#[test]
fn coverage_tells_which_roles_are_known_and_which_are_touched() {
    let mut rollups = rollups(1_000);
    let with_role = |id: &str, role: &str, at: i64| {
        let mut made = of(touchpoint(id, "page.viewed", at), &[(CRM, "a1")]);
        made.properties.insert("role".to_owned(), role.to_owned());
        made
    };
    let events = [
        statement(person("ada"), with_role("a", "CFO", START)),
        statement(person("bob"), with_role("b", "champion", START + 100 * DAY_MS)),
        statement(person("cyd"), with_role("c", "user", START + 100 * DAY_MS)),
    ];
    let last = events.iter().map(|event| {
        rollups.enter(account(), member(event));
        rollups.on_touch(account(), event).event
    });
    let last = last.last().unwrap();
    assert_eq!(last.coverage.expected_roles, ["champion", "decision_maker", "finance", "technical"]);
    assert_eq!(last.coverage.known_roles, ["champion", "finance"]);
    assert_eq!(last.coverage.touched_roles, ["champion"], "the CFO was last seen too long ago");
    assert_eq!((last.coverage.touched_person_count, last.coverage.percent()), (2, 25));
    let ada = last.members.iter().find(|member| member.person_id == person("ada")).unwrap();
    assert_eq!((ada.source.as_str(), ada.evidence.as_str(), ada.role.as_deref()), (CRM, "a", Some("finance")));
    assert_eq!((ada.since, ada.last_at, ada.is_primary), (START, Some(START), true));
}

#[test]
fn engagement_halves_with_the_time_between_touches() {
    let mut rollups = rollups(1_000);
    let mut view = |id: &str, day: i64| {
        let made = of(touchpoint(id, "page.viewed", START + day * DAY_MS), &[(CRM, "a1")]);
        rollups.on_touch(account(), &statement(person("ada"), made)).event
    };
    assert_eq!(view("a", 0).engagement_milli, 3_000);
    let later = view("b", 30);
    assert_eq!((later.engagement_milli, later.engagement_half_life_days), (4_500, 30));
    assert_eq!(later.engagement_milli_at(later.last_at + 60 * DAY_MS), 1_125);
    assert_eq!(view("late", 15).engagement_milli, 4_500 + 2_121, "three over the root of two");
}

#[test]
fn taking_a_person_away_leaves_what_the_others_did() {
    let of_ada = statement(person("ada"), of(sale("a", START, 500), &[(CRM, "a1")]));
    let of_bob = statement(person("bob"), of(sale("b", START + 1, 300), &[(CRM, "a1")]));
    let after = |statements: &[&JourneyEvent]| {
        let mut rollups = rollups(1_000);
        let last = statements.iter().map(|statement| rollups.on_touch(account(), statement).event).last();
        AccountEvent { revision: 0, ..last.unwrap() }
    };
    assert_eq!(after(&[&of_ada, &of_bob, &taken_back(&of_bob)]), after(&[&of_ada]));
    assert_eq!(after(&[&taken_back(&of_bob), &of_ada, &of_bob]), after(&[&of_ada]), "taken back before it was said");
}

#[test]
fn the_newest_times_are_kept_and_the_last_touch_stays_right() {
    let mut rollups = rollups(3);
    let mut last = None;
    for index in 0..10 {
        let made = touchpoint(&format!("t{index}"), "page.viewed", START + index);
        last = Some(rollups.on_touch(account(), &statement(person("ada"), made)).event);
    }
    assert_eq!(rollups.book.times.list_len(&account()), 3);
    let last = last.unwrap();
    assert_eq!((last.touch_count, last.last_at), (10, START + 9));
}

fn touches(events: &[JourneyEvent]) -> Vec<(AccountId, AccountInput)> {
    let told = events.iter().flat_map(|event| event.account_ids.iter().map(move |id| (*id, event)));
    told.map(|(id, event)| (id, AccountInput::Touch(Box::new(event.clone())))).collect()
}

#[test]
fn a_domain_becomes_the_account_it_is_named_with_and_counts_once() {
    let alone = statement(person("ada"), of(sale("a", START, 500), &[(DOMAIN, "d")]));
    let both = statement(person("bob"), of(sale("b", START + 1, 300), &[(CRM, "a1"), (DOMAIN, "d")]));
    let later = statement(person("ada"), of(sale("c", START + 2, 20), &[(DOMAIN, "d")]));
    let all = accounts_after(&mut rollups(1_000), touches(&[alone, both, later]), std::iter::empty());
    let (survivor, domain) = (&all[&account()], &all[&id(DOMAIN, "d")]);
    assert_eq!((survivor.touch_count, survivor.value_minor), (3, 820));
    assert_eq!((survivor.merged_accounts.as_slice(), survivor.merged_into), ([id(DOMAIN, "d")].as_slice(), None));
    assert_eq!((domain.touch_count, domain.value_minor, domain.merged_into), (0, 0, Some(account())));
    assert_eq!((survivor.namespace.as_str(), domain.namespace.as_str()), (CRM, DOMAIN));
}

#[test]
fn what_two_accounts_claim_stays_apart_from_both() {
    let alone = statement(person("ada"), of(sale("a", START, 500), &[(DOMAIN, "d")]));
    let one = statement(person("bob"), of(sale("b", START + 1, 300), &[(CRM, "a1"), (DOMAIN, "d")]));
    let other = statement(person("cyd"), of(sale("c", START + 2, 20), &[(CRM, "a2"), (DOMAIN, "d")]));
    let mut rollups = rollups(1_000);
    let all = accounts_after(&mut rollups, touches(&[alone, one.clone(), other.clone()]), std::iter::empty());
    let money = |id: AccountId| all[&id].value_minor;
    assert_eq!((money(account()), money(id(CRM, "a2")), money(id(DOMAIN, "d"))), (300, 20, 500));
    let mut claims = vec![account(), id(CRM, "a2")];
    claims.sort_unstable();
    assert_eq!(all[&id(DOMAIN, "d")].contested_by, claims);
    assert!(all.values().all(|account| account.merged_into.is_none() && account.merged_accounts.is_empty()));
    let again = accounts_after(&mut rollups, touches(&[taken_back(&other)]), std::iter::empty());
    assert_eq!(again[&account()].value_minor, 800, "the other claim was taken back");
}

#[test]
fn a_chain_ends_at_the_highest_and_households_join_nobody() {
    let events = [
        statement(person("ada"), of(sale("a", START, 1), &[(DOMAIN, "d")])),
        statement(person("ada"), of(sale("b", START, 10), &[("account_id", "g"), (DOMAIN, "d")])),
        statement(person("ada"), of(sale("c", START, 100), &[(CRM, "a1"), ("account_id", "g"), ("household_id", "h")])),
        statement(person("ada"), of(sale("d", START, 1_000), &[("household_id", "h"), (DOMAIN, "d")])),
    ];
    let all = accounts_after(&mut rollups(1_000), touches(&events), std::iter::empty());
    assert_eq!((all[&account()].value_minor, all[&account()].merged_accounts.len()), (1_111, 2));
    assert_eq!(all[&id("household_id", "h")].value_minor, 1_100);
    assert_eq!(all[&id(DOMAIN, "d")].merged_into, Some(id("account_id", "g")));
}

#[test]
fn a_large_account_moves_in_parts() {
    let mut delta = Delta { days: (0..5).map(|day| (day, 1)).collect(), ..Delta::default() };
    delta.sums.touches = 7;
    let parts = delta.parts(2);
    assert_eq!(parts.iter().map(|part| part.days.len()).collect::<Vec<_>>(), [0, 2, 2, 1]);
    assert_eq!(parts.iter().map(|part| part.sums.touches).sum::<i64>(), 7);
    let bytes = parts[1].encode().unwrap();
    assert_eq!(Delta::decode(&bytes).unwrap(), parts[1]);
    assert!(Delta::decode(&[9, 0]).unwrap_err().to_string().contains("version 9"));
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
            let kept = all.iter().enumerate().filter(|(index, _)| index % 3 != 0).map(|(_, statement)| statement.clone());
            let plain = account_inputs(&kept.chain(again.clone()).collect::<Vec<_>>());
            let back: Vec<JourneyEvent> = moved.iter().map(|statement| taken_back(statement)).collect();
            // Members told what they no longer say, and took it back.
            let mut stream = account_inputs(&all);
            for (id, input) in stream.clone() {
                if let AccountInput::Delta(mut delta) = input {
                    delta.negate();
                    stream.push((id, AccountInput::Delta(delta)));
                }
            }
            stream.extend(touches(&back));
            stream.extend(touches(&again.collect::<Vec<_>>()));
            let members = plain.iter().filter(|(_, input)| matches!(input, AccountInput::Delta(_)));
            stream.extend(members.cloned());
            (Just(plain), Just(stream).prop_shuffle())
        }),
        choices in prop::collection::vec(any::<u16>(), 64),
    ) {
        let expected = accounts_after(&mut rollups(1_000), plain, std::iter::empty());
        let found = accounts_after(&mut rollups(1_000), shuffled, choices.into_iter().cycle());
        for (id, found) in found {
            match expected.get(&id) {
                Some(expected) => prop_assert_eq!(&found, expected),
                None => prop_assert_eq!((found.touch_count, found.person_count, found.merged_into), (0, 0, None)),
            }
        }
    }
}
