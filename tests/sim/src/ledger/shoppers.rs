//! Shoppers for the ledger: visits by several devices that turn out to be one person's, messages, orders, refunds, words on
//! consent, households, late events and repeats; and what the teams' tools do about the messages they are asked to send.
//!
//! How two come to be one: both are seen, in waves of their own, and then together, all at the same instant and by touches
//! that no trigger looks at. So whether the touch that ties them reaches the one person or what becomes of both, and when,
//! changes no person's newest touch and moves no watermark.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use tributary_model::identity::IdentifierCommandKind;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_rfc3339};
use tributary_model::{Decision, Domain, Fate, RawEvent, topics};
use tributary_schema::{Contracts, SchemaError};
use tributary_stream::OutRecord;

use crate::by_hand::{identifier, request};
use crate::log::EPOCH_MS;
use crate::workload::Arrival;

/// Days between the first event and the last.
const DAYS: u32 = 9;
/// After the last timer of them all.
const AFTERWARDS_MS: i64 = 45 * DAY_MS;
/// Strangers who come then: enough that each partition sees one.
const STRANGERS: u32 = 12;
const ZONES: [&str; 3] = ["UTC", "America/New_York", "Asia/Tokyo"];

/// What arrives, each once the one before is worked off.
#[derive(Debug, Clone, Default)]
pub(super) struct Story(Vec<Step>);

#[derive(Debug, Clone)]
struct Step {
    /// When it arrives, of which event time knows.
    at: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Event {
        domain: Domain,
        body: Value,
    },
    /// Somebody says that the device is that address's.
    Linked {
        device: String,
        address: String,
    },
}

struct Teller {
    rng: ChaCha8Rng,
    at: i64,
    story: Story,
}

/// Somebody with an address and some devices, of which some are known to be theirs.
struct Shopper {
    number: u32,
    devices: u32,
    known: Vec<u32>,
    orders: u32,
}

impl Story {
    /// The story of a seed, before anybody acts on what is decided.
    pub(super) fn of(seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed ^ 0x1ed_6e2);
        let mut teller = Teller { rng, at: EPOCH_MS, story: Self::default() };
        let count = teller.rng.random_range(2..6);
        let mut shoppers: Vec<Shopper> = (0..count)
            .map(|number| Shopper { number, devices: teller.rng.random_range(1..4), known: Vec::new(), orders: 0 })
            .collect();
        let events = count * teller.rng.random_range(10..20);
        for _ in 0..events {
            teller.time_passes(events);
            let which = teller.rng.random_range(0..shoppers.len());
            teller.something_happens(&mut shoppers[which]);
        }
        teller.at += AFTERWARDS_MS;
        for stranger in 0..STRANGERS {
            let who = json!({ "customer_id": format!("stranger-{stranger}") });
            teller.touch(Domain::Store, "person.identified", &who, json!({}));
        }
        teller.story
    }

    /// How many arrive.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds what the tools do about the messages that were sent: they say so a second later, and some persons respond.
    pub(super) fn act_on(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            let is_message = ["email", "push", "sms"].contains(&decision.channel.as_str());
            let of_evidence = |step: &&Step| {
                let own = step.body().map(|body| format!(":{}", body["id"].as_str().unwrap_or_default()));
                own.is_some_and(|own| decision.evidence.last().is_some_and(|last| last.ends_with(&own)))
            };
            let who = self.0.iter().find(of_evidence).and_then(Step::body).map(|body| body["identifiers"].clone());
            let (Fate::Sent, true, Some(who), Some(at)) = (decision.fate, is_message, who, decision.judged_at) else {
                continue;
            };
            let (channel, id) = (&decision.channel, &decision.decision_id);
            let mut act = |what: &str, direction: &str, at: i64| {
                let body = json!({
                    "id": format!("{what}-{id}"), "type": format!("{channel}.{what}"), "occurred_at": to_rfc3339(at),
                    "identifiers": who, "channel": channel, "direction": direction, "decision_id": id,
                });
                let place = self.0.partition_point(|step| step.at <= at);
                self.0.insert(place, Step { at, what: What::Event { domain: Domain::Channel, body } });
            };
            act("sent", "outbound", at + SECOND_MS);
            let responds = if channel == "sms" { "replied" } else { "opened" };
            if id.starts_with(['0', '3', '6', '9', 'c']) {
                act(responds, "inbound", at + 3 * MINUTE_MS);
            }
        }
    }

    /// The arrivals, each alone.
    pub(super) fn waves(&self, contracts: &Contracts) -> Result<Vec<Vec<Arrival>>, SchemaError> {
        let waves = self.0.iter().enumerate().map(|(number, step)| Ok(vec![step.arrival(number, contracts)?]));
        waves.collect()
    }
}

impl Step {
    fn body(&self) -> Option<&Value> {
        match &self.what {
            What::Event { body, .. } => Some(body),
            What::Linked { .. } => None,
        }
    }

    fn arrival(&self, number: usize, contracts: &Contracts) -> Result<Arrival, SchemaError> {
        match &self.what {
            What::Event { domain, body } => {
                let source = format!("events-{}", domain.name());
                let topic = topics::raw(*domain);
                let event_id = body["id"].as_str().map(str::to_owned);
                let key = format!("{source}:{}", event_id.as_deref().unwrap_or_default()).into_bytes();
                let raw = RawEvent {
                    source,
                    event_id,
                    received_at: self.at + 2 * SECOND_MS,
                    content_type: "application/json".to_owned(),
                    body: body.to_string().into_bytes(),
                };
                let value = Some(contracts.encode(&topic, &raw)?);
                Ok(Arrival {
                    record: OutRecord { topic, key, value, headers: Vec::new() },
                    timestamp_ms: Some(self.at),
                })
            }
            What::Linked { device, address } => {
                let (device, address) = (identifier("anonymous_id", device), identifier("email", address));
                let name = (number.to_string(), "a call");
                request(IdentifierCommandKind::Link, device, vec![address], name, self.at, contracts)
            }
        }
    }
}

impl Shopper {
    /// Of no company, whose accounts would add what they hear to one another's.
    fn address(&self) -> String {
        format!("shopper-{}@gmail.com", self.number)
    }

    fn device(&self, device: u32) -> String {
        format!("device-{}-{device}", self.number)
    }

    fn by_address(&self) -> Value {
        json!({ "email": self.address() })
    }

    fn by_device(&self, device: u32) -> Value {
        json!({ "anonymous_id": self.device(device) })
    }

    /// Any name of theirs; those that are known to be one's together now and then.
    fn somehow(&self, rng: &mut ChaCha8Rng) -> Value {
        let device = rng.random_range(0..=self.devices);
        if device == self.devices {
            self.by_address()
        } else if self.known.contains(&device) && rng.random_bool(0.5) {
            json!({ "anonymous_id": self.device(device), "email": self.address() })
        } else {
            self.by_device(device)
        }
    }
}

impl Teller {
    /// Mostly minutes, now and then seconds, so that messages compete, or a night.
    fn time_passes(&mut self, events: u32) {
        let mean_ms = i64::from(DAYS) * DAY_MS / i64::from(events);
        self.at += match self.rng.random_range(0..10) {
            0..3 => self.rng.random_range(1..25) * SECOND_MS,
            3..9 => self.rng.random_range(MINUTE_MS..mean_ms),
            _ => 3 * mean_ms,
        };
    }

    fn something_happens(&mut self, shopper: &mut Shopper) {
        match self.rng.random_range(0..100) {
            0..12 => self.is_tied(shopper),
            12..17 => {
                // Of what is older than the normalizer remembers the journey itself finds out that it repeats.
                let is_recent = |step: &&Step| step.body().is_some() && step.at > self.at - HOUR_MS;
                let recent: Vec<Step> = self.story.0.iter().filter(is_recent).cloned().collect();
                let repeated = recent.choose(&mut self.rng).cloned();
                self.story.0.extend(repeated.map(|step| Step { at: self.at, ..step }));
            }
            17..24 => {
                let granted = self.rng.random_bool(0.7);
                let consents = json!([{ "channel": "email", "purpose": "marketing", "granted": granted }]);
                let who = shopper.somehow(&mut self.rng);
                self.touch(Domain::Ecommerce, "consent.changed", &who, json!({ "consents": consents }));
            }
            24..34 => self.buys(shopper),
            34..38 => {
                let who = shopper.somehow(&mut self.rng);
                let kind = if self.rng.random_bool(0.5) { "case.opened" } else { "case.closed" };
                self.touch(Domain::Crm, kind, &who, json!({}));
            }
            38..46 => {
                let who = shopper.somehow(&mut self.rng);
                let household = json!({ "household_id": format!("home-{}", shopper.number / 2) });
                self.touch(Domain::Store, "store.visited", &who, json!({ "account_identifiers": household }));
            }
            46..52 => {
                let who = shopper.somehow(&mut self.rng);
                self.touch(Domain::Store, "coupon.offered", &who, json!({}));
            }
            52..58 => {
                let who = shopper.somehow(&mut self.rng);
                let company = json!({ "crm_account_id": "company" });
                let rest = json!({ "account_identifiers": company });
                self.touch(Domain::Ecommerce, "form.submitted", &who, rest);
            }
            _ => {
                let kinds = ["page.viewed", "product.viewed", "product.viewed", "cart.updated"];
                let kind = kinds[self.rng.random_range(0..kinds.len())];
                let who = shopper.somehow(&mut self.rng);
                let zone = ZONES[shopper.number as usize % ZONES.len()];
                self.touch(Domain::Ecommerce, kind, &who, json!({ "properties": { "time_zone": zone } }));
            }
        }
    }

    fn buys(&mut self, shopper: &mut Shopper) {
        let who = shopper.by_address();
        let is_refund = shopper.orders > 0 && self.rng.random_bool(0.3);
        shopper.orders += u32::from(!is_refund);
        let (kind, amount) = if is_refund { ("order.refunded", "-45.90") } else { ("order.placed", "45.90") };
        let order = json!({
            "order_id": format!("O-{}-{}", shopper.number, shopper.orders),
            "value": { "currency": "USD", "amount": amount },
        });
        self.touch(Domain::Ecommerce, kind, &who, order);
    }

    /// One of the shopper's devices turns out to be theirs, by a touch or because somebody says so.
    fn is_tied(&mut self, shopper: &mut Shopper) {
        let Some(device) = (0..shopper.devices).find(|device| !shopper.known.contains(device)) else { return };
        shopper.known.push(device);
        for who in [shopper.by_device(device), shopper.by_address()] {
            self.touch_now("person.identified", &who);
        }
        if self.rng.random_bool(0.3) {
            let (device, address) = (shopper.device(device), shopper.address());
            self.story.0.push(Step { at: self.at, what: What::Linked { device, address } });
        } else {
            let both = json!({ "anonymous_id": shopper.device(device), "email": shopper.address() });
            self.touch_now("person.identified", &both);
        }
    }

    fn touch_now(&mut self, kind: &str, who: &Value) {
        self.touch_at(self.at, Domain::Ecommerce, kind, who, json!({}));
    }

    /// A touch, of which some tell late of what was before.
    fn touch(&mut self, domain: Domain, kind: &str, who: &Value, rest: Value) {
        let is_late = self.rng.random_ratio(1, 10);
        let late_ms = if is_late { self.rng.random_range(0..3 * HOUR_MS) } else { 0 };
        self.touch_at(self.at - late_ms, domain, kind, who, rest);
    }

    fn touch_at(&mut self, occurred_at: i64, domain: Domain, kind: &str, who: &Value, rest: Value) {
        let mut body = json!({
            "id": format!("e-{}", self.story.0.len()), "type": kind, "occurred_at": to_rfc3339(occurred_at),
            "identifiers": who, "channel": "direct",
        });
        if let (Some(body), Value::Object(rest)) = (body.as_object_mut(), rest) {
            body.extend(rest);
        }
        self.story.0.push(Step { at: self.at, what: What::Event { domain, body } });
    }
}
