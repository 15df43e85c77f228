use super::*;
use crate::testing::{START, touchpoint};

fn rules() -> AccountRules {
    AccountRules::built_in().unwrap()
}

fn named(names: &[(&str, &str)]) -> Vec<(String, bool)> {
    let identifiers: Vec<Identifier> = names.iter().map(|(space, value)| Identifier::new(*space, *value)).collect();
    let named = rules().named(&crate::Config::default().realm_uuid(), &identifiers);
    named.into_iter().map(|named| (named.namespace.to_owned(), named.is_own)).collect()
}

#[test]
fn a_touch_is_that_of_the_highest_merging_kind_and_of_what_does_not_merge() {
    let all = named(&[("company_domain", "d"), ("household_id", "h"), ("crm_account_id", "a"), ("till", "t")]);
    let expected = [("crm_account_id", true), ("company_domain", false), ("household_id", true), ("till", true)];
    assert_eq!(all, expected.map(|(namespace, is_own)| (namespace.to_owned(), is_own)));
    let two = named(&[("crm_account_id", "a"), ("crm_account_id", "b"), ("company_domain", "d")]);
    assert_eq!(two.iter().map(|(_, is_own)| *is_own).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(named(&[("company_domain", "d"), ("company_domain", "d")]).len(), 1);
}

#[test]
fn weights_and_roles_are_found() {
    let rules = rules();
    let weigh = |kind: &str| rules.weight(&touchpoint("t", kind, START));
    assert_eq!(
        ["email.sent", "page.viewed", "lead.qualified", "opportunity.lost", "case.opened"].map(weigh),
        [0, 3, 15, 20, -5]
    );
    let mut told = touchpoint("t", "meeting.held", START);
    assert_eq!(rules.role(&told), None);
    told.properties.insert("role".to_owned(), "Window cleaner".to_owned());
    assert_eq!(rules.role(&told), None);
    told.properties.insert("contact_role".to_owned(), " Economic-Buyer".to_owned());
    assert_eq!(rules.role(&told), Some("decision_maker"));
    assert_eq!(rules.expected_roles().collect::<Vec<_>>(), ["champion", "decision_maker", "finance", "technical"]);
}

#[test]
fn all_problems_are_told_at_once_with_value_and_remedy() {
    let text = BUILT_IN
        .replace("half_life_days: 30", "half_life_days: 0")
        .replace("namespace: household_id", "namespace: account_id")
        .replace("type: email.opened", "type: opened")
        .replace("role_identifiers: {}", "role_identifiers: { ceo_id: boss }")
        .replace("words: [end_user]", "words: [end_user, CEO]");
    let JourneyError::Invalid(problems) = AccountRules::parse("accounts.yaml", &text).unwrap_err() else { panic!() };
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "accounts.yaml: kinds.namespace = account_id: stands there twice; keep one of them",
            "accounts.yaml: engagement.half_life_days = 0: must be from 1 to 730; 30 suits most",
            "accounts.yaml: engagement.weights[8].type = opened: is not a type; write object.action, or object.* for all",
            "accounts.yaml: buying_group.roles.words = CEO: means decision_maker and user; leave it with one of them",
            "accounts.yaml: buying_group.role_identifiers.ceo_id = boss: is not a role; add it to buying_group.roles, or \
             name one of those",
        ]
    );
    let unknown = AccountRules::parse("accounts.yaml", &BUILT_IN.replace("limits:", "limit:")).unwrap_err();
    assert!(unknown.to_string().contains("limit"), "{unknown}");
}
