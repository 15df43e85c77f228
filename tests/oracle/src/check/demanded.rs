//! Decisions that follow from the final journeys, whatever the order of arrival and however persons were merged.
//!
//! A touch is examined when it first arrives at any person, and what has fired is never forgotten: so triggers of one
//! step that look at nothing but the touch have decided about each of its keys in the end. Triggers that look at the
//! journey around the touch are not demanded: what a merge makes true of touches that are long past, nobody acts on.

use std::collections::BTreeMap;

use tributary_model::{Decision, JourneyEvent, Touchpoint};

use crate::check::decisions::TOPIC;
use crate::check::report::Report;
use crate::check::triggers::{DAY_MS, HOUR_MS};
use crate::truth::World;
use crate::truth::kinds::{is_sale, orders};
use crate::truth::people::Person;

/// The longest that a decision waits for the end of quiet hours.
const QUIET_MS: i64 = 13 * HOUR_MS;
/// The re-entry time of the suppression after a purchase.
const WEEK_MS: i64 = 7 * DAY_MS;

/// The decisions about one person.
struct About<'a> {
    person: &'a Person,
    /// Trigger, and the touch that completed its pattern.
    made: Vec<(&'a str, &'a JourneyEvent)>,
}

impl About<'_> {
    /// The touches for which a trigger was decided and that are so.
    fn count(&self, trigger: &str, is_so: impl Fn(&JourneyEvent) -> bool) -> i64 {
        self.made.iter().filter(|(made, event)| *made == trigger && is_so(event)).count() as i64
    }

    fn demand(&self, trigger: &str, touch: &Touchpoint, is_there: bool, report: &mut Report) {
        if !is_there {
            let key = format!("{trigger} of {}", self.person.name());
            report.add(TOPIC, key, format!("a decision about {}", touch.touchpoint_id), "none");
        }
    }
}

/// Checks that every decision that has to be there is. `timers_until` is the event time up to which all timers have
/// certainly fired: what waits for time to pass is demanded up to there.
pub(super) fn check(world: &World, decisions: &[Decision], timers_until: Option<i64>, report: &mut Report) {
    let mut made: BTreeMap<usize, Vec<(&str, &JourneyEvent)>> = BTreeMap::new();
    for decision in decisions {
        let Some(last) = decision.evidence.last() else { continue };
        let Some(index) = world.people.of_touch.get(last) else { continue };
        let mut journey = world.people.all[*index].journey.iter();
        let touch = journey.find(|event| event.touchpoint.touchpoint_id == *last);
        made.entry(*index).or_default().extend(touch.map(|touch| (decision.trigger_id.as_str(), touch)));
    }
    for (index, person) in world.people.all.iter().enumerate() {
        let about = About { person, made: made.remove(&index).unwrap_or_default() };
        by_touch(&about, report);
        if let Some(until) = timers_until {
            by_time(&about, until, report);
        }
    }
}

fn by_touch(about: &About<'_>, report: &mut Report) {
    for event in &about.person.journey {
        let touch = &event.touchpoint;
        let is_it = |other: &JourneyEvent| other.touchpoint.touchpoint_id == touch.touchpoint_id;
        match touch.event_type.as_str() {
            // Once for each case.
            "case.opened" => {
                let found = about.count("open-case-suppress-marketing", is_it);
                report.count(TOPIC, &touch.touchpoint_id, "decisions about the case", 1, found);
            }
            // Once for each order, at one of its returns.
            "order.refunded" | "store.returned" => {
                let of_order = |other: &JourneyEvent| match &touch.order_id {
                    Some(order) => other.touchpoint.order_id.as_ref() == Some(order),
                    None => is_it(other),
                };
                let is_there = about.count("post-return-care", of_order) > 0;
                about.demand("post-return-care", touch, is_there, report);
            }
            // Unless one was decided within a week before or after.
            "store.purchased" if touch.value.as_ref().is_some_and(|value| value.amount_minor > 0) => {
                let near = |other: &JourneyEvent| (other.touchpoint.occurred_at - touch.occurred_at).abs() < WEEK_MS;
                let trigger = "bought-in-store-suppress-ads";
                about.demand(trigger, touch, about.count(trigger, near) > 0, report);
            }
            _ => {}
        }
    }
}

/// What waits for the passing of time.
fn by_time(about: &About<'_>, until: i64, report: &mut Report) {
    let journey = &about.person.journey;
    // A welcome for the first purchase, when nothing but purchases counts as an order.
    let sales: Vec<&JourneyEvent> = journey.iter().filter(|event| orders(&event.touchpoint) != 0).collect();
    let is_purchase = |event: &&JourneyEvent| {
        is_sale(&event.touchpoint)
            && ["order.placed", "store.purchased"].contains(&event.touchpoint.event_type.as_str())
    };
    if let Some(first) = sales.first().filter(|_| sales.iter().all(is_purchase)) {
        let newest = journey.last().map_or(0, |last| last.touchpoint.occurred_at);
        if newest + QUIET_MS < until {
            let is_there = about.count("welcome-new-customer", |_| true) > 0;
            about.demand("welcome-new-customer", &first.touchpoint, is_there, report);
        }
    }
    // The last cart that was filled, and nothing bought after it; once a session.
    let ends = ["cart.updated", "checkout.started", "order.placed", "store.purchased"];
    let last = journey.iter().rev().find(|event| ends.contains(&event.touchpoint.event_type.as_str()));
    let cart =
        |event: &&JourneyEvent| ["cart.updated", "checkout.started"].contains(&event.touchpoint.event_type.as_str());
    if let Some(left) = last.filter(cart) {
        let same_session = |other: &JourneyEvent| other.session.started_at == left.session.started_at;
        if left.touchpoint.occurred_at + HOUR_MS + QUIET_MS < until {
            let is_there = about.count("cart-abandoned", same_session) > 0;
            about.demand("cart-abandoned", &left.touchpoint, is_there, report);
        }
    }
    // The last coupon, when none was redeemed after it; once in thirty days.
    let ends = ["coupon.offered", "coupon.redeemed"];
    let last = journey.iter().rev().find(|event| ends.contains(&event.touchpoint.event_type.as_str()));
    if let Some(open) = last.filter(|event| event.touchpoint.event_type == "coupon.offered") {
        let at = open.touchpoint.occurred_at;
        if at + 7 * DAY_MS < until {
            let near = |other: &JourneyEvent| (other.touchpoint.occurred_at - at).abs() < 30 * DAY_MS;
            let is_there = about.count("coupon-unredeemed", near) > 0;
            about.demand("coupon-unredeemed", &open.touchpoint, is_there, report);
        }
    }
}
