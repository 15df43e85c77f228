//! Visits to the web shop and to the store, and what comes of a purchase.

use rand::Rng;
use tributary_model::Domain;
use tributary_model::time::{HOUR_MS, MINUTE_MS, SECOND_MS};

use super::catalogue::{PRODUCTS, basket};
use super::days::{Cause, Life};
use super::draft::{Draft, Line, Name};

impl Life<'_> {
    /// A visit to the shop that the cause, or the shopper's habit, leads to.
    pub(crate) fn visit(&mut self, day: u32, cause: Cause) {
        let clicked = cause.campaign.is_some();
        if clicked || self.rng.random_bool(self.person.web_share) {
            self.visit_web(day, cause);
        } else {
            self.visit_store(day, cause.at);
        }
    }

    fn visit_store(&mut self, day: u32, at: i64) {
        let Some(caused) = self.decides_to_buy(day) else { return };
        let coupon = self.rng.random_bool(0.15);
        let lines = basket(&mut self.rng, coupon);
        let card = self.person.card_on(day).map(|card| card.id.clone());
        let names: Vec<Name> = match card {
            Some(card) if self.rng.random_bool(0.85) => vec![("loyalty_id", card)],
            _ => {
                let receipt = self.rng.random_bool(0.15);
                self.person.email.clone().filter(|_| receipt).map(|email| ("email", email)).into_iter().collect()
            }
        };
        if coupon && !names.is_empty() {
            let mut redeemed =
                self.event(Domain::Store, "coupon.redeemed", at - SECOND_MS).by(names.clone()).on("in_store");
            redeemed.location = Some(self.person.store.clone());
            self.record(redeemed.with("coupon", "TEN"));
        }
        let sale = self.event(Domain::Store, "store.purchased", at).by(names.clone()).on("in_store");
        let order_id = format!("till-{}", sale.event_id);
        let mut sale = sale.worth(&order_id, lines.clone());
        sale.location = Some(self.person.store.clone());
        self.ledger.caused(caused);
        self.record(sale);
        if let Some((later, at, line)) = self.regrets(day, &lines) {
            let back = self.event(Domain::Store, "store.returned", at).by(names).on("in_store");
            let mut back = back.worth(&order_id, vec![line]);
            back.location = Some(self.person.store.clone());
            self.later.push((later, back));
        }
    }

    fn visit_web(&mut self, day: u32, cause: Cause) {
        let device = self.rng.random_range(0..self.person.cookies.len());
        let cookie = self.person.cookies[device].clone();
        let mut at = cause.at;
        let page = self.web("page.viewed", at, &cookie, device, cause).with("path", "/");
        self.record(page);
        for _ in 0..self.rng.random_range(1..=3) {
            at += self.rng.random_range(15 * SECOND_MS..3 * MINUTE_MS);
            let product = &PRODUCTS[self.rng.random_range(0..PRODUCTS.len())];
            let viewed = self.web("product.viewed", at, &cookie, device, cause);
            self.record(viewed.with("sku", product.sku).with("category", product.category));
        }
        let can_pay = self.person.email.is_some();
        let buys = self.decides_to_buy(day).filter(|_| can_pay);
        let fills_cart = buys.is_some() || self.rng.random_bool(0.25);
        if !fills_cart {
            return;
        }
        let coupon = self.rng.random_bool(0.1);
        let lines = basket(&mut self.rng, coupon);
        at += MINUTE_MS;
        let cart = self.web("cart.updated", at, &cookie, device, cause);
        self.record(cart.with("sku", lines[0].sku).with("category", lines[0].category));
        let Some(caused) = buys else { return };
        self.log_in(at + 20 * SECOND_MS, &cookie, device, cause);
        at += MINUTE_MS;
        let checkout = self.web("checkout.started", at, &cookie, device, cause);
        self.record(checkout);
        at += MINUTE_MS;
        self.ledger.caused(caused);
        self.order(day, at, &cookie, lines, cause);
    }

    fn web(&mut self, event_type: &'static str, at: i64, cookie: &str, device: usize, cause: Cause) -> Draft {
        let known = self.person.customer_id.clone().filter(|_| self.logged_in[device]);
        let mut names: Vec<Name> = known.map(|id| ("customer_id", id)).into_iter().collect();
        names.push(("anonymous_id", cookie.to_owned()));
        let draft = self.event(Domain::Ecommerce, event_type, at).by(names).on(cause.channel);
        match cause.campaign {
            Some((campaign_id, message_id)) => draft.about(campaign_id, message_id),
            None => draft,
        }
    }

    fn log_in(&mut self, at: i64, cookie: &str, device: usize, cause: Cause) {
        if self.logged_in[device] {
            return;
        }
        if let Some(names) = self.person.login_names(cookie) {
            let draft = self.event(Domain::Ecommerce, "person.identified", at).by(names).on(cause.channel);
            self.record(draft);
            self.logged_in[device] = true;
        }
    }

    fn order(&mut self, day: u32, at: i64, cookie: &str, lines: Vec<Line>, cause: Cause) {
        let guest = || {
            let mut names: Vec<Name> = self.person.email.clone().map(|email| ("email", email)).into_iter().collect();
            names.push(("anonymous_id", cookie.to_owned()));
            names
        };
        let names = self.person.login_names(cookie).unwrap_or_else(guest);
        let placed = self.event(Domain::Ecommerce, "order.placed", at).by(names.clone()).on(cause.channel);
        let order_id = format!("web-{}", placed.event_id);
        let mut placed = placed.worth(&order_id, lines.clone());
        if let Some((campaign_id, message_id)) = cause.campaign {
            placed = placed.about(campaign_id, message_id);
        }
        self.record(placed);
        self.lived.web_order_at.get_or_insert(at);
        if let Some((later, back_at, line)) = self.regrets(day, &lines) {
            let refund = self.event(Domain::Ecommerce, "order.refunded", back_at).by(names.clone()).on("direct");
            self.later.push((later, refund.worth(&order_id, vec![line])));
        }
        if self.rng.random_bool(0.04) {
            self.complain(day, &order_id);
        }
        if self.rng.random_bool(0.06) {
            let later = day + self.rng.random_range(3..8);
            let at = self.moment(later, 18, 22);
            let review = self.event(Domain::Ecommerce, "product.reviewed", at).by(names).on("direct");
            self.later.push((later, review.with("sku", lines[0].sku).with("stars", "4")));
        }
    }

    /// A line that comes back on a later day.
    fn regrets(&mut self, day: u32, lines: &[Line]) -> Option<(u32, i64, Line)> {
        if !self.rng.random_bool(0.08) {
            return None;
        }
        let later = day + self.rng.random_range(2..10);
        let at = self.moment(later, 10, 18);
        let line = &lines[self.rng.random_range(0..lines.len())];
        Some((later, at, line.returned()))
    }

    fn complain(&mut self, day: u32, order_id: &str) {
        let names: Vec<Name> = self.person.email.clone().map(|email| ("email", email)).into_iter().collect();
        let opened_at = self.moment(day + 1, 9, 17);
        let case_id = format!("case-{order_id}");
        let case = |life: &mut Self, event_type, at, names| {
            let draft = life.event(Domain::Crm, event_type, at).by(names).on("call_center");
            draft.with("case_id", case_id.clone())
        };
        let opened = case(self, "case.opened", opened_at, names.clone());
        self.later.push((day + 1, opened));
        let days = self.rng.random_range(2..5);
        let closed_at = self.moment(day + days, 17, 18) + HOUR_MS;
        let closed = case(self, "case.closed", closed_at, names);
        self.later.push((day + days, closed));
    }
}
