//! A touchpoint on its way: what the mapping said, read and checked, with identifiers still raw.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use tributary_model::time::to_rfc3339;
use tributary_model::{Consent, Direction, Item, Money};

/// An identifier before it becomes a pseudonym. Never logged, never written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RawIdentifier {
    pub(crate) namespace: String,
    pub(crate) value: String,
}

impl std::fmt::Debug for RawIdentifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:***", self.namespace)
    }
}

/// What a mapping made of an event. Field by field as `docs/adding-a-source.md` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) event_type: String,
    pub(crate) occurred_at: i64,
    pub(crate) identifiers: Vec<RawIdentifier>,
    pub(crate) account_identifiers: Vec<RawIdentifier>,
    /// Namespaces of identifiers that were left out, with the reason.
    pub(crate) refused: Vec<(String, &'static str)>,
    pub(crate) channel: Option<String>,
    pub(crate) referral: Option<BTreeMap<String, String>>,
    pub(crate) direction: Direction,
    pub(crate) campaign_id: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) decision_id: Option<String>,
    pub(crate) agency: Option<String>,
    pub(crate) partner: Option<String>,
    pub(crate) cost: Option<Money>,
    pub(crate) value: Option<Money>,
    pub(crate) items: Vec<Item>,
    pub(crate) order_id: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) consents: Vec<Consent>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) user_agent: Option<String>,
}

impl Draft {
    /// The draft in the mapping's shape, as samples state it: empty fields left out.
    pub(crate) fn to_json(&self) -> Json {
        let mut out = Map::new();
        let mut put = |key: &str, value: Json| {
            let empty = match &value {
                Json::Null => true,
                Json::Array(list) => list.is_empty(),
                Json::Object(map) => map.is_empty(),
                _ => false,
            };
            if !empty {
                out.insert(key.to_owned(), value);
            }
        };
        put("id", json!(self.id));
        put("type", json!(self.event_type));
        put("occurred_at", json!(to_rfc3339(self.occurred_at)));
        put("identifiers", identifiers_json(&self.identifiers));
        put("account_identifiers", identifiers_json(&self.account_identifiers));
        put("refused_identifiers", self.refused.iter().map(|(name, why)| (name.clone(), json!(why))).collect());
        put("channel", json!(self.channel));
        put("direction", json!(self.direction));
        put("campaign_id", json!(self.campaign_id));
        put("message_id", json!(self.message_id));
        put("decision_id", json!(self.decision_id));
        put("agency", json!(self.agency));
        put("partner", json!(self.partner));
        put("cost", json!(self.cost));
        put("value", json!(self.value));
        put("items", self.items.iter().map(item_json).collect());
        put("order_id", json!(self.order_id));
        put("location", json!(self.location));
        put("consents", json!(self.consents));
        put("properties", json!(self.properties));
        Json::Object(out)
    }
}

fn identifiers_json(identifiers: &[RawIdentifier]) -> Json {
    let mut by_namespace: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for identifier in identifiers {
        by_namespace.entry(&identifier.namespace).or_default().push(&identifier.value);
    }
    json!(by_namespace)
}

fn item_json(item: &Item) -> Json {
    let mut json = json!(item);
    if let Json::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    json
}
