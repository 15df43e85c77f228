//! Rows of the two published data sets: The Complete Journey (a grocer) and Olist (leads of a marketplace).

use serde_json::json;
use tributary_model::{Discount, Item};

use crate::names::{decimal, instant};
use crate::workload::draft::Draft;
use crate::workload::spec::Spec;

const GROCER: &str = "complete-journey";

fn household(spec: Spec, household: &str) -> Spec {
    let mut spec = spec.who(vec![("loyalty_id", household.to_owned())]);
    spec.accounts = vec![("household_id", household.to_owned())];
    spec
}

/// A basket of two lines, one of them with a coupon.
pub(crate) fn basket(number: u32, at: i64, card: &str, minor: i64) -> Draft {
    let id = format!("basket-{number}");
    let (first, second) = (minor / 3, minor - minor / 3);
    let line = |sku: u32, value: i64, coupon: &str| {
        json!({
            "product_id": format!("{sku}"), "quantity": "2", "sales_value": decimal(value), "retail_disc": "0.0",
            "coupon_disc": coupon, "coupon_match_disc": "0.0", "brand": "National", "product_category": "TEA",
        })
    };
    let body = json!({
        "id": id, "kind": "basket", "occurred_at": instant(at), "basket_id": format!("{number}"), "household_id": card,
        "store_id": "31", "week": "1", "lines": [line(71, first, "0.40"), line(72, second, "0.0")],
    });
    let item = |sku: u32, value: i64| Item {
        sku: format!("{sku}"),
        quantity: 2,
        unit_price_minor: None,
        unit_cost_minor: None,
        line_value_minor: Some(value),
        discounts: Vec::new(),
        category: Some("TEA".to_owned()),
        brand: Some("National".to_owned()),
    };
    let mut spec = household(Spec::new(GROCER, id.as_str(), "store.purchased", at), card);
    spec = spec.on("in_store").worth("USD", minor).with("week", "1");
    spec.items = vec![item(71, first), item(72, second)];
    spec.items[0].discounts = vec![Discount { kind: "coupon".to_owned(), amount_minor: 40 }];
    spec.order = Some(format!("{number}"));
    spec.location = Some("31".to_owned());
    Draft::of(Some(id), &body, vec![spec])
}

/// One envelope: a letter and the coupons in it, two touchpoints.
pub(crate) fn mailing(at: i64, card: &str, campaign: &str) -> Draft {
    let id = format!("mailing-{campaign}-{card}");
    let body = json!({
        "id": id, "kind": "mailing", "occurred_at": instant(at), "campaign_id": campaign, "household_id": card,
        "campaign_type": "Type B", "start_date": "2026-03-02", "end_date": "2026-04-02", "coupons": 2,
        "coupon_products": 30,
    });
    let spec = |id: String, kind: &str| {
        let spec = household(Spec::new(GROCER, id, kind, at), card).on("direct_mail").spoken(campaign, "");
        spec.with("campaign_type", "Type B").with("start_date", "2026-03-02").with("end_date", "2026-04-02")
    };
    let offer = spec(format!("offer-{campaign}-{card}"), "coupon.offered");
    let offer = offer.with("coupons", "2").with("coupon_products", "30");
    Draft::of(Some(id.clone()), &body, vec![spec(id, "mail.sent"), offer])
}

/// A coupon is redeemed.
pub(crate) fn redemption(at: i64, card: &str, campaign: &str) -> Draft {
    let id = format!("redemption-{card}-900-{campaign}");
    let body = json!({
        "id": id, "kind": "redemption", "occurred_at": instant(at), "household_id": card, "coupon_upc": "900",
        "campaign_id": campaign, "redemption_date": "2026-03-20",
    });
    let mut spec = household(Spec::new(GROCER, id.as_str(), "coupon.redeemed", at), card).on("in_store");
    spec.campaign = Some(campaign.to_owned());
    let spec = spec.with("coupon_upc", "900").with("redemption_date", "2026-03-20");
    Draft::of(Some(id), &body, vec![spec])
}

/// What stood on display in a store: it names nobody.
pub(crate) fn placements(store: u32, at: i64) -> Draft {
    let id = format!("placements-{store}-1");
    let body = json!({
        "id": id, "kind": "placements", "occurred_at": instant(at), "store_id": store, "week": 1,
        "products": [{
            "product_id": "71", "display_location": "9", "mailer_location": "0", "brand": "National",
            "product_category": "TEA",
        }],
    });
    let mut spec = Spec::new(GROCER, format!("display-{store}-1"), "display.shown", at).on("trade").spoken("", "");
    spec.location = Some(store.to_string());
    spec.items = vec![Item {
        sku: "71".to_owned(),
        quantity: 1,
        unit_price_minor: None,
        unit_cost_minor: None,
        line_value_minor: None,
        discounts: Vec::new(),
        category: Some("TEA".to_owned()),
        brand: Some("National".to_owned()),
    }];
    Draft::of(Some(id), &body, vec![spec.with("week", "1").with("display_location_9", "1")])
}

/// A marketing qualified lead; it happened at midnight.
pub(crate) fn lead(contact: &str, midnight: i64) -> Draft {
    let date = instant(midnight)[..10].to_owned();
    let body = json!({
        "mql_id": contact, "first_contact_date": date, "landing_page_id": "7c55", "origin": "paid search",
    });
    let spec = Spec::new("olist", format!("lead-{contact}"), "lead.created", midnight).on("paid_search");
    let spec = spec.who(vec![("crm_contact_id", contact.to_owned())]);
    Draft::of(None, &body, vec![spec.with("origin", "paid search").with("landing_page_id", "7c55")])
}

/// The lead was won; what the seller hopes to turn over is no value.
pub(crate) fn deal(contact: &str, seller: &str, at: i64) -> Draft {
    let seconds = at - at.rem_euclid(1_000);
    let won = instant(seconds).replace('T', " ").replace('Z', "");
    let body = json!({
        "mql_id": contact, "seller_id": seller, "won_date": won, "business_segment": "pet", "sdr_id": "s-1",
        "declared_monthly_revenue": "6000.0",
    });
    let mut spec = Spec::new("olist", format!("deal-{contact}"), "opportunity.won", seconds).on("sales");
    spec.ids = vec![("crm_contact_id", contact.to_owned())];
    spec.accounts = vec![("crm_account_id", seller.to_owned())];
    let spec = spec.with("business_segment", "pet").with("sales_development_rep", "s-1");
    Draft::of(None, &body, vec![spec.with("declared_monthly_revenue", "6000.0")])
}
