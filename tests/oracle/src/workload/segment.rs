//! Calls of Segment's libraries: page, track, identify, alias, group.

use serde_json::{Map, Value, json};

use crate::names::{decimal, instant};
use crate::workload::draft::Draft;
use crate::workload::spec::{Spec, item};

const SOURCE: &str = "segment";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// Where a visit came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    /// The call says nothing of a page.
    Unknown,
    /// Typed in.
    Direct,
    /// A search advertisement.
    Search,
    /// A paid post.
    Social,
    /// A newsletter.
    Newsletter,
    /// Another site.
    Referral,
}

impl Visit {
    pub(crate) const ALL: [Self; 6] =
        [Self::Unknown, Self::Direct, Self::Search, Self::Social, Self::Newsletter, Self::Referral];

    /// The channel group that Google Analytics 4 would count it under.
    fn channel(self) -> &'static str {
        match self {
            Self::Unknown => "unassigned",
            Self::Direct => "direct",
            Self::Search => "paid_search",
            Self::Social => "paid_social",
            Self::Newsletter => "email",
            Self::Referral => "referral",
        }
    }

    fn context(self) -> Value {
        let page = |referrer: &str| json!({"url": "https://shop.example/p/7", "referrer": referrer});
        let campaign = |source: &str, medium: &str| json!({"source": source, "medium": medium});
        match self {
            Self::Unknown => json!({"userAgent": BROWSER}),
            Self::Direct => json!({"userAgent": BROWSER, "page": page("")}),
            Self::Search => json!({"page": page("https://www.google.com/"), "campaign": campaign("google", "cpc")}),
            Self::Social => json!({"page": page(""), "campaign": campaign("facebook", "paid")}),
            Self::Newsletter => json!({"campaign": campaign("newsletter", "email")}),
            Self::Referral => json!({"page": page("https://blog.example/review")}),
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) anonymous: Option<String>,
    pub(crate) customer: Option<String>,
}

impl Caller {
    fn ids(&self) -> Vec<(&'static str, String)> {
        let known = [("customer_id", &self.customer), ("anonymous_id", &self.anonymous)];
        known.into_iter().filter_map(|(namespace, value)| Some((namespace, value.clone()?))).collect()
    }
}

fn call(id: &str, kind: &str, at: i64, caller: &Caller, more: Value) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
    put("messageId", json!(id));
    put("type", json!(kind));
    put("timestamp", json!(instant(at)));
    put("anonymousId", json!(caller.anonymous));
    put("userId", json!(caller.customer));
    if let Value::Object(more) = more {
        body.extend(more);
    }
    Value::Object(body)
}

fn draft(id: &str, body: &Value, spec: Spec) -> Draft {
    Draft::of(Some(id.to_owned()), body, vec![spec])
}

/// A page is viewed.
pub(crate) fn page(id: &str, at: i64, caller: &Caller, visit: Visit, campaign: Option<&str>) -> Draft {
    let properties = json!({"path": "/pricing", "campaign_id": campaign});
    let more = json!({"name": "Page", "properties": properties, "context": visit.context()});
    let mut spec = Spec::new(SOURCE, id, "page.viewed", at).who(caller.ids()).on(visit.channel());
    spec.campaign = campaign.map(str::to_owned);
    draft(id, &call(id, "page", at, caller, more), spec.with("path", "/pricing").with("name", "Page"))
}

/// A product is viewed (`Product Viewed`) or put in the cart (`Product Added`).
pub(crate) fn product(id: &str, at: i64, caller: &Caller, visit: Visit, sku: u32, into_cart: bool) -> Draft {
    let (event, kind) =
        if into_cart { ("Product Added", "cart.updated") } else { ("Product Viewed", "product.viewed") };
    let line = item(sku, 1, 1250, None);
    let properties = json!({"product_id": line.sku, "price": "12.50", "category": line.category});
    let more = json!({"event": event, "properties": properties, "context": visit.context()});
    let mut spec = Spec::new(SOURCE, id, kind, at).who(caller.ids()).on(visit.channel());
    spec.items = vec![line];
    draft(id, &call(id, "track", at, caller, more), spec)
}

/// `Checkout Started`, with what the cart is worth.
pub(crate) fn checkout(id: &str, at: i64, caller: &Caller, worth: i64) -> Draft {
    let more = json!({"event": "Checkout Started", "properties": {"value": decimal(worth), "currency": "USD"}});
    let spec = Spec::new(SOURCE, id, "checkout.started", at).who(caller.ids()).worth("USD", worth);
    draft(id, &call(id, "track", at, caller, more), spec)
}

/// `Order Completed`, `Order Refunded` or `Order Cancelled`; what goes back is given as a positive amount.
pub(crate) fn order(
    id: &str,
    at: i64,
    caller: &Caller,
    event: &str,
    order_id: &str,
    (currency, minor): (&'static str, i64),
) -> Draft {
    let kind = match event {
        "Order Completed" => "order.placed",
        "Order Refunded" => "order.refunded",
        _ => "order.cancelled",
    };
    let is_sale = kind == "order.placed";
    let line = item(minor as u32 % 7, 2, 450, None);
    let products =
        json!([{"product_id": line.sku, "quantity": 2, "price": "4.50", "category": line.category, "name": "Cup"}]);
    let mut properties = json!({"order_id": order_id, "currency": currency, "revenue": decimal(minor)});
    if is_sale {
        properties["products"] = products;
    }
    let more = json!({"event": event, "properties": properties});
    let signed = if is_sale { minor } else { -minor };
    let mut spec = Spec::new(SOURCE, id, kind, at).who(caller.ids()).worth(currency, signed);
    spec.order = Some(order_id.to_owned());
    spec.items = if is_sale { vec![line] } else { Vec::new() };
    draft(id, &call(id, "track", at, caller, more), spec)
}

/// A visitor logs in, and gives an address.
pub(crate) fn identify(id: &str, at: i64, caller: &Caller, email: Option<&str>, phone: Option<&str>) -> Draft {
    // Written as people write it; the hub makes it comparable.
    let written = email.map(|email| format!(" {} ", email.to_uppercase()));
    let more = json!({"traits": {"email": written, "phone": phone, "firstName": "Ada"}});
    let mut ids = caller.ids();
    ids.extend(email.map(|email| ("email", email.to_owned())));
    ids.extend(phone.map(|phone| ("phone", phone.to_owned())));
    let spec = Spec::new(SOURCE, id, "person.identified", at).who(ids);
    draft(id, &call(id, "identify", at, caller, more), spec)
}

/// Two anonymous ids are one visitor.
pub(crate) fn alias(id: &str, at: i64, one: &str, other: &str) -> Draft {
    let caller = Caller { anonymous: Some(one.to_owned()), customer: None };
    let ids = vec![("anonymous_id", one.to_owned()), ("anonymous_id", other.to_owned())];
    let spec = Spec::new(SOURCE, id, "person.identified", at).who(ids);
    draft(id, &call(id, "alias", at, &caller, json!({"previousId": other})), spec)
}

/// A person belongs to an account.
pub(crate) fn group(id: &str, at: i64, caller: &Caller, account: &str) -> Draft {
    let mut spec = Spec::new(SOURCE, id, "account.grouped", at).who(caller.ids());
    spec.accounts = vec![("account_id", account.to_owned())];
    draft(id, &call(id, "group", at, caller, json!({"groupId": account, "traits": {"name": "Engines"}})), spec)
}

/// `Unsubscribed` from e-mail.
pub(crate) fn unsubscribed(id: &str, at: i64, caller: &Caller) -> Draft {
    let spec = Spec::new(SOURCE, id, "email.unsubscribed", at).who(caller.ids()).on("email");
    draft(id, &call(id, "track", at, caller, json!({"event": "Unsubscribed", "properties": {}})), spec)
}

/// The body of a page call, for those who want to spoil it.
pub(crate) fn page_body(id: &str, at: i64, anonymous: &str) -> Value {
    let caller = Caller { anonymous: Some(anonymous.to_owned()), customer: None };
    call(id, "page", at, &caller, json!({"name": "Page", "properties": {"path": "/"}}))
}
