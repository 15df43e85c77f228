//! Accepted events, and their records.

use tributary_model::RawEvent;
use tributary_schema::{Contracts, SchemaError};
use tributary_stream::OutRecord;

use crate::directory::Source;
use crate::refusal::{Fault, FaultCode, MAX_LISTED, Refusal};

/// Every element of a request is published as this, whatever it came in.
const CONTENT_TYPE: &str = "application/json";

/// An event that keeps all limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its id, for the record key.
    pub(crate) id: String,
    /// Whether `id` is the source's own, and not made of the body.
    pub(crate) own_id: bool,
    /// Its JSON.
    pub(crate) body: Vec<u8>,
}

/// The events of a request, the good beside the refused.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sorted {
    pub(crate) accepted: Vec<Event>,
    /// The first faults of the refused.
    pub(crate) faults: Vec<Fault>,
    pub(crate) refused: usize,
    /// The refused by their first fault, in the order of [`FaultCode::ALL`].
    pub(crate) reasons: [u64; FaultCode::ALL.len()],
}

impl Sorted {
    pub(crate) fn push(&mut self, outcome: Result<Event, Vec<Fault>>) {
        let index = self.total();
        match outcome {
            Ok(event) => self.accepted.push(event),
            Err(faults) => {
                self.refused += 1;
                if let Some(first) = faults.first() {
                    self.reasons[first.code as usize] += 1;
                }
                let room = MAX_LISTED - self.faults.len();
                self.faults.extend(faults.into_iter().take(room).map(|fault| Fault { index, ..fault }));
            }
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.accepted.len() + self.refused
    }

    /// All events, or why there are none.
    pub(crate) fn all_or_nothing(self) -> Result<Self, Refusal> {
        if self.refused == 0 { Ok(self) } else { Err(self.into_refusal()) }
    }

    pub(crate) fn into_refusal(self) -> Refusal {
        Refusal::Events { total: self.total(), faults: self.faults, refused: self.refused }
    }
}

/// The record of an event on its raw topic.
pub(crate) fn record(
    event: Event,
    source: &Source,
    received_at: i64,
    traceparent: Option<&[u8]>,
    contracts: &Contracts,
) -> Result<OutRecord, SchemaError> {
    let key = format!("{}:{}", source.name, event.id).into_bytes();
    let raw = RawEvent {
        source: source.name.clone(),
        event_id: event.own_id.then_some(event.id),
        received_at,
        content_type: CONTENT_TYPE.to_owned(),
        body: event.body,
    };
    let value = contracts.encode(&source.topic, &raw)?;
    let headers = traceparent.map(|parent| ("traceparent".to_owned(), parent.to_vec())).into_iter().collect();
    Ok(OutRecord { topic: source.topic.clone(), key, value: Some(value), headers })
}
