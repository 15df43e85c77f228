//! Hand-made workloads for tests.

use crate::workload::draft::Draft;
use crate::workload::spec::Spec;
use crate::workload::{Event, RECEIVED_AT};

/// A touchpoint of one of the plain sources.
pub(crate) fn plain(source: &'static str, id: &str, kind: &str, at: i64) -> Spec {
    Spec::new(source, id, kind, at)
}

impl From<Spec> for Draft {
    fn from(spec: Spec) -> Self {
        Self::plain(spec)
    }
}

/// The events in the order given.
pub(crate) fn events(drafts: Vec<Draft>) -> Vec<Event> {
    drafts.into_iter().zip(0..).map(|(draft, index)| draft.event(RECEIVED_AT + index)).collect()
}
