//! How the sources put an event into JSON: the shape of `schemas/sources/events-<domain>`.

use serde::Serialize;
use serde_json::{Map, Value};
use tributary_model::time::to_rfc3339;
use tributary_model::{Discount, Domain, Identifier, Item, Money};

use super::SimulatedEvent;
use super::draft::{Draft, Line, Name};

/// Currency of the simulated retailer.
const CURRENCY: &str = "USD";

#[derive(Serialize)]
struct WireEvent<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    occurred_at: String,
    identifiers: Vec<Identifier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account_identifiers: Vec<Identifier>,
    channel: &'a str,
    direction: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Money>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<WireConsent>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
}

#[derive(Serialize)]
struct WireConsent {
    channel: &'static str,
    purpose: &'static str,
    granted: bool,
}

/// The source that sends the events of a domain.
pub(crate) const fn source(domain: Domain) -> &'static str {
    match domain {
        Domain::Channel => "events-channel",
        Domain::Crm => "events-crm",
        Domain::Store => "events-store",
        Domain::Ecommerce => "events-ecommerce",
    }
}

/// The event as its source sends it.
pub(crate) fn event(draft: &Draft) -> SimulatedEvent {
    let wire = WireEvent {
        id: &draft.event_id,
        event_type: draft.event_type,
        occurred_at: to_rfc3339(draft.occurred_at),
        identifiers: identifiers(&draft.identifiers),
        account_identifiers: identifiers(&draft.account_identifiers),
        channel: draft.channel,
        direction: if draft.outbound { "outbound" } else { "inbound" },
        campaign_id: draft.campaign_id,
        message_id: draft.message_id,
        partner: draft.partner,
        cost: draft.cost_minor.map(money),
        value: draft.value_minor.map(money),
        items: draft.lines.iter().map(item).collect(),
        order_id: draft.order_id.as_deref(),
        location: draft.location.as_deref(),
        consents: draft.consent.map(email_consent).into_iter().collect(),
        properties: draft
            .properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::String(value.clone())))
            .collect(),
    };
    SimulatedEvent {
        source: source(draft.domain),
        event_id: draft.event_id.clone(),
        occurred_at: draft.occurred_at,
        // A struct of strings and numbers always has a JSON form.
        body: serde_json::to_vec(&wire).unwrap_or_default(),
    }
}

fn identifiers(names: &[Name]) -> Vec<Identifier> {
    names.iter().map(|(namespace, value)| Identifier::new(*namespace, value.clone())).collect()
}

fn money(amount_minor: i64) -> Money {
    Money::new(CURRENCY, amount_minor)
}

fn email_consent(granted: bool) -> WireConsent {
    WireConsent { channel: "email", purpose: "marketing", granted }
}

fn item(line: &Line) -> Item {
    let coupon = Discount { kind: "coupon".to_owned(), amount_minor: line.coupon_minor };
    Item {
        sku: line.sku.to_owned(),
        quantity: line.quantity,
        unit_price_minor: Some(line.unit_price_minor),
        unit_cost_minor: Some(line.unit_cost_minor),
        line_value_minor: Some(line.line_value_minor),
        discounts: Some(coupon).filter(|coupon| coupon.amount_minor != 0).into_iter().collect(),
        category: Some(line.category.to_owned()),
        brand: Some(line.brand.to_owned()),
    }
}
