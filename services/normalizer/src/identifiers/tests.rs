use proptest::prelude::*;

use super::{BLOCKED_VALUE, IdentityRules, Normalise, SourceBlocked, scrub_properties};
use crate::draft::{Draft, RawIdentifier};

const RULES: &str = r"
version: '1'
default_limit: 5
blocked: { values: ['-1', 'null', 'undefined', 'anonymous'], patterns: ['^[0-]*$'] }
namespaces:
  - { name: customer_id, priority: 100, limit: 1, unique: true, normalise: trim }
  - { name: email, priority: 70, normalise: email, blocked: { patterns: ['^test@'] } }
  - { name: phone, priority: 60, normalise: phone, blocked: { patterns: ['^.{0,5}$'] } }
free_mail_domains: [gmail.com]
quarantine: { max_persons: 10 }
";

fn rules() -> IdentityRules {
    IdentityRules::parse("identity.yaml", RULES).unwrap()
}

fn raw(list: &[(&str, &str)]) -> Vec<RawIdentifier> {
    list.iter().map(|(n, v)| RawIdentifier { namespace: (*n).to_owned(), value: (*v).to_owned() }).collect()
}

fn settled(list: &[(&str, &str)], blocked: &SourceBlocked) -> Draft {
    let json = br#"{"id": 1, "type": "a.b", "occurred_at": 1}"#;
    let Ok(crate::contract::Mapped::Drafts(mut drafts)) =
        crate::contract::read(tributary_rules::parse_json(json).unwrap())
    else {
        panic!("the least touchpoint reads")
    };
    let mut draft = drafts.remove(0);
    draft.identifiers = raw(list);
    rules().settle(&mut draft, blocked);
    draft
}

fn values(list: &[RawIdentifier]) -> Vec<(&str, &str)> {
    list.iter().map(|identifier| (identifier.namespace.as_str(), identifier.value.as_str())).collect()
}

#[test]
fn values_are_normalised_repeated_ones_go_and_the_highest_priority_comes_first() {
    let list = [
        ("anything", " x "),
        ("phone", "+44 (20) 7946-0018"),
        ("email", " Ada@Engines.Example"),
        ("email", "ada@engines.example"),
        ("customer_id", "C-1"),
    ];
    let draft = settled(&list, &SourceBlocked::default());
    let expected =
        [("customer_id", "C-1"), ("email", "ada@engines.example"), ("phone", "+442079460018"), ("anything", "x")];
    assert_eq!(values(&draft.identifiers), expected);
    assert_eq!(values(&draft.account_identifiers), [("company_domain", "engines.example")]);
}

#[test]
fn placeholder_values_are_refused_whatever_their_namespace() {
    for value in ["0", "000", "0-0", "---", "-1", "null", "NULL", "undefined", "Anonymous"] {
        for namespace in ["customer_id", "email", "anything"] {
            let draft = settled(&[(namespace, value)], &SourceBlocked::default());
            assert!(draft.identifiers.is_empty(), "{namespace} {value}");
            assert_eq!(draft.refused, [(namespace.to_owned(), BLOCKED_VALUE)]);
        }
    }
    let draft = settled(&[("email", "test@shop.example"), ("phone", "12"), ("email", "  ")], &SourceBlocked::default());
    assert!(draft.identifiers.is_empty() && draft.account_identifiers.is_empty());
    assert_eq!(draft.refused.len(), 2, "an empty value is no identifier at all");
}

#[test]
fn a_source_has_placeholders_of_its_own() {
    let listed = std::collections::BTreeMap::from([
        ("email".to_owned(), vec!["Till@Shop.Example".to_owned()]),
        ("phone".to_owned(), vec!["555-555-5555".to_owned()]),
    ]);
    let blocked = rules().source_blocked(&listed);
    let draft = settled(&[("email", "till@shop.example"), ("phone", "(555) 555 5555"), ("customer_id", "7")], &blocked);
    assert_eq!(values(&draft.identifiers), [("customer_id", "7")]);
    assert_eq!(draft.refused.len(), 2);
    assert!(draft.account_identifiers.is_empty(), "a refused address tells no company either");
}

#[test]
fn free_mail_tells_no_company() {
    let draft = settled(&[("email", "ada@gmail.com"), ("email", "ada@localhost")], &SourceBlocked::default());
    assert!(draft.account_identifiers.is_empty());
}

#[test]
fn telephone_numbers_keep_digits_and_a_leading_plus() {
    for (from, to) in
        [("+49 (0)30 1234", "+490301234"), ("0049 30 1234", "+49301234"), ("030/12 34", "0301234"), ("", "")]
    {
        assert_eq!(Normalise::Phone.apply(from), to);
    }
    assert_eq!(Normalise::Digits.apply("A-12 3"), "123");
}

#[test]
fn properties_that_repeat_an_identifier_are_left_out() {
    let mut draft = settled(&[("email", "ada@engines.example"), ("customer_id", "1")], &SourceBlocked::default());
    let mut property = |key: &str, value: &str| draft.properties.insert(key.to_owned(), value.to_owned());
    property("mail", "ADA@engines.example");
    property("link", "https://shop.example/?to=ada%40engines.example");
    property("phone", "+44 20 7946 0018");
    property("pieces", "1");
    property("note", "likes engines");
    scrub_properties(&mut draft, &raw(&[("phone", "+44 20 7946 0018")]));
    let kept: Vec<&str> = draft.properties.keys().map(String::as_str).collect();
    assert_eq!(kept, ["note", "pieces"]);
}

#[test]
fn broken_rules_are_all_reported() {
    let broken = RULES.replace("'^test@'", "'('").replace("'^[0-]*$'", "'['");
    let problems = IdentityRules::parse("identity.yaml", &broken).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(text in "\\PC{0,20}") {
        for rule in [Normalise::Trim, Normalise::Email, Normalise::Phone, Normalise::Digits] {
            let once = rule.apply(&text);
            prop_assert_eq!(rule.apply(&once), once);
        }
    }

    #[test]
    fn the_order_in_which_identifiers_come_does_not_matter(seed in prop::collection::vec(0_usize..6, 1..8)) {
        let all = [("email", "a@b.example"), ("email", "c@d.example"), ("customer_id", "1"), ("phone", "0301234567"),
            ("x", "y"), ("customer_id", "2")];
        let list: Vec<_> = seed.iter().map(|index| all[*index]).collect();
        let mut reversed = list.clone();
        reversed.reverse();
        let none = SourceBlocked::default();
        prop_assert_eq!(settled(&list, &none).identifiers, settled(&reversed, &none).identifiers);
    }
}
