//! Webhooks of a Shopify shop and its tills: orders, refunds, carts, customers.

use serde_json::{Value, json};
use tributary_model::Consent;

use crate::names::{decimal, instant};
use crate::workload::draft::Draft;
use crate::workload::spec::{Spec, item};

/// What Shopify's exports put where nobody is.
const CENSORED: &str = "censored@censored.com";

/// Who buys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shopper {
    pub(crate) customer: Option<u64>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) cart: Option<String>,
}

impl Shopper {
    fn ids(&self) -> Vec<(&'static str, String)> {
        let customer = self.customer.map(|number| number.to_string());
        let cart = self.cart.as_ref().map(|cart| format!("cart:{cart}"));
        let known = [
            ("shopify_customer_id", customer),
            ("email", self.email.clone()),
            ("phone", self.phone.clone()),
            ("anonymous_id", cart),
        ];
        known.into_iter().filter_map(|(namespace, value)| Some((namespace, value?))).collect()
    }
}

fn body(number: u64, at: i64, shopper: &Shopper, (currency, minor): (&str, i64)) -> Value {
    json!({
        "id": number,
        "order_number": number,
        "created_at": instant(at),
        "processed_at": instant(at),
        "updated_at": instant(at),
        "currency": currency,
        "total_price": decimal(minor),
        "total_tax": "1.00",
        "total_discounts": "0.25",
        "email": shopper.email,
        "phone": shopper.phone,
        "customer": shopper.customer.map(|id| json!({"id": id})),
        "cart_token": shopper.cart,
        "line_items": [{
            "variant_id": 41_000 + number % 7, "quantity": 1, "price": "9.90", "vendor": "Trailwise",
            "product_type": (item((number % 7) as u32, 1, 0, None).category), "total_discount": "0.25",
        }],
    })
}

fn order_spec(source: &'static str, kind: &str, number: u64, at: i64, money: (&'static str, i64)) -> Spec {
    let mut line = item((number % 7) as u32, 1, 990, None);
    line.brand = Some("Trailwise".to_owned());
    line.discounts = vec![tributary_model::Discount { kind: "line".to_owned(), amount_minor: 25 }];
    let mut spec = Spec::new(source, format!("order:{number}"), kind, at).worth(money.0, money.1);
    spec.items = vec![line];
    spec.order = Some(number.to_string());
    spec.with("tax", "1.00").with("discounts", "0.25")
}

/// One id for all states of an object.
fn own_id(number: u64) -> Option<String> {
    Some(number.to_string())
}

/// An order of the web shop.
pub(crate) fn order(number: u64, at: i64, shopper: &Shopper, money: (&'static str, i64)) -> Draft {
    let mut ids = shopper.ids();
    ids.push(("order_id", number.to_string()));
    let spec = order_spec("shopify", "order.placed", number, at, money).who(ids);
    Draft::of(own_id(number), &body(number, at, shopper, money), vec![spec])
}

/// An order at a till, of somebody whom the till calls by an address that is nobody's.
pub(crate) fn till_order(number: u64, at: i64, minor: i64) -> Draft {
    let nobody = Shopper { email: Some(CENSORED.to_owned()), ..Shopper::default() };
    let mut body = body(number, at, &nobody, ("USD", minor));
    body["location_id"] = json!(77);
    let ids = vec![("order_id", number.to_string())];
    let mut spec = order_spec("shopify-pos", "store.purchased", number, at, ("USD", minor)).who(ids).on("in_store");
    spec.blocked = vec![("email", CENSORED.to_owned())];
    spec.location = Some("77".to_owned());
    Draft::of(own_id(number), &body, vec![spec])
}

/// A refund: it names no customer, only the order.
pub(crate) fn refund(number: u64, at: i64, order: u64, (currency, minor): (&'static str, i64)) -> Draft {
    let body = json!({
        "id": number,
        "order_id": order,
        "created_at": instant(at),
        "processed_at": instant(at),
        "refund_line_items": [{"quantity": 1, "line_item": {"variant_id": 41_000 + order % 7, "vendor": "Trailwise"}}],
        "transactions": [
            {"amount": decimal(minor), "currency": currency, "kind": "refund", "status": "success"},
            {"amount": "99.00", "currency": currency, "kind": "refund", "status": "failure"},
        ],
    });
    let mut line = item((order % 7) as u32, 1, 0, None);
    (line.unit_price_minor, line.category, line.brand) = (None, None, Some("Trailwise".to_owned()));
    let mut spec = Spec::new("shopify", format!("refund:{number}"), "order.refunded", at).worth(currency, -minor);
    spec.ids = vec![("order_id", order.to_string())];
    spec.order = Some(order.to_string());
    spec.items = vec![line];
    Draft::of(None, &body, vec![spec])
}

/// The cart of a visitor.
pub(crate) fn cart(token: &str, at: i64) -> Draft {
    let body = json!({
        "token": token,
        "updated_at": instant(at),
        "line_items": [{"variant_id": 41_001, "quantity": 3, "vendor": "Trailwise"}],
    });
    let mut line = item(1, 3, 0, None);
    (line.unit_price_minor, line.category, line.brand) = (None, None, Some("Trailwise".to_owned()));
    let mut spec = Spec::new("shopify", format!("cart:{token}:{}", instant(at)), "cart.updated", at);
    spec.ids = vec![("anonymous_id", format!("cart:{token}"))];
    spec.items = vec![line];
    Draft::of(None, &body, vec![spec])
}

/// A customer's data, with consent to e-mail given or withdrawn.
pub(crate) fn customer(number: u64, at: i64, email: &str, subscribed: bool) -> Draft {
    let state = if subscribed { "subscribed" } else { "unsubscribed" };
    let body = json!({
        "id": number,
        "email": email,
        "created_at": instant(at),
        "updated_at": instant(at),
        "email_marketing_consent": {"state": state},
    });
    let mut spec = Spec::new("shopify", format!("customer:{number}:{}", instant(at)), "person.identified", at);
    spec.ids = vec![("shopify_customer_id", number.to_string()), ("email", email.to_owned())];
    spec.consents = vec![Consent { channel: "email".to_owned(), purpose: "marketing".to_owned(), granted: subscribed }];
    Draft::of(own_id(number), &body, vec![spec])
}

/// A later state of an order, which maps to the same touchpoint; `None` for what is no order.
pub(crate) fn restated(draft: &Draft, at: i64) -> Option<Draft> {
    let is_order = draft.source.starts_with("shopify") && draft.is_touch_of("order:");
    let mut body: Value = serde_json::from_slice(&draft.body).ok().filter(|_| is_order)?;
    body["updated_at"] = json!(instant(at));
    body["fulfillment_status"] = json!("fulfilled");
    Some(Draft { body: body.to_string().into_bytes(), ..draft.clone() })
}

/// The body of an order, for those who want to spoil it.
pub(crate) fn order_body(number: u64, at: i64) -> Value {
    body(number, at, &Shopper::default(), ("USD", 1_000))
}
