//! Touchpoints of many persons, as identity would hand them to the journeys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tributary_model::identity::Resolved;
use tributary_model::{Direction, Domain, Identifier, Item, Money, PersonId, Touchpoint, topics};
use tributary_schema::Contracts;
use tributary_stream::{BulkPublisher, KafkaSettings, OutRecord};

const START_MS: i64 = 1_772_000_000_000;
const MINUTE_MS: i64 = 60_000;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Publishes touchpoints on `tributary.resolved`.
pub struct Load {
    publisher: BulkPublisher,
    contracts: Arc<Contracts>,
    persons: u64,
    sent: u64,
}

impl Load {
    /// Of this many persons, one after the other and again from the first.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn new(settings: &KafkaSettings, persons: u64) -> Result<Self> {
        let publisher = BulkPublisher::new(settings, TIMEOUT)?;
        Ok(Self { publisher, contracts: settings.contracts()?, persons, sent: 0 })
    }

    /// Touchpoints sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Id of the touchpoint that is sent next.
    #[must_use]
    pub fn next_id(&self) -> String {
        id(self.sent)
    }

    /// Sends the next touchpoint.
    ///
    /// # Errors
    /// When the broker refuses it.
    pub fn send(&mut self) -> Result<()> {
        let resolved = resolved(self.sent, self.persons);
        self.sent += 1;
        let value = Some(self.contracts.encode(topics::RESOLVED, &resolved)?);
        let key = resolved.person_id.to_key();
        let record = OutRecord { topic: topics::RESOLVED.to_owned(), key, value, headers: Vec::new() };
        Ok(self.publisher.send(&record)?)
    }

    /// Returns when the broker has everything.
    ///
    /// # Errors
    /// When it does not take it.
    pub fn flush(&self) -> Result<()> {
        Ok(self.publisher.flush(TIMEOUT)?)
    }
}

/// Views with a store purchase now and then.
fn resolved(number: u64, persons: u64) -> Resolved {
    let via = Identifier::new("customer_id", format!("c{}", number % persons));
    let round = number / persons;
    let is_purchase = round % 3 == 2;
    let occurred_at = START_MS + round as i64 * 7 * MINUTE_MS + (number % persons) as i64;
    let sku = format!("sku-{}", number % 977);
    let item = Item {
        sku,
        quantity: 1,
        unit_price_minor: Some(1_299),
        unit_cost_minor: Some(700),
        line_value_minor: Some(1_299),
        discounts: Vec::new(),
        category: Some("kitchen".to_owned()),
        brand: Some("acme".to_owned()),
    };
    let touchpoint = Touchpoint {
        touchpoint_id: id(number),
        source: "bench".to_owned(),
        domain: if is_purchase { Domain::Store } else { Domain::Channel },
        event_type: if is_purchase { "store.purchased" } else { "product.viewed" }.to_owned(),
        occurred_at,
        received_at: occurred_at,
        identifiers: vec![via.clone()],
        refused_identifiers: Vec::new(),
        account_identifiers: Vec::new(),
        channel: if is_purchase { "in_store" } else { "direct" }.to_owned(),
        direction: Direction::Inbound,
        campaign_id: None,
        message_id: None,
        decision_id: None,
        agency: None,
        partner: None,
        cost: None,
        value: is_purchase.then(|| Money::new("USD", 1_299)),
        items: vec![item],
        order_id: is_purchase.then(|| format!("o{number}")),
        location: None,
        consents: Vec::new(),
        duplicate_of: None,
        properties: BTreeMap::from([("page".to_owned(), "/kitchen/mugs".to_owned())]),
    };
    Resolved { person_id: PersonId::of(&realm(), &via), via, hops: 0, touchpoint }
}

fn id(number: u64) -> String {
    format!("bench:{number}")
}

fn realm() -> uuid::Uuid {
    tributary_journey::Config::default().realm_uuid()
}
