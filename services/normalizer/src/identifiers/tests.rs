use proptest::prelude::*;

use super::{
    BLOCKED_VALUE, FREE_MAIL_DOMAIN, INVALID_CHECK_DIGIT, INVALID_DOMAIN, INVALID_EMAIL, INVALID_PHONE, IdentityRules,
    Needles, PHONE_WITHOUT_REGION, Region, SourceRules,
};
use crate::draft::{Draft, RawIdentifier};

const RULES: &str = r#"
version: '1'
default_limit: 5
blocked: { values: ['-1', 'null', 'undefined', 'anonymous'], patterns: ['^[0-]*$'] }
namespaces:
  - { name: customer_id, priority: 100, limit: 1, unique: true, normalise: trim }
  - { name: email, priority: 70, normalise: email, blocked: { patterns: ['^test@'] } }
  - { name: phone, priority: 60, normalise: phone, blocked: { patterns: ['^.{0,5}$'] } }
  - { name: mobile, priority: 59, normalise: phone, region: DE }
  - { name: card, priority: 50, normalise: code, code: { drop: " -", case: upper, leading_zeros: drop } }
  - { name: luhn, priority: 49, normalise: code, code: { check_digit: luhn } }
  - { name: ean, priority: 48, normalise: code, code: { check_digit: gs1 } }
  - { name: till, priority: 47, normalise: digits }
mail_providers:
  - { domains: [gmail.com, googlemail.com], ignore: ".", tag: "+" }
  - { domains: [old.example], case_sensitive: true }
free_mail_domains: [gmail.com]
quarantine: { max_persons: 10 }
"#;

fn rules() -> IdentityRules {
    IdentityRules::parse("identity.yaml", RULES).unwrap()
}

fn raw(list: &[(&str, &str)]) -> Vec<RawIdentifier> {
    list.iter().map(|(n, v)| RawIdentifier { namespace: (*n).to_owned(), value: (*v).to_owned() }).collect()
}

fn settled(list: &[(&str, &str)], blocked: &SourceRules) -> Draft {
    let json = br#"{"id": 1, "type": "a.b", "occurred_at": 1}"#;
    let Ok(crate::contract::Mapped::Drafts(mut drafts)) =
        crate::contract::read(crate::contract::Said::parse(json).unwrap())
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
        ("phone", "0044 20 7946 0018"),
        ("email", " Ada@Engines.Example"),
        ("email", "ada@engines.example"),
        ("customer_id", "C-1"),
    ];
    let draft = settled(&list, &SourceRules::default());
    let expected =
        [("customer_id", "C-1"), ("email", "ada@engines.example"), ("phone", "+442079460018"), ("anything", "x")];
    assert_eq!(values(&draft.identifiers), expected);
    assert_eq!(values(&draft.account_identifiers), [("company_domain", "engines.example")]);
}

#[test]
fn placeholder_values_are_refused_whatever_their_namespace() {
    for value in ["0", "000", "0-0", "---", "-1", "null", "NULL", "undefined", "Anonymous"] {
        for namespace in ["customer_id", "email", "anything"] {
            let draft = settled(&[(namespace, value)], &SourceRules::default());
            assert!(draft.identifiers.is_empty(), "{namespace} {value}");
            assert_eq!(draft.refused, [(namespace.to_owned(), BLOCKED_VALUE)]);
        }
    }
    let draft = settled(&[("email", "test@shop.example"), ("phone", "12"), ("email", "  ")], &SourceRules::default());
    assert!(draft.identifiers.is_empty() && draft.account_identifiers.is_empty());
    assert_eq!(draft.refused.len(), 2, "an empty value is no identifier at all");
}

#[test]
fn a_source_has_placeholders_of_its_own() {
    let listed = std::collections::BTreeMap::from([
        ("email".to_owned(), vec!["Till@Shop.Example".to_owned()]),
        ("phone".to_owned(), vec!["555-555-5555".to_owned()]),
    ]);
    let blocked = rules().of_source(&listed, None);
    let draft = settled(&[("email", "till@shop.example"), ("phone", "(555) 555 5555"), ("customer_id", "7")], &blocked);
    assert_eq!(values(&draft.identifiers), [("customer_id", "7")]);
    assert_eq!(draft.refused, [("email".to_owned(), BLOCKED_VALUE), ("phone".to_owned(), BLOCKED_VALUE)]);
    assert!(draft.account_identifiers.is_empty(), "a refused address tells no company either");
}

#[test]
fn free_mail_tells_no_company() {
    let mut draft = settled(&[("email", "ada@gmail.com"), ("email", "ada@localhost")], &SourceRules::default());
    assert!(draft.account_identifiers.is_empty());
    draft.account_identifiers = raw(&[("company_domain", "Gmail.com"), ("company_domain", "engines.example")]);
    rules().settle(&mut draft, &SourceRules::default());
    assert_eq!(values(&draft.account_identifiers), [("company_domain", "engines.example")]);
    assert_eq!(draft.refused, [("company_domain".to_owned(), FREE_MAIL_DOMAIN)]);
}

/// What becomes of raw values of one namespace: the value, or why it is refused.
fn is(namespace: &str, cases: &[(&str, Result<&str, &'static str>)]) {
    for (raw, expected) in cases {
        let found = rules().normalised(&SourceRules::default(), namespace, raw);
        assert_eq!(found, expected.map(str::to_owned), "{namespace} {raw}");
    }
}

#[test]
fn a_mailbox_is_one_value_where_its_provider_says_so_and_nowhere_else() {
    is(
        "email",
        &[
            (" Ada.Love+News@GoogleMail.com ", Ok("adalove@gmail.com")),
            ("adalove@gmail.com", Ok("adalove@gmail.com")),
            ("Ada.Love+News@Engines.Example", Ok("ada.love+news@engines.example")),
            ("Ada@OLD.example", Ok("Ada@old.example")),
            ("\u{c4}da@B\u{fc}cher.example.", Ok("\u{e4}da@xn--bcher-kva.example")),
            ("\u{e4}da@xn--bcher-kva.example", Ok("\u{e4}da@xn--bcher-kva.example")),
        ],
    );
}

#[test]
fn what_is_no_address_is_refused_as_such() {
    let long = format!("{}@engines.example", "a".repeat(65));
    let more = ["ada", "ada@", "@engines.example", "+news@gmail.com", "ada@localhost", "a b@engines.example"];
    let odd = ["Ada <ada@engines.example>", "ada@engines..example", "ada@-engines.example", "ada@[192.0.2.1]", &long];
    for raw in more.into_iter().chain(odd) {
        is("email", &[(raw, Err(INVALID_EMAIL))]);
    }
    is("company_domain", &[("Engines.Example", Ok("engines.example")), ("engines", Err(INVALID_DOMAIN))]);
}

#[test]
fn telephone_numbers_are_e164_and_those_of_no_country_are_refused() {
    is(
        "phone",
        &[
            ("+44 (0)20 7946 0018", Ok("+442079460018")),
            ("tel:+44-20-7946-0018", Ok("+442079460018")),
            ("+44 20 7946 0018 x12", Ok("+442079460018")),
            ("0044 20 7946 0018", Ok("+442079460018")),
            ("+39 02 3661 8300", Ok("+390236618300")),
            ("020 7946 0018", Err(PHONE_WITHOUT_REGION)),
            ("2079460018", Err(PHONE_WITHOUT_REGION)),
            ("+1 555 555 5555", Err(INVALID_PHONE)),
            ("+44 20 7946 00189", Err(INVALID_PHONE)),
            ("+999 123 456", Err(INVALID_PHONE)),
            ("ask at the desk", Err(BLOCKED_VALUE)),
            ("ask 5 people, or 66", Err(BLOCKED_VALUE)),
            ("ask for room 1234567", Err(INVALID_PHONE)),
        ],
    );
    is("mobile", &[("030/1234567", Ok("+49301234567")), ("+44 20 7946 0018", Ok("+442079460018"))]);
    // What a source says of itself goes before the rule's own region.
    let british = rules().of_source(&std::collections::BTreeMap::new(), Region::parse("GB"));
    for namespace in ["phone", "mobile"] {
        let found = rules().normalised(&british, namespace, "020 7946 0018");
        assert_eq!(found.as_deref(), Ok("+442079460018"), "{namespace}");
    }
}

#[test]
fn codes_are_written_in_one_way_and_proved_by_their_check_digit() {
    is("card", &[(" 00ab-12 3 ", Ok("AB123")), ("AB123", Ok("AB123")), ("- 0", Err(BLOCKED_VALUE))]);
    // ISO/IEC 7812-1 and GS1's own examples.
    is("luhn", &[("79927398713", Ok("79927398713")), ("79927398710", Err(INVALID_CHECK_DIGIT))]);
    is("luhn", &[("7992-7398713", Err(INVALID_CHECK_DIGIT)), ("7", Err(INVALID_CHECK_DIGIT))]);
    is("ean", &[("6291041500213", Ok("6291041500213")), ("6291041500231", Err(INVALID_CHECK_DIGIT))]);
    is("till", &[("A-12 3", Ok("123")), ("none of it", Err(BLOCKED_VALUE))]);
}

#[test]
fn properties_that_repeat_an_identifier_are_left_out() {
    let mut draft = settled(&[("email", "ada@engines.example"), ("customer_id", "1")], &SourceRules::default());
    let mut property = |key: &str, value: &str| draft.properties.insert(key.to_owned(), value.to_owned());
    property("mail", "ADA@engines.example");
    property("link", "https://shop.example/?to=ada%40engines.example");
    property("phone", "+44 20 7946 0018");
    property("pieces", "1");
    property("note", "likes engines");
    property("grade", "Ünique");
    let came = Draft { identifiers: raw(&[("phone", "+44 20 7946 0018")]), ..draft.clone() };
    Needles::of(&came).scrub_properties(&mut draft);
    let kept: Vec<&str> = draft.properties.keys().map(String::as_str).collect();
    assert_eq!(kept, ["grade", "note", "pieces"]);
}

#[test]
fn a_property_shorter_than_an_identifier_repeats_it_when_it_is_longer_in_lower_case() {
    // In lower case the letter takes three bytes instead of two.
    let mut draft = settled(&[("customer_id", "İİİ")], &SourceRules::default());
    draft.properties.insert("name".to_owned(), "İİİ".to_owned());
    Needles::of(&draft.clone()).scrub_properties(&mut draft);
    assert!(draft.properties.is_empty());
}

#[test]
fn broken_rules_are_all_reported() {
    let broken = RULES
        .replace("'^test@'", "'('")
        .replace("'^[0-]*$'", "'['")
        .replace("region: DE", "region: XX")
        .replace("normalise: digits", "normalise: digits, region: GB, code: {}")
        .replace("tag: \"+\"", "tag: \"a\"")
        .replace("ignore: \".\"", "ignore: \".x\"")
        .replace("googlemail.com", "gmail.com")
        .replace("old.example", "B\u{fc}cher.example");
    let problems = IdentityRules::parse("identity.yaml", &broken).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "blocked.patterns",
            "namespaces.email.blocked.patterns",
            "namespaces.mobile.region",
            "namespaces.till.region",
            "namespaces.till.code",
            "mail_providers[0].ignore",
            "mail_providers[0].tag",
            "mail_providers[0].domains[1]",
            "mail_providers[1].domains[0]",
        ]
    );
    let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("XX is no country: write it as GB"), "{text}");
}

const NAMESPACES: [&str; 9] =
    ["anything", "email", "phone", "mobile", "card", "luhn", "till", "company_domain", "customer_id"];

/// Texts that are nearly e-mail addresses, numbers and codes, and texts that are nothing.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[+0-9() /.x-]{1,16}",
        "\\+[1-9][0-9]{6,12}",
        "[A-Za-z.+\u{e4}\u{df}]{1,8}@(gmail|googlemail|old|B\u{fc}cher)\\.(com|example)",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_is_normalising_once(text in text(), namespace in prop::sample::select(&NAMESPACES[..])) {
        let (rules, none) = (rules(), SourceRules::default());
        if let Ok(once) = rules.normalised(&none, namespace, &text) {
            prop_assert_eq!(rules.normalised(&none, namespace, &once), Ok(once));
        }
    }
}

proptest! {
    #[test]
    fn the_order_in_which_identifiers_come_does_not_matter(seed in prop::collection::vec(0_usize..6, 1..8)) {
        let all = [("email", "a@b.example"), ("email", "c@d.example"), ("customer_id", "1"), ("phone", "+49301234567"),
            ("x", "y"), ("customer_id", "2")];
        let list: Vec<_> = seed.iter().map(|index| all[*index]).collect();
        let mut reversed = list.clone();
        reversed.reverse();
        let none = SourceRules::default();
        prop_assert_eq!(settled(&list, &none).identifiers, settled(&reversed, &none).identifiers);
    }
}
