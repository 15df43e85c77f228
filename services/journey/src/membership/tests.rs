use tributary_model::Identifier;

use super::*;
use crate::testing::{START, account_rules, person, touch, touchpoint};

fn realm() -> Uuid {
    crate::Config::default().realm_uuid()
}

fn id(namespace: &str, value: &str) -> AccountId {
    AccountId::of(&realm(), &Identifier::new(namespace, value))
}

/// A touch that names one account on a day, with a role.
fn seen(name: &str, namespace: &str, value: &str, day: i64, role: &str) -> JourneyEvent {
    let mut made = touchpoint(name, "page.viewed", START + day * DAY_MS);
    made.account_identifiers = vec![Identifier::new(namespace, value)];
    made.properties.insert("role".to_owned(), role.to_owned());
    touch(person("ada"), made).event
}

fn of(events: &[JourneyEvent]) -> Memberships {
    let mut memberships = Memberships::default();
    events.iter().for_each(|event| memberships.add(&account_rules(), &realm(), event));
    memberships
}

fn primary(memberships: &Memberships, rules: &AccountRules) -> AccountId {
    let statements = memberships.statements(rules);
    let primaries: Vec<AccountId> =
        statements.iter().filter(|(_, statement)| statement.is_primary).map(|(id, _)| *id).collect();
    assert_eq!(primaries.len(), 1);
    primaries[0]
}

#[test]
fn the_highest_kind_comes_first_then_the_first_touch_then_the_least_id() {
    let rules = account_rules();
    let home = seen("a", "household_id", "h", 0, "");
    let work = seen("b", "company_domain", "d", 5, "");
    let later = seen("c", "company_domain", "e", 6, "");
    assert_eq!(primary(&of(std::slice::from_ref(&home)), &rules), id("household_id", "h"));
    assert_eq!(primary(&of(&[home, work.clone(), later.clone()]), &rules), id("company_domain", "d"));
    let crm = seen("d", "crm_account_id", "a", 9, "");
    assert_eq!(primary(&of(&[work, later, crm]), &rules), id("crm_account_id", "a"));
    let tied = [seen("x", "company_domain", "d", 1, ""), seen("y", "company_domain", "e", 1, "")];
    assert_eq!(primary(&of(&tied), &rules), id("company_domain", "d").min(id("company_domain", "e")));
}

#[test]
fn a_membership_that_has_expired_is_not_the_primary_one() {
    let text = include_str!("../../../../schemas/accounts.yaml");
    let rules = AccountRules::parse("accounts.yaml", &text.replace("days: 0", "days: 100")).unwrap();
    let (old, new) = (seen("a", "company_domain", "d", 0, ""), seen("b", "company_domain", "e", 100, ""));
    assert_eq!(primary(&of(&[old.clone(), new.clone()]), &rules), id("company_domain", "d"));
    let newer = seen("c", "company_domain", "e", 101, "");
    assert_eq!(primary(&of(&[old, new, newer]), &rules), id("company_domain", "e"));
}

#[test]
fn the_newest_role_holds_and_the_order_does_not_matter() {
    let events = [
        seen("a", "crm_account_id", "a", 1, "champion"),
        seen("b", "crm_account_id", "a", 3, "CEO"),
        seen("c", "crm_account_id", "a", 4, "florist"),
    ];
    let forth = of(&events);
    let mut back = of(&events[2..]);
    back.join(of(&events[..2]));
    assert_eq!(forth, back);
    let statement = &forth.statements(&account_rules())[&id("crm_account_id", "a")];
    assert_eq!((statement.evidence.as_str(), statement.since), ("a", START + DAY_MS));
    assert_eq!(statement.role, Some((START + 3 * DAY_MS, "decision_maker".to_owned())));
}

#[test]
fn what_was_told_is_taken_back_when_it_changes_and_only_then() {
    let rules = account_rules();
    let mut told = ToldMemberships::default();
    let first = of(&[seen("b", "company_domain", "d", 5, "")]);
    assert_eq!(told.tell(first.statements(&rules)).len(), 1);
    assert_eq!(told.tell(first.statements(&rules)), Vec::new());
    let both = of(&[seen("b", "company_domain", "d", 5, ""), seen("c", "crm_account_id", "a", 6, "")]);
    let changes = told.tell(both.statements(&rules));
    let counts = |id: AccountId| {
        let of = changes.iter().find(|(account, _)| *account == id);
        of.map(|(_, changes)| changes.iter().map(|(said, count)| (said.is_primary, *count)).collect::<Vec<_>>())
    };
    assert_eq!(counts(id("company_domain", "d")), Some(vec![(true, -1), (false, 1)]));
    assert_eq!(counts(id("crm_account_id", "a")), Some(vec![(true, 1)]));
    assert_eq!(told.tell(Statements::new()).len(), 2);
    assert_eq!(told, ToldMemberships::default());
}
