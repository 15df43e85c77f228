//! The normaliser's metrics; what was processed, dropped and dead-lettered is counted by the runtime.

use std::collections::BTreeMap;

use metrics::{Counter, counter};
use tributary_service::metrics::{Kind, Metric};

const TOUCHPOINTS: &str = "tributary_normalizer_touchpoints_total";
const REFUSED: &str = "tributary_normalizer_refused_identifiers_total";
const CONFLICTS: &str = "tributary_normalizer_conflicting_duplicates_total";
const PARTIAL: &str = "tributary_normalizer_partial_duplicates_total";
const DEAD_LETTERS: &str = "tributary_normalizer_dead_letters_total";
const EVICTED_EARLY: &str = "tributary_normalizer_dedup_evicted_early_total";

/// The catalogue.
pub const CATALOGUE: &[Metric] = &[
    Metric { name: TOUCHPOINTS, kind: Kind::Counter, help: "Touchpoints written.", labels: &["source"] },
    Metric {
        name: REFUSED,
        kind: Kind::Counter,
        help: "Identifiers left out because their value is blocked.",
        labels: &["source"],
    },
    Metric {
        name: CONFLICTS,
        kind: Kind::Counter,
        help: "Touchpoints whose id came before with other content, kept under a new id.",
        labels: &["source"],
    },
    Metric {
        name: PARTIAL,
        kind: Kind::Counter,
        help: "Events of which some touchpoints were duplicates and others not.",
        labels: &["source"],
    },
    Metric { name: DEAD_LETTERS, kind: Kind::Counter, help: "Events that became dead letters.", labels: &["code"] },
    Metric {
        name: EVICTED_EARLY,
        kind: Kind::Counter,
        help: "Ids forgotten before the window ended because the window was full.",
        labels: &[],
    },
];

/// Handles of one source.
pub(crate) struct SourceMeter {
    pub(crate) touchpoints: Counter,
    pub(crate) refused: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) partial: Counter,
}

/// The handles a task keeps.
#[derive(Default)]
pub(crate) struct Meters {
    sources: BTreeMap<String, SourceMeter>,
}

impl Meters {
    /// The handles of a source, made when it is first met.
    pub(crate) fn source(&mut self, name: &str) -> &SourceMeter {
        if !self.sources.contains_key(name) {
            let handle = |metric: &'static str| counter!(metric, "source" => name.to_owned());
            let meter = SourceMeter {
                touchpoints: handle(TOUCHPOINTS),
                refused: handle(REFUSED),
                conflicts: handle(CONFLICTS),
                partial: handle(PARTIAL),
            };
            self.sources.insert(name.to_owned(), meter);
        }
        &self.sources[name]
    }

    pub(crate) fn dead_letter(code: &'static str) {
        counter!(DEAD_LETTERS, "code" => code).increment(1);
    }

    pub(crate) fn evicted_early(count: u64) {
        counter!(EVICTED_EARLY).increment(count);
    }
}
