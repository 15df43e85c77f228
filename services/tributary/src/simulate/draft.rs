//! One event before it takes the shape its source gives it.

use tributary_model::Domain;

/// A line of a basket, order or return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sku: &'static str,
    pub(crate) category: &'static str,
    pub(crate) brand: &'static str,
    /// Negative on a return.
    pub(crate) quantity: i64,
    pub(crate) unit_price_minor: i64,
    pub(crate) unit_cost_minor: i64,
    pub(crate) coupon_minor: i64,
    /// What the line adds to the value; negative on a return.
    pub(crate) line_value_minor: i64,
}

impl Line {
    /// The line that takes this one back.
    pub(crate) fn returned(&self) -> Self {
        Self {
            quantity: -self.quantity,
            line_value_minor: -self.line_value_minor,
            coupon_minor: -self.coupon_minor,
            ..self.clone()
        }
    }
}

/// A name by which one silo knows somebody.
pub(crate) type Name = (&'static str, String);

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) event_id: String,
    pub(crate) domain: Domain,
    pub(crate) event_type: &'static str,
    pub(crate) occurred_at: i64,
    pub(crate) identifiers: Vec<Name>,
    pub(crate) account_identifiers: Vec<Name>,
    pub(crate) channel: &'static str,
    pub(crate) outbound: bool,
    pub(crate) campaign_id: Option<&'static str>,
    pub(crate) message_id: Option<&'static str>,
    pub(crate) partner: Option<&'static str>,
    pub(crate) cost_minor: Option<i64>,
    pub(crate) value_minor: Option<i64>,
    pub(crate) lines: Vec<Line>,
    pub(crate) order_id: Option<String>,
    pub(crate) location: Option<String>,
    /// Consent for marketing e-mail given or withdrawn.
    pub(crate) consent: Option<bool>,
    pub(crate) properties: Vec<(&'static str, String)>,
    pub(crate) user_agent: Option<&'static str>,
}

impl Draft {
    pub(crate) fn new(event_id: String, domain: Domain, event_type: &'static str, occurred_at: i64) -> Self {
        Self {
            event_id,
            domain,
            event_type,
            occurred_at,
            identifiers: Vec::new(),
            account_identifiers: Vec::new(),
            channel: "direct",
            outbound: false,
            campaign_id: None,
            message_id: None,
            partner: None,
            cost_minor: None,
            value_minor: None,
            lines: Vec::new(),
            order_id: None,
            location: None,
            consent: None,
            properties: Vec::new(),
            user_agent: None,
        }
    }

    pub(crate) fn by(mut self, identifiers: Vec<Name>) -> Self {
        self.identifiers = identifiers;
        self
    }

    pub(crate) fn on(mut self, channel: &'static str) -> Self {
        self.channel = channel;
        self
    }

    /// Marks it as a message of a campaign that was spoken by us.
    pub(crate) fn said(mut self, campaign_id: &'static str, message_id: &'static str, cost_minor: i64) -> Self {
        self.outbound = true;
        self.campaign_id = Some(campaign_id);
        self.message_id = Some(message_id);
        self.cost_minor = (cost_minor > 0).then_some(cost_minor);
        self
    }

    /// Marks it as what somebody did about a campaign's message.
    pub(crate) fn about(mut self, campaign_id: &'static str, message_id: &'static str) -> Self {
        self.campaign_id = Some(campaign_id);
        self.message_id = Some(message_id);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.properties.push((name, value.into()));
        self
    }

    /// Lines with their sum as value, under an order.
    pub(crate) fn worth(mut self, order_id: &str, lines: Vec<Line>) -> Self {
        self.value_minor = Some(lines.iter().map(|line| line.line_value_minor).sum());
        self.order_id = Some(order_id.to_owned());
        self.lines = lines;
        self
    }

    /// Value less the cost of the goods.
    pub(crate) fn margin_minor(&self) -> i64 {
        let cost: i64 = self.lines.iter().map(|line| line.unit_cost_minor * line.quantity).sum();
        self.value_minor.unwrap_or(0) - cost
    }

    /// True for a sale and for the taking back of one.
    pub(crate) fn is_conversion(&self) -> bool {
        self.value_minor.is_some()
            && matches!(
                self.event_type,
                "order.placed" | "order.refunded" | "store.purchased" | "store.returned" | "opportunity.won"
            )
    }

    /// True when it takes a sale back.
    pub(crate) fn is_return(&self) -> bool {
        matches!(self.event_type, "order.refunded" | "store.returned")
    }
}
