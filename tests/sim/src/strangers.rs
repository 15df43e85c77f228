//! Shoppers who share a device and are taken for one person, until somebody says that they are two.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use tributary_model::identity::IdentifierCommandKind;
use tributary_schema::{Contracts, SchemaError};

use crate::by_hand::{identifier, request};
use crate::log::EPOCH_MS;
use crate::workload::{Arrival, Maker, Shopper, record};

const MINUTE_MS: i64 = 60_000;
/// The first number of their messages: no other has such a number.
const FIRST_ID: u32 = 1_000_000;

/// Shoppers who were taken for one.
pub(crate) struct Strangers {
    /// The truth about them.
    pub(crate) shoppers: Vec<Shopper>,
    /// What arrives while they are taken for one.
    pub(crate) before: Vec<Arrival>,
    /// What arrives when that is over: among it that they are two.
    pub(crate) afterwards: Vec<Arrival>,
}

/// The strangers of a seed; of most, nobody.
pub(crate) fn strangers(seed: u64, contracts: &Contracts) -> Result<Strangers, SchemaError> {
    let rng = ChaCha8Rng::seed_from_u64(seed ^ 0x57_2a_26);
    let mut maker = Maker { rng, events: Vec::new(), next_id: FIRST_ID, shoppers: Vec::new() };
    let mut strangers = Strangers { shoppers: Vec::new(), before: Vec::new(), afterwards: Vec::new() };
    for pair in 0..maker.rng.random_range(0..3_u32) {
        for side in ["a", "b"] {
            maker.shoppers.push(Shopper::default());
            maker.visits(pair, side);
        }
        // Counted as the second one's, whose address leads it.
        let shared =
            json!({ "anonymousId": device(pair, "a"), "context": { "traits": { "email": address(pair, "b") } } });
        maker.track(EPOCH_MS - 500 * MINUTE_MS, &shared, "Product Viewed", json!({ "product_id": "P-2" }));
        strangers.before.extend(maker.take(contracts)?);
        let mut later = Vec::new();
        for side in ["a", "b"] {
            // What is about one of them goes to the one it is about.
            let own = maker.shoppers.len() - if side == "a" { 2 } else { 1 };
            let last = maker.shoppers.len() - 1;
            maker.shoppers.swap(own, last);
            maker.visits(pair, side);
            if maker.rng.random_bool(0.5) {
                maker.comes_by_another_device(pair, side);
            }
            maker.shoppers.swap(own, last);
            later.extend(maker.take(contracts)?);
        }
        later.push(apart(pair, contracts)?);
        later.shuffle(&mut maker.rng);
        strangers.afterwards.extend(later);
    }
    strangers.shoppers = maker.shoppers;
    Ok(strangers)
}

impl Maker {
    /// The last shopper looks around, signs in without an account, and sometimes buys.
    fn visits(&mut self, pair: u32, side: &str) {
        let mut at = EPOCH_MS - i64::from(self.rng.random_range(0..4_000_u32)) * MINUTE_MS;
        let anonymous = json!({ "anonymousId": device(pair, side) });
        let known = json!({
            "anonymousId": device(pair, side), "context": { "traits": { "email": address(pair, side) } },
        });
        for _ in 0..self.rng.random_range(1..4) {
            at += i64::from(self.rng.random_range(1..90_u32)) * MINUTE_MS;
            self.track(at, &anonymous, "Product Viewed", json!({ "product_id": "P-2" }));
        }
        at += MINUTE_MS;
        self.track(at, &known, "Signed In", json!({}));
        if self.rng.random_bool(0.6) {
            at += i64::from(self.rng.random_range(1..500_u32)) * MINUTE_MS;
            let cents = self.rng.random_range(1..99_999);
            let total = f64::from(cents) / 100.0;
            let order_id = format!("O-{pair}-{side}-{}", self.next_id);
            let order = json!({ "order_id": order_id, "total": total, "revenue": total, "currency": "USD" });
            self.track(at, &known, "Order Completed", order);
            if let Some(shopper) = self.shoppers.last_mut() {
                shopper.orders += 1;
                shopper.net_cents += i64::from(cents);
            }
        }
    }

    /// The last shopper comes by a device that was not seen before, and signs in there: what was known of it is on its way to
    /// the person, perhaps while that one is taken apart.
    fn comes_by_another_device(&mut self, pair: u32, side: &str) {
        let mut at = EPOCH_MS - i64::from(self.rng.random_range(0..4_000_u32)) * MINUTE_MS;
        let device = format!("phone-{pair}-{side}");
        for _ in 0..self.rng.random_range(1..4) {
            at += i64::from(self.rng.random_range(1..90_u32)) * MINUTE_MS;
            self.track(at, &json!({ "anonymousId": device }), "Product Viewed", json!({ "product_id": "P-2" }));
        }
        let known = json!({ "anonymousId": device, "context": { "traits": { "email": address(pair, side) } } });
        self.track(at + MINUTE_MS, &known, "Signed In", json!({}));
    }

    /// What was made so far, in any order.
    fn take(&mut self, contracts: &Contracts) -> Result<Vec<Arrival>, SchemaError> {
        let mut events: Vec<Value> = std::mem::take(&mut self.events).into_iter().map(|(_, message)| message).collect();
        events.shuffle(&mut self.rng);
        events.iter().map(|message| record(message, contracts)).collect()
    }
}

fn device(pair: u32, side: &str) -> String {
    format!("tablet-{pair}-{side}")
}

fn address(pair: u32, side: &str) -> String {
    format!("stranger-{pair}-{side}@mail.example")
}

/// Somebody says that the device of the first is not the second's.
fn apart(pair: u32, contracts: &Contracts) -> Result<Arrival, SchemaError> {
    let device = identifier("anonymous_id", &device(pair, "a"));
    let then = vec![identifier("email", &address(pair, "b"))];
    request(IdentifierCommandKind::Unlink, device, then, (pair.to_string(), "a shared tablet"), EPOCH_MS, contracts)
}
