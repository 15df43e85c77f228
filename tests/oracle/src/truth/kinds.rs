//! What kinds of touches there are: exposures, conversions, sales.

use tributary_model::{Direction, Touchpoint};

/// A message that was received.
pub(crate) fn is_exposure(touchpoint: &Touchpoint) -> bool {
    touchpoint.direction == Direction::Outbound && touchpoint.event_type != "email.bounced"
}

/// Value changed hands, or went back. A second version of an event that is known already has no value of its own.
pub(crate) fn is_conversion(touchpoint: &Touchpoint) -> bool {
    let kinds =
        ["order.placed", "order.refunded", "order.cancelled", "store.purchased", "store.returned", "opportunity.won"];
    kinds.contains(&touchpoint.event_type.as_str()) && touchpoint.value.is_some() && touchpoint.duplicate_of.is_none()
}

/// Value came in.
pub(crate) fn is_sale(touchpoint: &Touchpoint) -> bool {
    let kinds = ["order.placed", "store.purchased", "opportunity.won"];
    is_conversion(touchpoint) && kinds.contains(&touchpoint.event_type.as_str())
}

/// What a touch adds to the number of orders: a cancelled order was none, a return leaves it standing.
pub(crate) fn orders(touchpoint: &Touchpoint) -> i64 {
    if is_sale(touchpoint) {
        1
    } else if is_conversion(touchpoint) && touchpoint.event_type == "order.cancelled" {
        -1
    } else {
        0
    }
}

/// Currency, value and margin of a conversion, in minor units.
pub(crate) fn money(touchpoint: &Touchpoint) -> Option<(&str, i64, i64)> {
    let value = touchpoint.value.as_ref().filter(|_| is_conversion(touchpoint))?;
    let goods: i64 = touchpoint.items.iter().map(|item| item.unit_cost_minor.unwrap_or(0) * item.quantity.abs()).sum();
    let margin = if value.amount_minor < 0 { value.amount_minor + goods } else { value.amount_minor - goods };
    Some((&value.currency, value.amount_minor, margin))
}
