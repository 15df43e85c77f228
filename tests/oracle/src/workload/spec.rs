//! What happened, before any source has put it in its own words: the truth of one touchpoint, with raw identifiers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tributary_model::identifier::RefusedIdentifier;
use tributary_model::{Consent, Direction, Discount, Domain, Identifier, Item, Money, Touchpoint};

use crate::names::{decimal, instant, pseudonym};
use crate::workload::Touch;

/// Namespaces from the most telling to the least, as `schemas/identity.yaml` ranks them.
const RANKS: [&str; 10] = [
    "customer_id",
    "crm_contact_id",
    "shopify_customer_id",
    "loyalty_id",
    "email",
    "phone",
    "crm_lead_id",
    "device_id",
    "anonymous_id",
    "order_id",
];
/// Mail domains in use here that say nothing about an account.
const FREE_MAIL: [&str; 1] = ["example.org"];

/// One touchpoint in plain words.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) source: &'static str,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) at: i64,
    /// Namespace and normalised value.
    pub(crate) ids: Vec<(&'static str, String)>,
    /// Identifiers that many persons share; they never lead a touchpoint.
    pub(crate) shared: Vec<(&'static str, String)>,
    /// Identifiers whose value is blocked.
    pub(crate) blocked: Vec<(&'static str, String)>,
    pub(crate) accounts: Vec<(&'static str, String)>,
    pub(crate) channel: String,
    pub(crate) outbound: bool,
    pub(crate) campaign: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) agency: Option<String>,
    pub(crate) partner: Option<String>,
    pub(crate) cost: Option<(&'static str, i64)>,
    pub(crate) value: Option<(&'static str, i64)>,
    pub(crate) items: Vec<Item>,
    pub(crate) order: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) consents: Vec<Consent>,
    pub(crate) properties: BTreeMap<String, String>,
}

/// The domain of a source.
pub(crate) fn domain(source: &str) -> Domain {
    match source {
        "events-channel" => Domain::Channel,
        "events-crm" | "olist" => Domain::Crm,
        "events-store" | "shopify-pos" | "complete-journey" => Domain::Store,
        _ => Domain::Ecommerce,
    }
}

/// A line of goods: sku number, pieces, price and cost of one in minor units.
pub(crate) fn item(sku: u32, quantity: i64, unit_price: i64, unit_cost: Option<i64>) -> Item {
    Item {
        sku: format!("{}", 41_000 + sku),
        quantity,
        unit_price_minor: Some(unit_price),
        unit_cost_minor: unit_cost,
        line_value_minor: None,
        discounts: Vec::new(),
        category: Some(["kitchen", "garden", "travel"][sku as usize % 3].to_owned()),
        brand: None,
    }
}

impl Spec {
    pub(crate) fn new(source: &'static str, id: impl Into<String>, kind: &str, at: i64) -> Self {
        Self {
            source,
            id: id.into(),
            kind: kind.to_owned(),
            at,
            ids: Vec::new(),
            shared: Vec::new(),
            blocked: Vec::new(),
            accounts: Vec::new(),
            channel: "unassigned".to_owned(),
            outbound: false,
            campaign: None,
            message: None,
            agency: None,
            partner: None,
            cost: None,
            value: None,
            items: Vec::new(),
            order: None,
            location: None,
            consents: Vec::new(),
            properties: BTreeMap::new(),
        }
    }

    pub(crate) fn who(mut self, ids: Vec<(&'static str, String)>) -> Self {
        self.ids = ids;
        self
    }

    pub(crate) fn on(mut self, channel: &str) -> Self {
        self.channel = channel.to_owned();
        self
    }

    pub(crate) fn spoken(mut self, campaign: &str, message: &str) -> Self {
        self.outbound = true;
        self.campaign = Some(campaign.to_owned()).filter(|text| !text.is_empty());
        self.message = Some(message.to_owned()).filter(|text| !text.is_empty());
        self
    }

    pub(crate) fn worth(mut self, currency: &'static str, minor: i64) -> Self {
        self.value = Some((currency, minor));
        self
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.properties.insert(key.to_owned(), value.into());
        self
    }

    /// The touchpoint that the hub has to make of it.
    pub(crate) fn touch(&self, received_at: i64) -> Touch {
        let mut raw: Vec<(&str, &str)> = self.ids.iter().chain(&self.shared).map(|(n, v)| (*n, v.as_str())).collect();
        raw.sort_by_key(|(namespace, value)| (rank(namespace), *namespace, *value));
        raw.dedup();
        let money = |money: Option<(&str, i64)>| {
            money.map(|(currency, amount_minor)| Money { currency: currency.to_owned(), amount_minor })
        };
        let mut refused: Vec<&str> = self.blocked.iter().map(|(namespace, _)| *namespace).collect();
        refused.sort_unstable();
        let refusal = |namespace: &&str| RefusedIdentifier {
            namespace: (*namespace).to_owned(),
            reason: "blocked_value".to_owned(),
        };
        let touchpoint = Touchpoint {
            touchpoint_id: format!("{}:{}", self.source, self.id),
            source: self.source.to_owned(),
            domain: domain(self.source),
            event_type: self.kind.clone(),
            occurred_at: self.at,
            received_at,
            identifiers: raw.iter().map(|(namespace, value)| pseudonym(namespace, value)).collect(),
            refused_identifiers: refused.iter().map(refusal).collect(),
            account_identifiers: self.account_identifiers(),
            channel: self.channel.clone(),
            direction: if self.outbound { Direction::Outbound } else { Direction::Inbound },
            campaign_id: self.campaign.clone(),
            message_id: self.message.clone(),
            decision_id: None,
            agency: self.agency.clone(),
            partner: self.partner.clone(),
            cost: money(self.cost),
            value: money(self.value),
            items: self.items.clone(),
            order_id: self.order.clone(),
            location: self.location.clone(),
            consents: self.consents.clone(),
            duplicate_of: None,
            properties: self.properties.clone(),
        };
        let shared: BTreeSet<Identifier> = self.shared.iter().map(|(n, v)| pseudonym(n, v)).collect();
        Touch { touchpoint, shared }
    }

    /// The accounts it names, and the company behind a business address.
    fn account_identifiers(&self) -> Vec<Identifier> {
        let mut raw: Vec<(&str, &str)> = self.accounts.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let emails = self.ids.iter().chain(&self.shared).filter(|(namespace, _)| *namespace == "email");
        let domains = emails.filter_map(|(_, address)| address.split('@').nth(1));
        raw.extend(domains.filter(|domain| !FREE_MAIL.contains(domain)).map(|domain| ("company_domain", domain)));
        raw.sort_unstable();
        raw.dedup();
        raw.into_iter().map(|(namespace, value)| pseudonym(namespace, value)).collect()
    }

    /// The event as a producer writes it that speaks the touchpoint shape: the sources `events-*`.
    pub(crate) fn plain(&self) -> Value {
        let mut body = Map::new();
        let mut put = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
        put("id", json!(self.id));
        put("type", json!(self.kind));
        put("occurred_at", json!(instant(self.at)));
        put("identifiers", grouped(self.ids.iter().chain(&self.shared).chain(&self.blocked)));
        put("channel", json!(self.channel));
        put("direction", json!(if self.outbound { "outbound" } else { "inbound" }));
        if !self.accounts.is_empty() {
            put("account_identifiers", grouped(self.accounts.iter()));
        }
        let texts = [
            ("campaign_id", &self.campaign),
            ("message_id", &self.message),
            ("agency", &self.agency),
            ("partner", &self.partner),
            ("order_id", &self.order),
            ("location", &self.location),
        ];
        for (key, text) in texts {
            text.iter().for_each(|text| put(key, json!(text)));
        }
        for (key, money) in [("value", self.value), ("cost", self.cost)] {
            money.iter().for_each(|(currency, minor)| {
                put(key, json!({"currency": currency, "amount": decimal(*minor)}));
            });
        }
        if !self.items.is_empty() {
            put("items", self.items.iter().map(plain_item).collect());
            put("currency", json!(self.value.or(self.cost).map_or("USD", |(currency, _)| currency)));
        }
        if !self.consents.is_empty() {
            put("consents", json!(self.consents));
        }
        if !self.properties.is_empty() {
            put("properties", json!(self.properties));
        }
        Value::Object(body)
    }
}

fn rank(namespace: &str) -> usize {
    RANKS.iter().position(|known| *known == namespace).unwrap_or(RANKS.len())
}

fn grouped<'a>(pairs: impl Iterator<Item = &'a (&'static str, String)>) -> Value {
    let mut by_namespace: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (namespace, value) in pairs {
        by_namespace.entry(namespace).or_default().push(value);
    }
    json!(by_namespace)
}

fn plain_item(item: &Item) -> Value {
    let amount = |minor: Option<i64>| minor.map(decimal);
    let discount = |discount: &Discount| json!({"kind": discount.kind, "amount": decimal(discount.amount_minor)});
    json!({
        "sku": item.sku,
        "quantity": item.quantity,
        "unit_price": amount(item.unit_price_minor),
        "unit_cost": amount(item.unit_cost_minor),
        "line_value": amount(item.line_value_minor),
        "discounts": item.discounts.iter().map(discount).collect::<Vec<_>>(),
        "category": item.category,
        "brand": item.brand,
    })
}
