//! How the sources put an event into JSON: the shape of `schemas/sources/events-<domain>`.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_model::Domain;
use tributary_model::time::to_rfc3339;

use super::SimulatedEvent;
use super::draft::{Draft, Line, Name};

/// Currency of the simulated retailer; its minor unit has two decimals.
const CURRENCY: &str = "USD";

#[derive(Serialize)]
struct WireEvent<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    occurred_at: String,
    identifiers: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    account_identifiers: BTreeMap<&'static str, &'a str>,
    channel: &'a str,
    direction: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<WireMoney>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<WireMoney>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<WireItem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<WireConsent>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

#[derive(Serialize)]
struct WireMoney {
    currency: &'static str,
    amount: String,
}

#[derive(Serialize)]
struct WireItem<'a> {
    sku: &'a str,
    quantity: i64,
    unit_price: String,
    unit_cost: String,
    line_value: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<WireDiscount>,
    category: &'a str,
    brand: &'a str,
}

#[derive(Serialize)]
struct WireDiscount {
    kind: &'static str,
    amount: String,
}

#[derive(Serialize)]
struct WireConsent {
    channel: &'static str,
    purpose: &'static str,
    granted: bool,
}

/// The source that sends the events of a domain.
const fn source(domain: Domain) -> &'static str {
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
        identifiers: names(&draft.identifiers),
        account_identifiers: names(&draft.account_identifiers),
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
        properties: draft.properties.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        user_agent: draft.user_agent,
    };
    SimulatedEvent {
        source: source(draft.domain),
        domain: draft.domain,
        event_id: draft.event_id.clone(),
        occurred_at: draft.occurred_at,
        // A struct of strings and numbers always has a JSON form.
        body: serde_json::to_vec(&wire).unwrap_or_default(),
    }
}

/// No event carries two names of one namespace.
fn names(names: &[Name]) -> BTreeMap<&'static str, &str> {
    names.iter().map(|(namespace, value)| (*namespace, value.as_str())).collect()
}

fn decimal(amount_minor: i64) -> String {
    let sign = if amount_minor < 0 { "-" } else { "" };
    let magnitude = amount_minor.unsigned_abs();
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

fn money(amount_minor: i64) -> WireMoney {
    WireMoney { currency: CURRENCY, amount: decimal(amount_minor) }
}

fn email_consent(granted: bool) -> WireConsent {
    WireConsent { channel: "email", purpose: "marketing", granted }
}

fn item(line: &Line) -> WireItem<'_> {
    let coupon = WireDiscount { kind: "coupon", amount: decimal(line.coupon_minor) };
    WireItem {
        sku: line.sku,
        quantity: line.quantity,
        unit_price: decimal(line.unit_price_minor),
        unit_cost: decimal(line.unit_cost_minor),
        line_value: decimal(line.line_value_minor),
        discounts: Some(coupon).filter(|_| line.coupon_minor != 0).into_iter().collect(),
        category: line.category,
        brand: line.brand,
    }
}
