//! Shoppers who ask to be erased, and of whom some come back.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use tributary_model::Identifier;
use tributary_model::identity::IdentifierCommandKind;
use tributary_schema::{Contracts, SchemaError};

use crate::by_hand::{first_person, identifier, request};
use crate::log::EPOCH_MS;
use crate::workload::{Arrival, Maker, RECEIVED_AT, Shopper, record_at};

const MINUTE_MS: i64 = 60_000;
/// The first number of their messages: no other has such a number.
const FIRST_ID: u32 = 2_000_000;

/// Shoppers who are erased.
#[derive(Default)]
pub(crate) struct Erased {
    /// The truth about them.
    pub(crate) shoppers: Vec<Shopper>,
    /// What arrives of them.
    pub(crate) before: Vec<Arrival>,
    /// That they are to be erased, and what those do who come back before that is done.
    pub(crate) requests: Vec<Arrival>,
    /// What arrives when that is done: something that the hub received before, and what the others do who come back.
    pub(crate) last: Vec<Arrival>,
    /// The truth about those who come back.
    pub(crate) returned: Vec<Shopper>,
    /// What names those who do not, by pseudonym and person.
    pub(crate) unnamed: Vec<Vec<u8>>,
}

/// Those of a seed; of most, nobody.
pub(crate) fn erased(seed: u64, contracts: &Contracts) -> Result<Erased, SchemaError> {
    let rng = ChaCha8Rng::seed_from_u64(seed ^ 0xe2_a5_ed);
    let mut maker = Maker { rng, events: Vec::new(), next_id: FIRST_ID, shoppers: Vec::new() };
    let mut gone = Erased::default();
    for number in 0..maker.rng.random_range(0..3_u32) {
        maker.shoppers.push(Shopper::default());
        maker.buys(number);
        gone.before.extend(taken(&mut maker, RECEIVED_AT, contracts)?);
        let which = maker.rng.random_range(0..2);
        gone.requests.push(erase(number, which, contracts)?);
        maker.track(EPOCH_MS, &by_device(number), "Product Viewed", json!({ "product_id": "P-3" }));
        gone.last.extend(taken(&mut maker, RECEIVED_AT, contracts)?);
        gone.shoppers.append(&mut maker.shoppers);
        if maker.rng.random_bool(0.5) {
            maker.shoppers.push(Shopper::default());
            maker.buys(number);
            let is_back_at_once = maker.rng.random_bool(0.5);
            let arrivals = taken(&mut maker, RECEIVED_AT + 1, contracts)?;
            if is_back_at_once {
                gone.requests.extend(arrivals);
                // A link of the time in which they were erased may have to be seen again.
                maker.signs_in(number, EPOCH_MS);
                gone.last.extend(taken(&mut maker, RECEIVED_AT + 1, contracts)?);
            } else {
                gone.last.extend(arrivals);
            }
            gone.returned.append(&mut maker.shoppers);
        } else {
            for identifier in identifiers(number) {
                let person = first_person(&identifier);
                gone.unnamed.extend([
                    identifier.value.as_bytes().to_vec(),
                    person.to_key(),
                    person.0.as_bytes().to_vec(),
                ]);
            }
        }
    }
    Ok(gone)
}

impl Maker {
    /// The last shopper looks around on a device, gives an address, and buys.
    fn buys(&mut self, number: u32) {
        let mut at = EPOCH_MS - i64::from(self.rng.random_range(0..4_000_u32)) * MINUTE_MS;
        for _ in 0..self.rng.random_range(1..4) {
            at += i64::from(self.rng.random_range(1..90_u32)) * MINUTE_MS;
            self.track(at, &by_device(number), "Product Viewed", json!({ "product_id": "P-3" }));
        }
        at += MINUTE_MS;
        let known = self.signs_in(number, at);
        let cents = self.rng.random_range(1..99_999);
        let total = f64::from(cents) / 100.0;
        let order_id = format!("O-gone-{}", self.next_id);
        let order = json!({ "order_id": order_id, "total": total, "revenue": total, "currency": "USD" });
        self.track(at + MINUTE_MS, &known, "Order Completed", order);
        if let Some(shopper) = self.shoppers.last_mut() {
            shopper.orders += 1;
            shopper.net_cents += i64::from(cents);
        }
    }

    /// The last shopper shows that device and address are one person's. Gives both.
    fn signs_in(&mut self, number: u32, at: i64) -> Value {
        let known = json!({
            "anonymousId": device(number), "context": { "traits": { "email": address(number) } },
        });
        self.track(at, &known, "Signed In", json!({}));
        known
    }
}

fn taken(maker: &mut Maker, received_at: i64, contracts: &Contracts) -> Result<Vec<Arrival>, SchemaError> {
    let events = std::mem::take(&mut maker.events);
    events.iter().map(|(_, message)| record_at(message, received_at, contracts)).collect()
}

fn device(number: u32) -> String {
    format!("gone-{number}")
}

fn address(number: u32) -> String {
    format!("gone-{number}@mail.example")
}

fn by_device(number: u32) -> Value {
    json!({ "anonymousId": device(number) })
}

fn identifiers(number: u32) -> [Identifier; 2] {
    [("anonymous_id", device(number)), ("email", address(number))]
        .map(|(namespace, value)| identifier(namespace, &value))
}

/// The person of one of the two is to be erased.
fn erase(number: u32, which: usize, contracts: &Contracts) -> Result<Arrival, SchemaError> {
    let identifier = identifiers(number)[which].clone();
    let name = (format!("erase-{number}"), "asked us to");
    request(IdentifierCommandKind::Erase, identifier, Vec::new(), name, RECEIVED_AT, contracts)
}
