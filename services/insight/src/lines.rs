//! What the lines of a touch add to the cards of their categories and products.
//!
//! A category counts sales and returns, for the team that made them. A product counts whatever happened with it, over all
//! teams: that it was shown, looked at, laid into a cart, bought, brought back, reviewed, or that a coupon for it was used.
//! Each card gets a touch once, however many of its lines it has, without a currency; and once more in the currency of the
//! money of a sale or return. What a line is worth is its own value; a line without one adds none.

use std::collections::BTreeMap;

use tributary_model::scorecard::Measures;
use tributary_model::{Item, JourneyEvent, Touchpoint};

use crate::card::Card;
use crate::views::{Dimension, Views};

/// The properties that a review may have its stars in, and the most of them that are believed.
const RATINGS: [&str; 2] = ["rating", "stars"];
const MAX_RATING: f64 = 100.0;

/// What the lines add to the cards of `views`.
pub(crate) fn lines<'a>(event: &'a JourneyEvent, views: &Views) -> Vec<(Card<'a>, Measures)> {
    let touchpoint = &event.touchpoint;
    let mut added = Vec::new();
    if touchpoint.items.is_empty() {
        return added;
    }
    if views.has(Dimension::Category) && touchpoint.is_conversion() {
        let sums = by_subject(touchpoint, |item| item.category.as_deref());
        split(sums, touchpoint, |category, currency| Card::category(&event.team_id, category, currency), &mut added);
    }
    if views.has(Dimension::Product) {
        let mut sums = by_subject(touchpoint, |item| Some(&item.sku));
        for (sku, measures) in &mut sums {
            of_product(touchpoint, sku, measures);
        }
        split(sums, touchpoint, Card::product, &mut added);
    }
    added
}

/// What is sold, taken back or otherwise touched of each subject.
fn by_subject<'a>(
    touchpoint: &'a Touchpoint,
    subject_of: impl Fn(&'a Item) -> Option<&'a str>,
) -> BTreeMap<&'a str, Measures> {
    let (conversion, sale) = (touchpoint.is_conversion(), touchpoint.is_sale());
    let mut sums: BTreeMap<&str, Measures> = BTreeMap::new();
    for item in &touchpoint.items {
        let Some(subject) = subject_of(item) else { continue };
        let measures = sums.entry(subject).or_insert_with(|| Measures {
            touches: 1,
            conversions: i64::from(sale),
            returns: i64::from(conversion && !sale),
            ..Measures::default()
        });
        if !conversion {
            continue;
        }
        let worth = if sale { item.line_value_minor.unwrap_or(0) } else { -item.line_value_minor.unwrap_or(0).abs() };
        let cost = item.quantity.abs() * item.unit_cost_minor.unwrap_or(0);
        measures.lines += 1;
        measures.revenue_minor += worth;
        measures.margin_minor += if sale { worth - cost } else { worth + cost };
        for discount in &item.discounts {
            let amount_minor = if sale { discount.amount_minor } else { -discount.amount_minor.abs() };
            *measures.discounts_minor.entry(discount.kind.clone()).or_insert(0) += amount_minor;
        }
    }
    sums
}

/// What only products tell.
fn of_product(touchpoint: &Touchpoint, sku: &str, measures: &mut Measures) {
    measures.exposures = i64::from(touchpoint.is_exposure());
    measures.events.insert(touchpoint.event_type.clone(), 1);
    if touchpoint.is_conversion() {
        let sign = if touchpoint.is_sale() { 1 } else { -1 };
        let of_it = touchpoint.items.iter().filter(|item| item.sku == sku);
        measures.pieces = of_it.map(|item| sign * item.quantity.abs()).sum();
    }
    if touchpoint.event_type == "product.reviewed"
        && let Some(rating_centi) = rating_centi(touchpoint)
    {
        measures.ratings = 1;
        measures.rating_centi = rating_centi;
    }
}

/// The stars of a review in hundredths.
#[allow(clippy::cast_possible_truncation, reason = "bounded just before")]
fn rating_centi(touchpoint: &Touchpoint) -> Option<i64> {
    let text = RATINGS.iter().find_map(|name| touchpoint.properties.get(*name))?;
    let rating: f64 = text.trim().parse().ok()?;
    (0.0..=MAX_RATING).contains(&rating).then(|| (rating * 100.0).round() as i64)
}

/// Each sum once without money, and once with it in its currency.
fn split<'a>(
    sums: BTreeMap<&'a str, Measures>,
    touchpoint: &'a Touchpoint,
    card: impl Fn(&'a str, &'a str) -> Card<'a>,
    added: &mut Vec<(Card<'a>, Measures)>,
) {
    let value = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion());
    for (subject, mut measures) in sums {
        measures.discounts_minor.retain(|_, amount_minor| *amount_minor != 0);
        let counted =
            Measures { revenue_minor: 0, margin_minor: 0, discounts_minor: BTreeMap::new(), ..measures.clone() };
        added.push((card(subject, ""), counted));
        if let Some(value) = value {
            added.push((card(subject, &value.currency), measures));
        }
    }
}
