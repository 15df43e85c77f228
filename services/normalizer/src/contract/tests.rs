use proptest::prelude::*;
use tributary_model::{Direction, Money};
use tributary_rules::parse_json;

use super::{Mapped, Said, read};
use crate::draft::Draft;
use crate::error::Refusal;

fn mapped(json: &str) -> Result<Mapped, Refusal> {
    let read_there = read(Said::parse(json.as_bytes()).unwrap());
    let mapped = read(parse_json(json.as_bytes()).unwrap().into());
    assert!(read_there == mapped, "{json}: {read_there:?}, and by a program {mapped:?}");
    mapped
}

fn draft(extra: &str) -> Result<Draft, Refusal> {
    let json = format!(r#"{{"id": 7, "type": "order.placed", "occurred_at": "2026-03-01T10:00:00+01:00" {extra}}}"#);
    match mapped(&json)? {
        Mapped::Drafts(mut drafts) => Ok(drafts.remove(0)),
        Mapped::Drop(reason) => panic!("dropped as {reason}"),
    }
}

fn refused(extra: &str) -> String {
    draft(extra).unwrap_err().to_string()
}

#[test]
fn the_least_touchpoint_has_id_type_and_time() {
    let least = draft("").unwrap();
    assert_eq!((least.id.as_str(), least.event_type.as_str()), ("7", "order.placed"));
    assert_eq!(least.occurred_at, 1_772_355_600_000);
    assert_eq!(least.direction, Direction::Inbound);
    for missing in ["id", "type", "occurred_at"] {
        let json = r#"{"id": "a", "type": "a.b", "occurred_at": 1}"#.replace(&format!("\"{missing}\""), "\"location\"");
        assert_eq!(mapped(&json).unwrap_err().to_string(), format!("missing_field: {missing}: is missing"));
    }
}

#[test]
fn unknown_keys_are_named() {
    assert_eq!(refused(r#", "vlaue": 1"#), "unknown_field: vlaue: is no field of the mapping contract");
    let item = r#", "items": [{"sku": "a"}, {"sku": "a", "prize": 1}]"#;
    assert_eq!(refused(item), "unknown_field: items[1].prize: is no field of the mapping contract");
}

#[test]
fn types_are_object_and_action() {
    for bad in ["order", "Order.placed", "order.", ".placed", "order placed.x", "order.placed.twice"] {
        let json = format!(r#"{{"id": 1, "type": "{bad}", "occurred_at": 1}}"#);
        assert_eq!(mapped(&json).unwrap_err().code, "invalid_field", "{bad}");
    }
}

#[test]
fn a_viewed_experiment_names_itself_its_arm_and_its_share() {
    let viewed = |properties: &str| {
        let json = format!(
            r#"{{"id": 1, "type": "experiment.viewed", "occurred_at": 1, "properties": {{"experiment_id": "a" {properties}}}}}"#
        );
        mapped(&json).map(drop).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(viewed(r#", "arm": "held_out", "holdout_percent": "33.3""#), Ok(()));
    let refused = viewed(r#", "arm": "control", "holdout_percent": "50""#).unwrap_err();
    assert_eq!(refused, "invalid_field: properties.arm: is \"control\"; write treated or held_out");
    assert!(viewed(r#", "arm": "treated""#).unwrap_err().contains("properties.holdout_percent: is missing"));
}

#[test]
fn times_are_instants() {
    for bad in [r#""2026-03-01T10:00:00""#, r#""yesterday""#, "1.5", "true"] {
        let json = format!(r#"{{"id": 1, "type": "a.b", "occurred_at": {bad}}}"#);
        assert_eq!(mapped(&json).unwrap_err().code, "invalid_field", "{bad}");
    }
}

#[test]
fn money_is_read_exactly_in_every_form() {
    let value = |json: &str| draft(&format!(r#", "value": {json}"#)).map(|draft| draft.value);
    let usd = |amount_minor| Ok(Some(Money::new("USD", amount_minor)));
    assert_eq!(value(r#"{"currency": "USD", "amount": "12.5"}"#), usd(1250));
    assert_eq!(value(r#"{"currency": "USD", "amount": 1.43}"#), usd(143));
    assert_eq!(value(r#"{"currency": "USD", "amount": -0.1}"#), usd(-10));
    assert_eq!(value(r#"{"currency": "USD", "amount_minor": 99}"#), usd(99));
    assert_eq!(value(r#"{"currency": "JPY", "amount": 120}"#), Ok(Some(Money::new("JPY", 120))));
    let code = |json: &str| value(json).unwrap_err().code;
    assert_eq!(code(r#"{"currency": "USD", "amount": 130.64999999999998}"#), "too_precise");
    assert_eq!(code(r#"{"currency": "JPY", "amount": 1.5}"#), "too_precise");
    assert_eq!(code(r#"{"currency": "usd", "amount": 1}"#), "invalid_amount");
    assert_eq!(code(r#"{"currency": "USD", "amount": "ada@example.org"}"#), "invalid_amount");
    assert_eq!(code(r#"{"currency": "USD", "amount": true}"#), "invalid_amount");
    assert_eq!(code(r#"{"currency": "USD", "amount": 1e18}"#), "invalid_amount");
    assert_eq!(code(r#"{"currency": "USD"}"#), "missing_field");
    assert_eq!(code(r#"{"amount": 1}"#), "missing_field");
    assert_eq!(code(r#"{"currency": "USD", "amount": 1, "amount_minor": 100}"#), "invalid_field");
}

#[test]
fn refusals_of_amounts_do_not_quote_them() {
    let text = refused(r#", "value": {"currency": "USD", "amount": "ada@example.org"}"#);
    assert_eq!(text, "invalid_amount: value.amount: is not a decimal number such as 12.50");
}

#[test]
fn a_value_may_be_the_sum_of_its_lines() {
    let items = r#", "items": [{"sku": "a", "line_value": 0.1}, {"sku": "b", "line_value": "0.20"}]"#;
    let of_lines = draft(&format!(r#"{items}, "value": {{"currency": "USD", "sum_of": "line_value"}}"#)).unwrap();
    assert_eq!(of_lines.value, Some(Money::new("USD", 30)));
    let without = r#", "items": [{"sku": "a"}], "value": {"currency": "USD", "sum_of": "line_value"}"#;
    assert!(refused(without).starts_with("missing_field: items[0].line_value"), "{}", refused(without));
}

#[test]
fn items_need_a_currency_for_their_amounts_and_only_then() {
    assert!(draft(r#", "items": [{"sku": 5, "quantity": -2}]"#).is_ok());
    assert_eq!(draft(r#", "items": [{"sku": 5, "unit_price": 1}]"#).unwrap_err().code, "missing_field");
    let mixed = r#", "currency": "EUR", "value": {"currency": "USD", "amount": 1}"#;
    assert_eq!(draft(mixed).unwrap_err().code, "mixed_currencies");
    let full = draft(
        r#", "currency": "EUR", "items": [{"sku": "a", "quantity": "3", "unit_price": 2, "unit_cost": "1.10",
            "line_value": 5.5, "discounts": [{"kind": "coupon", "amount": 0.5}], "category": "c", "brand": null}]"#,
    )
    .unwrap();
    let item = &full.items[0];
    assert_eq!((item.quantity, item.unit_price_minor, item.unit_cost_minor), (3, Some(200), Some(110)));
    assert_eq!((item.line_value_minor, item.discounts[0].amount_minor), (Some(550), 50));
    assert_eq!(item.brand, None);
}

#[test]
fn identifiers_are_texts_numbers_or_lists_of_them() {
    let some = draft(r#", "identifiers": {"email": ["a@b.example", null], "customer_id": 12, "phone": null}"#).unwrap();
    let found: Vec<(&str, &str)> =
        some.identifiers.iter().map(|found| (found.namespace.as_str(), found.value.as_str())).collect();
    assert_eq!(found, [("customer_id", "12"), ("email", "a@b.example")]);
    assert_eq!(refused(r#", "identifiers": {"email": {"a": 1}}"#).split(':').next(), Some("invalid_field"));
    assert!(!format!("{:?}", some.identifiers).contains("a@b"));
}

#[test]
fn properties_are_flat_texts_and_bounded() {
    let some = draft(r#", "properties": {"a": 1, "b": true, "c": null, "d": 1.50, "e": "x"}"#).unwrap();
    let texts: Vec<&str> = some.properties.values().map(String::as_str).collect();
    assert_eq!(texts, ["1", "true", "1.5", "x"]);
    assert_eq!(draft(r#", "properties": {"a": {"b": 1}}"#).unwrap_err().code, "invalid_field");
    let many: Vec<String> = (0..70).map(|index| format!(r#""p{index:02}": {index}"#)).collect();
    let bounded = draft(&format!(r#", "properties": {{{}}}"#, many.join(","))).unwrap();
    assert_eq!(bounded.properties.len(), 64);
    assert!(bounded.properties.contains_key("p63") && !bounded.properties.contains_key("p64"));
}

#[test]
fn results_are_touchpoints_lists_or_drops() {
    assert!(matches!(mapped(r#"{"drop": "test"}"#), Ok(Mapped::Drop(reason)) if reason == "test"));
    let two = r#"[{"id": 1, "type": "a.b", "occurred_at": 1}, {"id": 2, "type": "a.b", "occurred_at": 1}]"#;
    assert!(matches!(mapped(two), Ok(Mapped::Drafts(drafts)) if drafts.len() == 2));
    let same = two.replace("\"id\": 2", "\"id\": \"1\"");
    for bad in ["null", "[]", "3", "[1]", r#"{"drop": 1}"#, r#"{"drop": "a", "id": 1}"#, &same] {
        assert_eq!(mapped(bad).unwrap_err().code, "bad_result", "{bad}");
    }
    let second = mapped(r#"[{"id": 1, "type": "a.b", "occurred_at": 1}, {"id": 2}]"#).unwrap_err();
    assert_eq!(second.to_string(), "missing_field: [1].type: is missing");
}

proptest! {
    #[test]
    fn any_number_of_cents_survives_as_a_json_number(cents in -99_999_999_999_i64..99_999_999_999) {
        let sign = if cents < 0 { "-" } else { "" };
        let amount = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
        let read = draft(&format!(r#", "value": {{"currency": "USD", "amount": {amount}}}"#)).unwrap();
        prop_assert_eq!(read.value, Some(Money::new("USD", cents)));
    }
}
