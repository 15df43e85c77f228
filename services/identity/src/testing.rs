//! What the unit tests of this crate share.

use tributary_model::identity::{IdentityChange, IdentityChangeKind};
use tributary_model::{Identifier, Touchpoint};

use crate::output::Output;

/// `namespace:value` as an identifier.
pub(crate) fn id(text: &str) -> Identifier {
    let (namespace, value) = text.split_once(':').expect("namespace:value");
    Identifier::new(namespace, value)
}

pub(crate) fn ids(texts: &[&str]) -> Vec<Identifier> {
    texts.iter().map(|text| id(text)).collect()
}

/// A touchpoint that names these identifiers; its id is its time.
pub(crate) fn touchpoint(occurred_at: i64, identifiers: &[&str]) -> Touchpoint {
    let json = serde_json::json!({
        "touchpoint_id": format!("t-{occurred_at}"), "source": "test", "domain": "store", "type": "store.purchased",
        "occurred_at": occurred_at, "received_at": occurred_at, "identifiers": ids(identifiers),
        "refused_identifiers": [], "account_identifiers": [], "channel": "in_store", "direction": "inbound",
        "items": [], "consents": [], "properties": {},
    });
    serde_json::from_value(json).expect("a touchpoint")
}

/// The changes of one kind among the outputs.
pub(crate) fn changes(outputs: &[Output], kind: IdentityChangeKind) -> Vec<&IdentityChange> {
    let of_kind = outputs.iter().filter_map(|output| match output {
        Output::Change(change) if change.kind == kind => Some(change),
        _ => None,
    });
    of_kind.collect()
}
