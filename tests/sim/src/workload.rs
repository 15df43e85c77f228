//! A few shoppers whose evidence comes in pieces: anonymous visits, a login that ties them, orders, refunds, mails; with
//! duplicates, rubbish, and events that arrive late. Raw records as the gateway writes them.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use tributary_model::topics;
use tributary_model::{Domain, RawEvent};
use tributary_schema::{Contracts, SchemaError};
use tributary_stream::OutRecord;

use crate::erased::{Erased, erased};
use crate::log::EPOCH_MS;
use crate::strangers::{Strangers, strangers};

const MINUTE_MS: i64 = 60_000;

/// A record that somebody outside of the hub writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The record.
    pub record: OutRecord,
    /// Its timestamp in milliseconds; that of its arrival when absent.
    pub timestamp_ms: Option<i64>,
}

/// What arrives, and what has to come of it.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    /// Raw records in order of arrival.
    pub arrivals: Vec<Arrival>,
    /// Records that arrive once everything before has been worked off.
    pub afterwards: Vec<Arrival>,
    /// Records that arrive when that has been worked off too.
    pub last: Vec<Arrival>,
    /// The shoppers behind them.
    pub shoppers: Vec<Shopper>,
    /// Shoppers who are erased, and whose sales still count.
    pub erased: Vec<Shopper>,
    /// Texts that no state names any more at the end.
    pub unnamed: Vec<Vec<u8>>,
    /// Records that are no events.
    pub rubbish: u64,
    /// Records that arrive again.
    pub repeats: u64,
    /// Records on topics between the stages that no stage can handle.
    pub pills: u64,
}

impl Workload {
    /// What arrives, in waves of which each waits for the one before to be worked off.
    #[must_use]
    pub fn waves(&self) -> Vec<Vec<Arrival>> {
        vec![self.arrivals.clone(), self.afterwards.clone(), self.last.clone()]
    }
}

/// The truth about a shopper.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shopper {
    /// Ids of the messages that are about this shopper, under whatever identifier.
    pub messages: BTreeSet<String>,
    /// Orders.
    pub orders: i64,
    /// What was paid less what was paid back, in cents.
    pub net_cents: i64,
}

pub(crate) struct Maker {
    pub(crate) rng: ChaCha8Rng,
    pub(crate) events: Vec<(i64, Value)>,
    pub(crate) next_id: u32,
    pub(crate) shoppers: Vec<Shopper>,
}

impl Maker {
    pub(crate) fn track(&mut self, at: i64, who: &Value, event: &str, properties: Value) {
        self.next_id += 1;
        let id = format!("m-{}", self.next_id);
        let mut message = json!({
            "type": "track", "event": event, "messageId": id, "timestamp": stamp(at), "properties": properties,
        });
        if let Some(shopper) = self.shoppers.last_mut() {
            shopper.messages.insert(id);
        }
        if let (Some(message), Some(who)) = (message.as_object_mut(), who.as_object()) {
            message.extend(who.clone());
        }
        self.events.push((at, message));
    }

    /// One shopper: devices first, then the login that ties them together.
    fn shopper(&mut self, number: u32) {
        self.shoppers.push(Shopper::default());
        let user = format!("U-{number}");
        let devices = self.rng.random_range(1..=3);
        let mut at = EPOCH_MS - i64::from(self.rng.random_range(0..5_000_u32)) * MINUTE_MS;
        for device in 0..devices {
            let anonymous = json!({ "anonymousId": format!("anon-{number}-{device}") });
            for _ in 0..self.rng.random_range(1..4) {
                at += i64::from(self.rng.random_range(1..90_u32)) * MINUTE_MS;
                let cents = self.rng.random_range(100..9_999);
                let price = f64::from(cents) / 100.0;
                let event = ["Product Viewed", "Product Added", "Email Opened"][self.rng.random_range(0..3)];
                self.track(at, &anonymous, event, json!({ "product_id": "P-1", "price": price, "quantity": 1 }));
            }
            let who = json!({
                "anonymousId": format!("anon-{number}-{device}"), "userId": user,
                "context": { "traits": { "email": format!("{user}@mail.example") } },
            });
            at += MINUTE_MS;
            self.track(at, &who, "Signed In", json!({}));
        }
        let who = json!({ "userId": user });
        for order in 0..self.rng.random_range(0..3) {
            at += i64::from(self.rng.random_range(1..3_000_u32)) * MINUTE_MS;
            let cents = self.rng.random_range(1..99_999);
            let total = f64::from(cents) / 100.0;
            let order_id = format!("O-{number}-{order}");
            let properties = json!({ "order_id": order_id, "total": total, "revenue": total, "currency": "USD" });
            self.track(at, &who, "Order Completed", properties.clone());
            let is_refunded = self.rng.random_ratio(1, 4);
            if let Some(shopper) = self.shoppers.last_mut() {
                shopper.orders += 1;
                shopper.net_cents += if is_refunded { 0 } else { i64::from(cents) };
            }
            if is_refunded {
                at += 60 * MINUTE_MS;
                self.track(at, &who, "Order Refunded", properties);
            }
        }
        at += MINUTE_MS;
        self.track(at, &who, "Email Delivered", json!({ "campaign_id": "spring" }));
    }
}

fn stamp(at: i64) -> String {
    let (days, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    // Days since 1970 as a date: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The workload of a seed.
///
/// # Errors
/// When the embedded schema of raw events is broken.
pub fn workload(seed: u64) -> Result<Workload, SchemaError> {
    let rng = ChaCha8Rng::seed_from_u64(seed ^ 0x0b_0b);
    let mut maker = Maker { rng, events: Vec::new(), next_id: 0, shoppers: Vec::new() };
    for number in 0..maker.rng.random_range(2..8) {
        maker.shopper(number);
    }
    let Maker { mut rng, mut events, shoppers, .. } = maker;
    events.sort_by_key(|(at, _)| *at);
    let events_once = events.len();
    for _ in 0..events.len() / 10 {
        let again = events[rng.random_range(0..events.len())].clone();
        events.push(again);
    }
    // Some are late: they change places with others.
    for _ in 0..events.len() / 4 {
        let (a, b) = (rng.random_range(0..events.len()), rng.random_range(0..events.len()));
        events.swap(a, b);
    }
    if rng.random_ratio(1, 4) {
        events.shuffle(&mut rng);
    }
    let repeats = (events.len() - events_once) as u64;
    let rubbish = rng.random_range(0..3);
    for _ in 0..rubbish {
        let message = json!({ "type": "track", "event": "No Id", "timestamp": stamp(EPOCH_MS) });
        events.insert(rng.random_range(0..=events.len()), (EPOCH_MS, message));
    }
    let contracts = Contracts::single_object()?;
    let mut arrivals: Vec<Arrival> =
        events.iter().map(|(_, message)| record(message, &contracts)).collect::<Result<_, _>>()?;
    let Strangers { shoppers: strangers, before, mut afterwards } = strangers(seed, &contracts)?;
    let mut shoppers = shoppers;
    let Erased { shoppers: erased, before: of_erased, requests, last, returned, unnamed } = erased(seed, &contracts)?;
    shoppers.extend(strangers.into_iter().chain(returned));
    for arrival in before.into_iter().chain(of_erased) {
        arrivals.insert(rng.random_range(0..=arrivals.len()), arrival);
    }
    for arrival in requests {
        afterwards.insert(rng.random_range(0..=afterwards.len()), arrival);
    }
    Ok(Workload { arrivals, afterwards, last, shoppers, erased, unnamed, rubbish, repeats, pills: 0 })
}

/// When the hub received everything that is not said to be later.
pub(crate) const RECEIVED_AT: i64 = EPOCH_MS + 30 * 86_400_000;

pub(crate) fn record(message: &Value, contracts: &Contracts) -> Result<Arrival, SchemaError> {
    record_at(message, RECEIVED_AT, contracts)
}

pub(crate) fn record_at(message: &Value, received_at: i64, contracts: &Contracts) -> Result<Arrival, SchemaError> {
    let topic = topics::raw(Domain::Ecommerce);
    let id = message["messageId"].as_str().map(str::to_owned);
    let key = format!("segment:{}", id.as_deref().unwrap_or("none")).into_bytes();
    let raw = RawEvent {
        source: "segment".to_owned(),
        event_id: id,
        received_at,
        content_type: "application/json".to_owned(),
        body: message.to_string().into_bytes(),
    };
    let value = Some(contracts.encode(&topic, &raw)?);
    Ok(Arrival { record: OutRecord { topic, key, value, headers: Vec::new() }, timestamp_ms: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_dates() {
        assert_eq!(stamp(EPOCH_MS), "2026-04-12T00:00:00.000Z");
        assert_eq!(stamp(951_782_400_123), "2000-02-29T00:00:00.123Z");
    }

    #[test]
    fn a_seed_has_its_records() {
        let keys = |seed| -> Vec<Vec<u8>> {
            workload(seed).unwrap().arrivals.into_iter().map(|arrival| arrival.record.key).collect()
        };
        assert_eq!(keys(1), keys(1));
        assert_ne!(keys(1), keys(2));
    }
}
