//! What somebody asks of identity by hand.

use tributary_model::identity::{IdentifierCommand, IdentifierCommandKind};
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, PersonId, Pseudonymizer, topics};
use tributary_schema::{Contracts, SchemaError};
use tributary_stream::OutRecord;
use tributary_test_oracle::PSEUDONYM_KEY;
use tributary_tributary::config::HubConfig;

use crate::workload::Arrival;

/// An identifier as the hub calls it.
pub(crate) fn identifier(namespace: &str, value: &str) -> Identifier {
    #[expect(clippy::expect_used, reason = "the key of the simulation is as long as it has to be")]
    let key = Pseudonymizer::new(PSEUDONYM_KEY).expect("a key");
    Identifier::new(namespace, key.pseudonym(namespace, value))
}

/// The person as which an identifier begins.
pub(crate) fn first_person(identifier: &Identifier) -> PersonId {
    PersonId::of(&realm_uuid(&HubConfig::default().realm), identifier)
}

/// A request about an identifier and others, asked at `at`; `name` tells it from others.
pub(crate) fn request(
    kind: IdentifierCommandKind,
    identifier: Identifier,
    then: Vec<Identifier>,
    (name, reason): (String, &str),
    at: i64,
    contracts: &Contracts,
) -> Result<Arrival, SchemaError> {
    let request = IdentifierCommand {
        kind,
        person_id: first_person(&identifier),
        identifier,
        first_seen_at: at,
        with: None,
        then,
        previous_person_id: None,
        touchpoint_id: format!("by-hand:{name}"),
        occurred_at: at,
        by_hand: Some(reason.to_owned()),
        from: None,
        received_at: at,
        sequence: 0,
    };
    let topic = topics::IDENTITY_REQUESTS.to_owned();
    let value = Some(contracts.encode(&topic, &request)?);
    let record = OutRecord { topic, key: request.identifier.to_key(), value, headers: Vec::new() };
    Ok(Arrival { record, timestamp_ms: None })
}
