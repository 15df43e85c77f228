//! A retailer's traffic: views, messages, carts, orders, purchases at the till, forms and calls, about 400 bytes each, four of
//! five events by a fifth of the persons. What has to come of it is counted while it is made.

use std::collections::BTreeSet;

use anyhow::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_model::time::to_rfc3339;
use tributary_model::{Domain, RawEvent, topics};
use tributary_schema::Contracts;
use tributary_stream::OutRecord;

/// 2026-03-01T00:00:00Z.
const BEGINNING_MS: i64 = 1_772_323_200_000;
const STEP_MS: i64 = 400;

/// What has to come of the events so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Events, each a touchpoint of its own.
    pub events: u64,
    /// Sales.
    pub orders: i64,
    /// What they came to, in cents.
    pub cents: i64,
    /// Ids of forms: each fires the bench's trigger once.
    pub forms: BTreeSet<String>,
    /// Who has done something.
    pub persons: BTreeSet<u32>,
    /// Who has bought something.
    pub buyers: BTreeSet<u32>,
}

/// Whose the next event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Anybody's; four of five are those of a fifth of the persons.
    Skewed,
    /// One after the other, and again from the first.
    Each,
}

/// Traffic of so many persons, event by event.
#[derive(Debug)]
pub struct Traffic {
    rng: ChaCha8Rng,
    persons: u32,
    turn: Turn,
    /// Begins the names of persons and the ids of events.
    prefix: &'static str,
    truth: Truth,
}

/// One event.
struct Draft {
    domain: Domain,
    kind: &'static str,
    /// Further fields of the body, each begun by a comma.
    fields: String,
}

impl Traffic {
    /// From the beginning; always the same.
    #[must_use]
    pub fn new(persons: u32) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(11);
        Self { rng, persons, turn: Turn::Skewed, prefix: "", truth: Truth::default() }
    }

    /// Of each person in turn.
    #[must_use]
    pub fn of_each_in_turn(persons: u32) -> Self {
        Self { turn: Turn::Each, ..Self::new(persons) }
    }

    /// Of persons that nobody else has.
    #[must_use]
    pub fn of_others(persons: u32) -> Self {
        Self { prefix: "other-", ..Self::new(persons) }
    }

    /// What has to come of what was made so far.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The next event as a record of its raw topic.
    ///
    /// # Errors
    /// When it does not fit its contract.
    pub fn record(&mut self, contracts: &Contracts) -> Result<OutRecord> {
        let (source, domain, id, raw) = self.raw();
        let topic = topics::raw(domain);
        let value = Some(contracts.encode(&topic, &raw)?);
        Ok(OutRecord { topic, key: format!("{source}:{id}").into_bytes(), value, headers: Vec::new() })
    }

    fn raw(&mut self) -> (String, Domain, String, RawEvent) {
        let number = self.truth.events;
        let prefix = self.prefix;
        let id = format!("{prefix}t{number}");
        let at = BEGINNING_MS + number as i64 * STEP_MS;
        let person = self.person(number);
        let Draft { domain, kind, fields } = self.draft(&id, person);
        self.truth.events += 1;
        self.truth.persons.insert(person);
        // Only browsers bring a cookie.
        let identifiers = match domain {
            Domain::Ecommerce if number.is_multiple_of(2) => {
                format!("{{\"anonymous_id\":\"{prefix}browser-{person}\",\"customer_id\":\"{prefix}c{person}\"}}")
            }
            _ => format!("{{\"customer_id\":\"{prefix}c{person}\"}}"),
        };
        let body = format!(
            "{{\"id\":\"{id}\",\"type\":\"{kind}\",\"occurred_at\":\"{}\",\"identifiers\":{identifiers}{fields}}}",
            to_rfc3339(at)
        );
        let source = format!("events-{}", domain.name());
        let raw = RawEvent {
            source: source.clone(),
            event_id: Some(id.clone()),
            received_at: at + 1_000,
            content_type: "application/json".to_owned(),
            body: body.into_bytes(),
        };
        (source, domain, id, raw)
    }

    fn person(&mut self, number: u64) -> u32 {
        let few = (self.persons / 5).max(1);
        match self.turn {
            Turn::Each => (number % u64::from(self.persons)) as u32,
            Turn::Skewed if self.rng.random_range(0..5) < 4 => self.rng.random_range(0..few),
            Turn::Skewed => self.rng.random_range(few..self.persons.max(few + 1)),
        }
    }

    fn draft(&mut self, id: &str, person: u32) -> Draft {
        let campaign = self.rng.random_range(0..12);
        let page = self.rng.random_range(0..500);
        match self.rng.random_range(0..100) {
            0..55 => Draft {
                domain: Domain::Ecommerce,
                kind: if page % 3 == 0 { "product.viewed" } else { "page.viewed" },
                fields: format!(
                    ",\"channel\":\"direct\",\"properties\":{{\"page\":\"/kitchen/mugs/{page}\",\"referrer\":\
                     \"https://www.search.example/results?q=blue+mugs\",\"variant\":\"blue\",\"device\":\"phone\"}}"
                ),
            },
            55..75 => Draft {
                domain: Domain::Channel,
                kind: ["email.sent", "email.opened", "email.clicked", "ad.shown"][page % 4],
                fields: format!(
                    ",\"channel\":\"{}\",\"direction\":\"{}\",\"campaign_id\":\"spring-{campaign}\",\"message_id\":\
                     \"spring-{campaign}-a\",\"properties\":{{\"subject\":\"Twenty off on everything blue this week\"}}",
                    if page % 4 == 3 { "display" } else { "email" },
                    if page % 4 == 0 || page % 4 == 3 { "outbound" } else { "inbound" }
                ),
            },
            75..83 => Draft {
                domain: Domain::Ecommerce,
                kind: "cart.updated",
                fields: self.items(",\"channel\":\"direct\"", None, person),
            },
            83..87 => {
                let order = format!(",\"channel\":\"direct\",\"order_id\":\"o-{id}\"");
                Draft {
                    domain: Domain::Ecommerce,
                    kind: "order.placed",
                    fields: self.items(&order, Some("USD"), person),
                }
            }
            87..92 => {
                let order = format!(",\"order_id\":\"r-{id}\",\"location\":\"store-{}\"", page % 20);
                Draft {
                    domain: Domain::Store,
                    kind: "store.purchased",
                    fields: self.items(&order, Some("USD"), person),
                }
            }
            92..95 => {
                self.truth.forms.insert(id.to_owned());
                let fields = ",\"channel\":\"direct\",\"properties\":{\"form\":\"ask for a sample\"}".to_owned();
                Draft { domain: Domain::Ecommerce, kind: "form.submitted", fields }
            }
            _ => Draft {
                domain: Domain::Crm,
                kind: if page % 2 == 0 { "call.held" } else { "meeting.held" },
                fields: ",\"properties\":{\"minutes\":\"12\",\"topic\":\"delivery of the blue ones\"}".to_owned(),
            },
        }
    }

    /// Two lines; with a currency, they are sold.
    fn items(&mut self, first: &str, currency: Option<&str>, person: u32) -> String {
        let mut fields = first.to_owned();
        let cents = [self.rng.random_range(100..9_000), self.rng.random_range(100..9_000)];
        let lines = cents.map(|cents| {
            let (units, part) = (cents / 100, cents % 100);
            let sku = cents % 700;
            format!(
                "{{\"sku\":\"sku-{sku}\",\"quantity\":1,\"unit_price\":\"{units}.{part:02}\",\
                 \"line_value\":\"{units}.{part:02}\",\"category\":\"kitchen\",\"brand\":\"acme\"}}"
            )
        });
        if let Some(currency) = currency {
            fields += &format!(",\"value\":{{\"currency\":\"{currency}\",\"sum_of\":\"line_value\"}}");
            self.truth.orders += 1;
            self.truth.cents += cents.iter().sum::<i64>();
            self.truth.buyers.insert(person);
        } else {
            fields += ",\"value\":{\"currency\":\"USD\",\"sum_of\":\"line_value\"}";
        }
        fields + &format!(",\"items\":[{}]", lines.join(","))
    }
}
