//! What a source sent, untouched.

use serde::{Deserialize, Serialize};

/// A raw event on `tributary.raw.<domain>`: the source's own bytes with what the gateway knew about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEvent {
    /// The source's name, a folder under `schemas/sources/`.
    pub source: String,
    /// The source's own id of the event, when the receiver could tell it; part of the record key.
    pub event_id: Option<String>,
    /// When the hub received it.
    pub received_at: i64,
    /// MIME type of `body`, usually `application/json`.
    pub content_type: String,
    /// The bytes as they came.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}
