//! The metrics of the identity service: names, labels and help.

use metrics::counter;
use rustc_hash::FxHashMap;
use tributary_model::identity::{IdentifierCommandKind, IdentityChange, IdentityChangeKind};
use tributary_service::metrics::{Kind, Metric};

use crate::output::Output;

const TOUCHPOINTS: &str = "tributary_identity_touchpoints_total";
const CHANGES: &str = "tributary_identity_changes_total";
const REFUSALS: &str = "tributary_identity_refusals_total";
const CLAIMS: &str = "tributary_identity_claims_total";
const MERGE_REQUESTS: &str = "tributary_identity_merge_requests_total";

/// All metrics of the identity service.
pub const METRICS: &[Metric] = &[
    Metric {
        name: TOUCHPOINTS,
        kind: Kind::Counter,
        help: "Touchpoints resolved, by whether they named anybody.",
        labels: &["named"],
    },
    Metric {
        name: CHANGES,
        kind: Kind::Counter,
        help: "What happened to persons, by kind: created, linked, merged, refused, quarantined, unmerged, rekeyed, erased.",
        labels: &["kind"],
    },
    Metric {
        name: REFUSALS,
        kind: Kind::Counter,
        help: "Links that were not made and values that were left out, by reason and namespace.",
        labels: &["reason"],
    },
    Metric {
        name: CLAIMS,
        kind: Kind::Counter,
        help: "Claims between owners of identifiers that were seen together for the first time.",
        labels: &[],
    },
    Metric {
        name: MERGE_REQUESTS,
        kind: Kind::Counter,
        help: "Requests to the sequencer: to make two persons one, to take one apart, to erase one.",
        labels: &[],
    },
];

/// What has happened since the last commit; counted then, so that an aborted transaction counts nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    named: u64,
    nobody: u64,
    claims: u64,
    requests: u64,
    changes: FxHashMap<&'static str, u64>,
    refusals: FxHashMap<String, u64>,
}

impl Tally {
    pub(crate) fn note(&mut self, output: &Output) {
        match output {
            Output::Resolved(resolved) if resolved.touchpoint.identifiers.is_empty() => self.nobody += 1,
            Output::Resolved(_) => self.named += 1,
            Output::Identifier(command) => self.claims += u64::from(command.kind == IdentifierCommandKind::Claim),
            Output::Merge(_) => self.requests += 1,
            Output::Change(change) => self.note_change(change),
            Output::Person(_) | Output::Alias(_) | Output::Unalias(_) => {}
        }
    }

    fn note_change(&mut self, change: &IdentityChange) {
        *self.changes.entry(kind_name(change.kind)).or_default() += 1;
        if let (IdentityChangeKind::Refused, Some(reason)) = (change.kind, &change.reason) {
            match self.refusals.get_mut(reason) {
                Some(count) => *count += 1,
                None => drop(self.refusals.insert(reason.clone(), 1)),
            }
        }
    }

    /// Adds it to the counters and starts again.
    pub(crate) fn publish(&mut self) {
        let tally = std::mem::take(self);
        for (named, count) in [("true", tally.named), ("false", tally.nobody)] {
            if count > 0 {
                counter!(TOUCHPOINTS, "named" => named).increment(count);
            }
        }
        for (name, count) in [(CLAIMS, tally.claims), (MERGE_REQUESTS, tally.requests)] {
            if count > 0 {
                counter!(name).increment(count);
            }
        }
        for (kind, count) in tally.changes {
            counter!(CHANGES, "kind" => kind).increment(count);
        }
        for (reason, count) in tally.refusals {
            counter!(REFUSALS, "reason" => reason).increment(count);
        }
    }
}

fn kind_name(kind: IdentityChangeKind) -> &'static str {
    match kind {
        IdentityChangeKind::Created => "created",
        IdentityChangeKind::Linked => "linked",
        IdentityChangeKind::Merged => "merged",
        IdentityChangeKind::Refused => "refused",
        IdentityChangeKind::Quarantined => "quarantined",
        IdentityChangeKind::Unmerged => "unmerged",
        IdentityChangeKind::Rekeyed => "rekeyed",
        IdentityChangeKind::Erased => "erased",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_follow_the_rules() {
        assert_eq!(tributary_service::metrics::naming_faults(super::METRICS), Vec::<String>::new());
    }
}
