//! The canonical form of one event: one thing that happened between a person (or account) and the brand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identifier::{Identifier, RefusedIdentifier};
use crate::money::Money;

/// The kind of system a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Advertising, e-mail, social, retail media, web analytics.
    Channel,
    /// Sales CRM and service desk.
    Crm,
    /// Tills and loyalty in physical stores.
    Store,
    /// Web shop.
    Ecommerce,
}

impl Domain {
    /// All domains, in the order of their raw topics.
    pub const ALL: [Self; 4] = [Self::Channel, Self::Crm, Self::Store, Self::Ecommerce];

    /// The name used in topics, configuration and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Crm => "crm",
            Self::Store => "store",
            Self::Ecommerce => "ecommerce",
        }
    }
}

/// Who spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// We spoke: an exposure.
    Outbound,
    /// They did something.
    Inbound,
}

/// A reduction of an item's price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// Who or what gave it: `retail`, `coupon`, `coupon_match`, …
    pub kind: String,
    /// The reduction in minor units of the touchpoint's currency; positive lowers the price.
    pub amount_minor: i64,
}

/// One line of an order, basket or view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Stock-keeping unit or product id.
    pub sku: String,
    /// Pieces (or the unit the source counts in); zero and negative are real.
    pub quantity: i64,
    /// Price of one piece in minor units, when the source states it.
    pub unit_price_minor: Option<i64>,
    /// Cost of one piece in minor units, when known.
    pub unit_cost_minor: Option<i64>,
    /// What the line adds to the touchpoint's value in minor units, when the source states it.
    pub line_value_minor: Option<i64>,
    /// Reductions already contained in the line value.
    pub discounts: Vec<Discount>,
    /// Product category.
    pub category: Option<String>,
    /// Brand of the product.
    pub brand: Option<String>,
}

/// A statement of consent or its withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The channel it is about; `*` for all.
    pub channel: String,
    /// The purpose it is about, such as `marketing`.
    pub purpose: String,
    /// True when given, false when withdrawn.
    pub granted: bool,
}

/// One event in canonical form; the record of `tributary.touchpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touchpoint {
    /// Source and the source's own id, `<source>:<event id>`: the key of deduplication.
    pub touchpoint_id: String,
    /// The source's name.
    pub source: String,
    /// The source's domain.
    pub domain: Domain,
    /// What happened, `object.action` in the past tense: `order.placed`, `email.opened`, …
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub occurred_at: i64,
    /// When the hub received it.
    pub received_at: i64,
    /// Pseudonymous identifiers of the person, highest priority first, no duplicates. Empty: nobody is known.
    pub identifiers: Vec<Identifier>,
    /// Identifiers that were left out because their value is blocked.
    pub refused_identifiers: Vec<RefusedIdentifier>,
    /// Pseudonymous identifiers of the account: `crm_account_id`, `company_domain`, `household_id`.
    pub account_identifiers: Vec<Identifier>,
    /// Channel group in snake case: a GA4 default channel group or one of ours (`in_store`, `sales`, …).
    pub channel: String,
    /// Who spoke.
    pub direction: Direction,
    /// The campaign in the canvas.
    pub campaign_id: Option<String>,
    /// The message (creative, template) in the canvas.
    pub message_id: Option<String>,
    /// The decision this is the outcome of.
    pub decision_id: Option<String>,
    /// The agency that trafficked it.
    pub agency: Option<String>,
    /// Retailer or media owner.
    pub partner: Option<String>,
    /// What it cost us.
    pub cost: Option<Money>,
    /// What it brought; returns and refunds are negative.
    pub value: Option<Money>,
    /// Lines of the order, basket or view.
    pub items: Vec<Item>,
    /// The order that lines, payments and returns belong to.
    pub order_id: Option<String>,
    /// Store or place.
    pub location: Option<String>,
    /// Consent given or withdrawn with it.
    pub consents: Vec<Consent>,
    /// Set when another touchpoint with the same id but other content came before.
    pub duplicate_of: Option<String>,
    /// What did not fit elsewhere, at most [`Touchpoint::MAX_PROPERTIES`] entries.
    pub properties: BTreeMap<String, String>,
}

impl Touchpoint {
    /// The most properties a touchpoint carries.
    pub const MAX_PROPERTIES: usize = 64;

    /// A message the person received: sent, shown, called, mailed, offered.
    #[must_use]
    pub fn is_exposure(&self) -> bool {
        self.direction == Direction::Outbound && self.event_type != "email.bounced"
    }

    /// Value changed hands: an order, a store purchase, a won opportunity, or the taking back of one. Another version of an
    /// event that is known already is none: its value would count twice.
    #[must_use]
    pub fn is_conversion(&self) -> bool {
        self.value.is_some()
            && self.duplicate_of.is_none()
            && matches!(
                self.event_type.as_str(),
                "order.placed"
                    | "order.refunded"
                    | "order.cancelled"
                    | "store.purchased"
                    | "store.returned"
                    | "opportunity.won"
            )
    }

    /// A conversion that is a sale and not the taking back of one.
    #[must_use]
    pub fn is_sale(&self) -> bool {
        self.is_conversion()
            && matches!(self.event_type.as_str(), "order.placed" | "store.purchased" | "opportunity.won")
    }

    /// What it adds to the number of orders. A return or refund lowers the value and leaves the order standing; a cancelled
    /// order was none.
    #[must_use]
    pub fn order_delta(&self) -> i64 {
        match self.event_type.as_str() {
            "order.cancelled" if self.is_conversion() => -1,
            _ => i64::from(self.is_sale()),
        }
    }

    /// The person came to a site, an app or a store, and was not sent there by an answer to a message that only some get: a
    /// click on it is none.
    #[must_use]
    pub fn is_visit(&self) -> bool {
        const PLACES: [&str; 6] = ["page", "product", "cart", "checkout", "store", "app"];
        let object = self.event_type.split('.').next().unwrap_or_default();
        self.direction == Direction::Inbound
            && self.decision_id.is_none()
            && (PLACES.contains(&object) || self.event_type == "order.placed")
    }

    /// Value less the cost of the items in minor units; items without a cost count as free of cost.
    #[must_use]
    pub fn margin_minor(&self) -> i64 {
        let value = self.value.as_ref().map_or(0, |money| money.amount_minor);
        let sign = if value < 0 { -1 } else { 1 };
        let cost: i64 =
            self.items.iter().filter_map(|item| item.unit_cost_minor.map(|cost| cost * item.quantity.abs())).sum();
        value - sign * cost
    }
}
